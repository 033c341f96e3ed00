import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { Refusal, parse } from '../refusal';
import type { Context } from './context';

const query = z.strictObject({
  cursor: z
    .string()
    .regex(/^(now|\d{1,15})$/, 'not a cursor of this feed')
    .default('0'),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});

/** The number of entries that a repeating feed returns again. */
const REPEATED = 20;

/** The change feed. A cursor counts the entries that were read. */
export function changeRoutes(api: FastifyInstance, { store, repeats }: Context): void {
  api.get('/changes', async (request) => {
    const { cursor, limit } = parse(query, request.query);
    const { length } = store.changes;
    const from = cursor === 'now' ? length : Number(cursor);
    if (from > length)
      throw new Refusal(400, 'invalid', `cursor: ${cursor} lies beyond the feed`, { field: 'cursor' });
    const next = Math.min(from + limit, length);
    const items = store.changes.slice(repeats(request) ? Math.max(0, from - REPEATED) : from, next);
    if (store.lies.reverseFeed) items.reverse();
    return { items, nextCursor: String(next), hasMore: next < length };
  });
}
