import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { KINDS, etag, type Collection, type Kind, type PmsRecord } from '../model';
import { Refusal, parse } from '../refusal';
import { idOf, type Context } from './context';
import { list } from './listing';

/** Customers, projects or notes: list, create, read, change, delete, archive, in bulk. */
export function recordRoutes(api: FastifyInstance, context: Context, collection: Collection): void {
  const { store, idempotency, actor } = context;
  const kind = KINDS[collection];
  const actorId = (request: FastifyRequest) => actor(request).id;
  const ifMatch = (request: FastifyRequest) => request.headers['if-match'];
  const answer = (reply: FastifyReply, record: PmsRecord) => reply.header('etag', etag(record)).send(record);

  api.get(`/${collection}`, async (request) => list(store, kind, request.query));
  api.post(`/${collection}`, async (request, reply) => {
    const by = actorId(request);
    return idempotency.reply(request, reply, by, ['create', kind, request.body], () =>
      created(store.create(kind, request.body, by)),
    );
  });
  api.get(`/${collection}/:id`, async (request, reply) => answer(reply, store.get(kind, idOf(request))));
  api.patch(`/${collection}/:id`, async (request, reply) =>
    answer(reply, store.update(kind, idOf(request), request.body, ifMatch(request), actorId(request))),
  );
  api.delete(`/${collection}/:id`, async (request, reply) => {
    store.remove(kind, idOf(request), ifMatch(request), actorId(request));
    return reply.code(204).send();
  });
  for (const archived of [true, false]) {
    api.post(`/${collection}/:id/${archived ? 'archive' : 'unarchive'}`, async (request, reply) =>
      answer(reply, store.setArchived(kind, idOf(request), archived, ifMatch(request), actorId(request))),
    );
  }
  if (kind === 'note') {
    api.post('/notes/:id/redact', async (request, reply) =>
      answer(reply, store.redact(idOf(request), ifMatch(request), actorId(request))),
    );
  }
  api.post(`/${collection}/bulk`, async (request) => bulk(context, kind, request.body, actorId(request)));
}

function created(record: PmsRecord): { status: number; etag: string; body: PmsRecord } {
  return { status: 201, etag: etag(record), body: record };
}

const bulkBody = z.strictObject({
  operations: z
    .array(
      z.discriminatedUnion('op', [
        z.strictObject({ op: z.literal('create'), idempotencyKey: z.string().optional(), body: z.unknown() }),
        z.strictObject({
          op: z.literal('update'),
          id: z.string(),
          ifMatch: z.string().optional(),
          body: z.unknown(),
        }),
      ]),
    )
    .max(100),
});
type BulkOperation = z.output<typeof bulkBody>['operations'][number];

/** The operations are independent: a refused operation does not stop the others. */
function bulk(context: Context, kind: Kind, input: unknown, actorId: string): { results: unknown[] } {
  const { operations } = parse(bulkBody, input);
  const results = operations.map((operation) => {
    try {
      return perform(context, kind, operation, actorId);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { status: error.status, ...error.envelope() };
    }
  });
  return { results };
}

function perform(
  { store, idempotency }: Context,
  kind: Kind,
  operation: BulkOperation,
  actorId: string,
): object {
  const { body } = operation;
  if (operation.op === 'update') {
    const record = store.update(kind, operation.id, body, operation.ifMatch, actorId);
    return { status: 200, etag: etag(record), body: record };
  }
  const { answer, replayed } = idempotency.once(
    actorId,
    operation.idempotencyKey,
    ['create', kind, body],
    () => created(store.create(kind, body, actorId)),
  );
  return { ...answer, ...(replayed && { replayed }) };
}
