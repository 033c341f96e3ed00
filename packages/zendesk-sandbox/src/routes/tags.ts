import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { parseRequest } from '../refusal';
import { secondsOf } from '../text';
import { idOf, listing, type Context } from './context';

const RECENT_SECONDS = 60 * 24 * 3_600;
const tagsBody = z.looseObject({ tags: z.array(z.string()) });

type Method = 'PUT' | 'POST' | 'DELETE';
type Change = (request: FastifyRequest, method: Method, tags: string[]) => string[];

/**
 * Rule 42: POST sets tags (201), PUT adds, DELETE removes.
 * https://developer.zendesk.com/api-reference/ticketing/ticket-management/tags/
 */
export function tagRoutes(api: FastifyInstance, context: Context): void {
  ticketTags(api, context);
  const list = listing(context);
  api.get('/tags', async (request) => list(request, 'tags', popular(context)));
  const { users, organizations, actor } = context;
  const tagsOfUser = (id: number) => (users.get(id)['tags'] ?? []) as string[];
  api.get('/users/:id/tags', async (request) => ({ tags: tagsOfUser(idOf(request)) }));
  writes(api, '/users/:id/tags', (request, method, tags) => {
    const id = idOf(request);
    users.update(id, { tags: changed(method, tagsOfUser(id), tags) });
    return tagsOfUser(id);
  });
  api.get('/organizations/:id/tags', async (request) => ({
    tags: organizations.get(idOf(request)).tags,
  }));
  writes(api, '/organizations/:id/tags', (request, method, tags) => {
    const { id, tags: before } = organizations.get(idOf(request));
    return organizations.update(id, { tags: changed(method, before, tags) }, actor(request).id).tags;
  });
}

/** The tags of tickets that changed within 60 days, the most frequent first. */
function popular({ tickets, store }: Context): { name: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const ticket of tickets.live())
    if (store.seconds() - secondsOf(ticket.updated_at) <= RECENT_SECONDS)
      for (const tag of ticket.tags) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  return [...counts].map(([name, count]) => ({ name, count })).sort((a, b) => b.count - a.count);
}

/** The tags of a ticket, with a safe update of their own. */
function ticketTags(api: FastifyInstance, { tickets, actor }: Context): void {
  const fields = { PUT: 'additional_tags', POST: 'tags', DELETE: 'remove_tags' } as const;
  api.get('/tickets/:id/tags', async (request) => ({ tags: tickets.get(idOf(request)).tags }));
  writes(api, '/tickets/:id/tags', (request, method) => {
    const { tags, ...safety } = parseRequest(tagsBody, request.body);
    const change = { ...safety, [fields[method]]: tags };
    return tickets.update(idOf(request), change, actor(request), { tagKeys: true }).ticket.tags;
  });
}

function writes(api: FastifyInstance, url: string, change: Change): void {
  for (const method of ['PUT', 'POST', 'DELETE'] as const)
    api.route({
      method,
      url,
      handler: async (request, reply) => {
        const { tags } = parseRequest(tagsBody, request.body);
        return reply.code(method === 'POST' ? 201 : 200).send({ tags: change(request, method, tags) });
      },
    });
}

function changed(method: Method, before: readonly string[], given: readonly string[]): string[] {
  if (method === 'POST') return [...given];
  if (method === 'PUT') return [...before, ...given];
  const gone = given.map((tag) => tag.toLowerCase());
  return before.filter((tag) => !gone.includes(tag));
}
