import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { parseRequest } from '../refusal';
import { rulesOf, type Obeys } from '../rules/switches';
import { idOf, noContent, type Context } from './context';

const editBody = z.strictObject({
  ticketId: z.number(),
  ticket: z.record(z.string(), z.unknown()),
  agent: z.email().optional(),
});
const voiceBody = z.strictObject({
  body: z.string(),
  author: z.email(),
  public: z.boolean().default(true),
});
const eventBody = z.looseObject({ type: z.string() });
const triageBody = z.strictObject({ fieldId: z.number(), value: z.string() });
const tagBody = z.strictObject({ tag: z.string() });
const ratingBody = z.strictObject({
  score: z.enum(['offered', 'good', 'bad']),
  comment: z.string().optional(),
});
const clockBody = z.strictObject({ advanceMs: z.number().nonnegative() });

/** Routes by which tests and demos control the sandbox; no part of Zendesk. See ../../common for faults and counts. */
export function controlRoutes(
  app: FastifyInstance,
  { store, tickets, agents, channels }: Context,
  clock: { now(): number; advance(ms: number): void },
): void {
  app.get('/_sandbox/state', async () => ({
    organizations: [...store.organizations.values()],
    tickets: [...store.tickets.values()],
    comments: Object.fromEntries(store.comments),
    users: [...store.users.values()],
  }));
  app.post('/_sandbox/clock', async (request) => {
    clock.advance(parseRequest(clockBody, request.body).advanceMs);
    return { now: new Date(clock.now()).toISOString() };
  });
  /** An edit in the agent interface. @returns whether the limit of ticket updates refused it */
  app.post('/_sandbox/agents/edits', async (request) => {
    const { ticketId, ticket, agent } = parseRequest(editBody, request.body);
    return agents.edit(ticketId, ticket, agent);
  });
  app.get('/_sandbox/rules', async () => store.rules);
  /** Sets the given rules; `"all"` sets the defaults. */
  app.put('/_sandbox/rules', async (request) => {
    store.rules = rulesOf(request.body as Obeys, store.rules);
    return store.rules;
  });
  app.post('/_sandbox/tickets/:id/voice_comments', async (request) => {
    const { body, author, public: isPublic } = parseRequest(voiceBody, request.body);
    const person = store.personOf(author);
    return { comment: channels.voiceComment(idOf(request), { body, author: person, isPublic }) };
  });
  app.post('/_sandbox/tickets/:id/satisfaction_rating', async (request) => {
    const { score, comment } = parseRequest(ratingBody, request.body);
    return { ticket: channels.rate(idOf(request), { score, ...(comment !== undefined && { comment }) }) };
  });
  app.post('/_sandbox/tickets/:id/events', async (request) => ({
    audit: channels.event(idOf(request), parseRequest(eventBody, request.body)),
  }));
  app.post('/_sandbox/tickets/:id/triage', async (request, reply) => {
    const { fieldId, value } = parseRequest(triageBody, request.body);
    channels.triage(idOf(request), fieldId, value);
    return noContent(reply);
  });
  app.post('/_sandbox/tickets/:id/system_tags', async (request, reply) => {
    channels.systemTag(idOf(request), parseRequest(tagBody, request.body).tag);
    return noContent(reply);
  });
  /** An update by the system, which does not change `updated_at`. */
  app.post('/_sandbox/tickets/:id/touch', async (request) => ({ ticket: tickets.touch(idOf(request)) }));
  // The call log serves these two routes; the store's data is added to its answers.
  app.addHook('preSerialization', async (request, _reply, payload) =>
    request.routeOptions.url === '/_sandbox/stats'
      ? { ...(payload as object), writes: Object.fromEntries(store.writes) }
      : payload,
  );
  app.addHook('onResponse', async (request) => {
    if (request.routeOptions.url === '/_sandbox/stats/reset') store.writes.clear();
  });
}
