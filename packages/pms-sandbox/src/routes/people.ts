import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { byId } from '../model';
import { notFound, parse } from '../refusal';
import { idOf, type Context } from './context';
import { idsParameter, limitParameter, numericCursor, page } from './listing';

const query = z.strictObject({
  cursor: z.string().optional(),
  limit: limitParameter,
  ids: idsParameter.optional(),
  email: z.string().optional(),
  emails: idsParameter.optional(),
});

export function peopleRoutes(api: FastifyInstance, { store: { people }, idempotency, actor }: Context): void {
  api.get('/me', async (request) => actor(request));
  api.get('/people', async (request) => {
    const { cursor, limit, ids, email, emails } = parse(query, request.query);
    const wanted = email === undefined ? emails : [email];
    const found = wanted?.flatMap((each) => people.find(each) ?? []).sort(byId) ?? null;
    const chosen = ids?.flatMap((id) => people.get(id) ?? []).sort(byId) ?? null;
    const items =
      found && chosen ? found.filter((each) => chosen.includes(each)) : (found ?? chosen ?? people.all());
    return page(items, limit, numericCursor(cursor));
  });
  api.get('/people/:id', async (request) => {
    const person = people.get(idOf(request));
    if (!person) throw notFound(idOf(request));
    return person;
  });
  api.post('/people', async (request, reply) =>
    idempotency.reply(request, reply, actor(request).id, ['person', request.body], () => {
      const { person, created } = people.upsert(request.body);
      return { status: created ? 201 : 200, body: person };
    }),
  );
}
