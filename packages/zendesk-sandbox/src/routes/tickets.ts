import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { JobKind } from '../jobs';
import type { Audit, Fields, Ticket } from '../model';
import { parseRequest } from '../refusal';
import { isArchived } from '../rules/archive';
import { shownAudit } from '../tickets/ticketAudits';
import {
  envelope,
  envelopes,
  idList,
  idOf,
  listing,
  manyChanges,
  noContent,
  queryOf,
  type Context,
} from './context';
import { oneTicket, ticketListing } from './ticketLists';

const mergeBody = z.looseObject({
  ids: z.array(z.coerce.number()),
  target_comment: z.string().optional(),
  source_comment: z.string().optional(),
  target_comment_is_public: z.boolean().default(false),
  source_comment_is_public: z.boolean().default(false),
});
const FOR_GOOD: JobKind = { action: 'Delete', resource: 'Ticket', isForGood: true };
const kind = (action: JobKind['action']): JobKind => ({ action, resource: 'Ticket' });

/** https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/ */
export function ticketRoutes(api: FastifyInstance, context: Context): void {
  readRoutes(api, context);
  writeRoutes(api, context);
  bulkRoutes(api, context);
  mergeRoutes(api, context);
  deletedTicketRoutes(api, context);
}

function readRoutes(api: FastifyInstance, context: Context): void {
  const { tickets, store } = context;
  const list = ticketListing(context);
  const one = oneTicket(context);
  /** The tickets of lists, which omit archived ones. */
  const listed = () => tickets.live().filter((ticket) => !isArchived(store, ticket));

  api.get('/tickets', async (request) => {
    const externalId = queryOf(request)['external_id'];
    return list(request, externalId === undefined ? listed() : tickets.byExternalId(externalId));
  });
  api.get('/tickets/count', async () => ({
    count: { value: tickets.live().length, refreshed_at: store.now() },
  }));
  api.get('/tickets/show_many', async (request) => {
    const found = idList(queryOf(request)['ids']).flatMap((id) => store.tickets.get(id) ?? []);
    return list(
      request,
      found.filter((ticket) => ticket.status !== 'deleted'),
    );
  });
  api.get('/tickets/:id', async (request) => one(request, tickets.get(idOf(request))));
}

function writeRoutes(api: FastifyInstance, { tickets, store, actor, idempotency }: Context): void {
  const answerOf = ({ ticket, audit }: { ticket: Ticket; audit: Audit }) => ({
    ticket: tickets.shown(ticket),
    audit: shownAudit(store, audit),
  });
  api.post('/tickets', async (request, reply) => {
    const user = actor(request);
    const create = () => answerOf(tickets.create(envelope(request, 'ticket'), user));
    const key = request.headers['idempotency-key'];
    const { answer, lookup } =
      typeof key === 'string'
        ? idempotency.once(key, request.body, create)
        : { answer: create(), lookup: null };
    const { url } = (answer as { ticket: Ticket }).ticket;
    reply.code(201).header('location', url);
    if (lookup !== null) reply.header('x-idempotency-lookup', lookup);
    return reply.send(answer);
  });
  api.put('/tickets/:id', async (request) =>
    answerOf(tickets.update(idOf(request), envelope(request, 'ticket'), actor(request))),
  );
  api.delete('/tickets/:id', async (request, reply) => {
    tickets.remove(idOf(request), actor(request));
    return noContent(reply);
  });
}

function bulkRoutes(api: FastifyInstance, { tickets, jobs, limits, actor }: Context): void {
  api.post('/tickets/create_many', async (request) => {
    const user = actor(request);
    const step = (each: Fields) => ({ id: tickets.create(each, user).ticket.id });
    return { job_status: jobs.add(kind('Create'), envelopes(request, 'tickets'), step) };
  });
  api.put('/tickets/update_many', async (request) => {
    const user = actor(request);
    const step = ({ id, ...each }: Fields) => {
      limits.bulkUpdate(user.id, Number(id));
      const options = { tagKeys: true, tagsOfClosed: true };
      return { id: tickets.update(Number(id), each, user, options).ticket.id };
    };
    return { job_status: jobs.add(kind('Update'), manyChanges(request, 'ticket', 'tickets'), step) };
  });
  api.delete('/tickets/destroy_many', async (request) => {
    const user = actor(request);
    const ids = idList(queryOf(request)['ids']);
    return { job_status: jobs.add(kind('Update'), ids, (id) => (tickets.remove(id, user), { id })) };
  });
}

function mergeRoutes(api: FastifyInstance, { tickets, jobs, actor }: Context): void {
  api.post('/tickets/:id/merge', async (request) => {
    const user = actor(request);
    const winner = idOf(request);
    const body = parseRequest(mergeBody, request.body);
    const words = {
      target: body.target_comment,
      source: body.source_comment,
      targetPublic: body.target_comment_is_public,
      sourcePublic: body.source_comment_is_public,
    };
    const step = (id: number) => (tickets.merge(id, body.ids, user, words), { id });
    return { job_status: jobs.add(kind('Update'), [winner], step) };
  });
}

function deletedTicketRoutes(api: FastifyInstance, context: Context): void {
  const { tickets, jobs, actor } = context;
  const list = listing(context);
  api.get('/deleted_tickets', async (request) =>
    list(request, 'deleted_tickets', tickets.deletions.list(queryOf(request))),
  );
  api.put('/deleted_tickets/restore_many', async (request) => {
    const user = actor(request);
    const ids = idList(queryOf(request)['ids']);
    return { job_status: jobs.add(kind('Update'), ids, (id) => (tickets.restore(id, user), { id })) };
  });
  api.delete('/deleted_tickets/destroy_many', async (request) => {
    const user = actor(request);
    const ids = idList(queryOf(request)['ids']);
    return { job_status: jobs.add(FOR_GOOD, ids, (id) => (tickets.removeForGood(id, user), { id })) };
  });
  api.put('/deleted_tickets/:id/restore', async (request) => {
    tickets.restore(idOf(request), actor(request));
    return {};
  });
  api.delete('/deleted_tickets/:id', async (request) => {
    const user = actor(request);
    const step = (id: number) => (tickets.removeForGood(id, user), { id });
    return { job_status: jobs.add(FOR_GOOD, [idOf(request)], step) };
  });
}
