import { createHash, randomBytes } from 'node:crypto';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { ZodError, z } from 'zod';
import { CallLog } from '../common/callLog';
import { Faults } from '../common/faults';
import { FIELDS, KINDS, type Collection, type Kind, type Person, type PmsRecord } from './model';
import { PmsStore, Refusal, byId, etag, numberOf } from './store';
import { Webhooks } from './webhooks';

export interface PmsSandboxOptions {
  /** 0 for a free one. */
  port?: number;
  host?: string;
  rateLimitPerMinute?: number;
  clock?: () => number;
  seed?: number;
  /** The integration's token; made up when none is given. */
  token?: string;
}

export interface PmsSandbox {
  url: string;
  port: number;
  /** The integration's bearer token; its person is `sync@pms.example`. */
  token: string;
  store: PmsStore;
  close(): Promise<void>;
}

const DAY_MS = 24 * 60 * 60_000;
const MINUTE_MS = 60_000;
const ATTACHMENT_LIMIT = 20 * 1024 * 1024;

/** A project management system with a REST API, in memory. Contract: docs/pms-openapi.yaml. */
export async function startPmsSandbox(options: PmsSandboxOptions = {}): Promise<PmsSandbox> {
  const clock = options.clock ?? Date.now;
  const store = new PmsStore(clock);
  const sync = store.upsertPerson({ email: 'sync@pms.example', name: 'Sync Service' }).person;
  const token = options.token ?? randomBytes(16).toString('hex');
  const tokens = new Map<string, Person>([[token, sync]]);
  const app = fastify({ bodyLimit: ATTACHMENT_LIMIT, forceCloseConnections: true });
  const personOf = (request: FastifyRequest) =>
    tokens.get((request.headers.authorization ?? '').replace(/^Bearer /, ''));
  const log = new CallLog((request) => personOf(request)?.email ?? 'nobody');
  log.install(app);
  const faults = new Faults(options.seed ?? 1, (request, status) =>
    log.add(request, request.routeOptions.url ?? '', status),
  );
  faults.install(app);
  const webhooks = new Webhooks();
  store.onChange = (change) => webhooks.announce(change);

  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.setErrorHandler((error, _request, reply) => {
    if (error instanceof Refusal) {
      return reply
        .code(error.status)
        .send({ error: { code: error.code, message: error.message, ...error.details } });
    }
    if (error instanceof ZodError) {
      const [issue] = error.issues;
      const field = issue?.path.map(String).join('.') ?? '';
      return reply
        .code(400)
        .send({ error: { code: 'invalid', message: `${field}: ${issue?.message ?? 'invalid'}`, field } });
    }
    const { statusCode = 500, message } = error as { statusCode?: number; message: string };
    return reply
      .code(statusCode)
      .send({ error: { code: statusCode === 413 ? 'too_large' : 'error', message } });
  });
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).send({ error: { code: 'not_found', message: 'No such path' } }),
  );

  app.get('/health', async () => ({ status: 'ok' }));
  await app.register(
    async (api) => {
      const limit = rateLimit(options.rateLimitPerMinute ?? 6_000, clock);
      api.addHook('onRequest', async (request, reply) => {
        limit(reply);
        if (!personOf(request)) throw new Refusal(401, 'unauthorized', 'The bearer token is not known');
      });
      const actor = (request: FastifyRequest): Person => {
        const person = personOf(request);
        if (!person) throw new Refusal(401, 'unauthorized', 'The bearer token is not known');
        return person;
      };
      const once = idempotency(store, clock);
      people(api, store, actor);
      for (const collection of ['customers', 'projects', 'notes'] as const)
        records(api, store, collection, actor, once);
      attachments(api, store, actor);
      api.get('/fields', async () => ({ items: FIELDS }));
      changes(api, store);
      api.post('/webhooks', async (request, reply) => reply.code(201).send(webhooks.add(request.body)));
      api.get('/webhooks', async () => ({ items: webhooks.list() }));
      api.delete('/webhooks/:id', async (request, reply) => {
        const { id } = request.params as { id: string };
        if (!webhooks.all.delete(id)) throw new Refusal(404, 'not_found', `${id} does not exist`);
        return reply.code(204).send();
      });
    },
    { prefix: '/api/v1' },
  );

  app.get('/_sandbox/state', async () => ({
    people: [...store.people.values()],
    customers: [...store.all('customer')],
    projects: [...store.all('project')],
    notes: [...store.all('note')],
  }));
  app.post('/_sandbox/tokens', async (request) => {
    const { person } = store.upsertPerson(request.body);
    const made = randomBytes(16).toString('hex');
    tokens.set(made, person);
    return { token: made, person };
  });
  app.put('/_sandbox/lies', async (request) => {
    store.lies = { ...store.lies, ...(request.body as Partial<PmsStore['lies']>) };
    return store.lies;
  });

  const url = await app.listen({ port: options.port ?? 0, host: options.host ?? '127.0.0.1' });
  return { url, port: Number(new URL(url).port), token, store, close: () => app.close() };
}

type Actor = (request: FastifyRequest) => Person;
type Once = (request: FastifyRequest, reply: FastifyReply, create: () => PmsRecord) => FastifyReply;

/** A sliding minute, as most such systems count. */
function rateLimit(perMinute: number, clock: () => number): (reply: FastifyReply) => void {
  let windowStart = clock();
  let used = 0;
  return (reply) => {
    if (clock() - windowStart >= MINUTE_MS) {
      windowStart = clock();
      used = 0;
    }
    used += 1;
    const reset = Math.max(1, Math.ceil((windowStart + MINUTE_MS - clock()) / 1000));
    reply.headers({
      'x-ratelimit-limit': String(perMinute),
      'x-ratelimit-remaining': String(Math.max(0, perMinute - used)),
      'x-ratelimit-reset': String(reset),
    });
    if (used <= perMinute) return;
    reply.header('retry-after', String(reset));
    throw new Refusal(429, 'rate_limited', `More than ${perMinute} calls in a minute`);
  };
}

/** Creates once for each idempotency key: the same request again gets the first answer. */
function idempotency(store: PmsStore, clock: () => number): Once {
  const kept = new Map<string, { body: string; record: PmsRecord; at: number }>();
  return (request, reply, create) => {
    const key = request.headers['idempotency-key'];
    const body = createHash('sha256')
      .update(`${request.url} ${JSON.stringify(request.body)}`)
      .digest('hex');
    const first = typeof key === 'string' && !store.lies.forgetIdempotencyKeys ? kept.get(key) : undefined;
    if (first && clock() - first.at < DAY_MS) {
      if (first.body !== body)
        throw new Refusal(422, 'idempotency_key_reuse', 'This Idempotency-Key came with another body');
      return reply
        .code(201)
        .headers({ etag: etag(first.record), 'idempotency-replayed': 'true' })
        .send(first.record);
    }
    const record = create();
    if (typeof key === 'string') kept.set(key, { body, record, at: clock() });
    return reply.code(201).header('etag', etag(record)).send(record);
  };
}

function people(api: FastifyInstance, store: PmsStore, actor: Actor): void {
  api.get('/me', async (request) => actor(request));
  api.get('/people', async (request) => {
    const { email, ids } = request.query as { email?: string; ids?: string };
    if (email !== undefined) return { items: [store.findPerson(email)].filter(Boolean), nextCursor: null };
    if (ids !== undefined)
      return { items: ids.split(',').flatMap((id) => store.people.get(id) ?? []), nextCursor: null };
    return { items: [...store.people.values()], nextCursor: null };
  });
  api.get('/people/:id', async (request) => {
    const { id } = request.params as { id: string };
    const person = store.people.get(id);
    if (!person) throw new Refusal(404, 'not_found', `${id} does not exist`);
    return person;
  });
  api.post('/people', async (request, reply) => {
    const { person, created } = store.upsertPerson(request.body);
    return reply.code(created ? 201 : 200).send(person);
  });
}

const listQuery = z.strictObject({
  cursor: z.string().regex(/^\d+$/).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(100),
  archived: z.enum(['true', 'false', 'all']).default('false'),
  ids: z.string().optional(),
  externalRef: z.string().optional(),
  name: z.string().optional(),
  domain: z.string().optional(),
  customerId: z.string().optional(),
  parentId: z.string().optional(),
  title: z.string().optional(),
  projectId: z.string().optional(),
});
const LOOK_UPS: Record<Kind, Record<string, string>> = {
  customer: { externalRef: 'externalRef', name: 'name', domain: 'domains' },
  project: { externalRef: 'externalRef', customerId: 'customerId', parentId: 'parentId', title: 'title' },
  note: { externalRef: 'externalRef', projectId: 'projectId' },
};

function records(
  api: FastifyInstance,
  store: PmsStore,
  collection: Collection,
  actor: Actor,
  once: Once,
): void {
  const kind = KINDS[collection];
  const ifMatch = (request: FastifyRequest) => request.headers['if-match'];
  const idOf = (request: FastifyRequest) => (request.params as { id: string }).id;
  const answer = (reply: FastifyReply, record: PmsRecord) => reply.header('etag', etag(record)).send(record);

  api.get(`/${collection}`, async (request) => list(store, kind, request.query));
  api.post(`/${collection}`, async (request, reply) =>
    once(request, reply, () => store.create(kind, request.body, actor(request).id)),
  );
  api.get(`/${collection}/:id`, async (request, reply) => answer(reply, store.get(kind, idOf(request))));
  api.patch(`/${collection}/:id`, async (request, reply) =>
    answer(reply, store.update(kind, idOf(request), request.body, ifMatch(request), actor(request).id)),
  );
  api.delete(`/${collection}/:id`, async (request, reply) => {
    store.remove(kind, idOf(request), ifMatch(request), actor(request).id);
    return reply.code(204).send();
  });
  for (const archived of [true, false]) {
    api.post(`/${collection}/:id/${archived ? 'archive' : 'unarchive'}`, async (request, reply) =>
      answer(reply, store.setArchived(kind, idOf(request), archived, ifMatch(request), actor(request).id)),
    );
  }
  if (kind === 'note') {
    api.post('/notes/:id/redact', async (request, reply) =>
      answer(reply, store.redact(idOf(request), ifMatch(request), actor(request).id)),
    );
  }
  api.post(`/${collection}/bulk`, async (request) => bulk(store, kind, request.body, actor(request).id));
}

function list(
  store: PmsStore,
  kind: Kind,
  query: unknown,
): { items: PmsRecord[]; nextCursor: string | null } {
  const { cursor, limit, archived, ids, ...filters } = listQuery.parse(query);
  const wanted = (record: PmsRecord) =>
    archived === 'all' || (record.archivedAt !== null) === (archived === 'true');
  if (ids !== undefined) {
    const found = ids
      .split(',')
      .slice(0, 100)
      .flatMap((id) => {
        try {
          return [store.get(kind, id)];
        } catch {
          return [];
        }
      });
    return { items: found.filter(wanted), nextCursor: null };
  }
  const [filter, value] = Object.entries(filters).find(([, given]) => given !== undefined) ?? [];
  const field = filter === undefined ? undefined : LOOK_UPS[kind][filter];
  if (filter !== undefined && field === undefined)
    throw new Refusal(400, 'invalid', `${filter}: not a filter of ${kind}s`, { field: filter });
  const candidates =
    field !== undefined && value !== undefined ? store.lookUp(kind, field, value) : [...store.all(kind)];
  // Notes of a project stand in the order in which things were said, so their cursor counts places.
  const placed = kind === 'note' && field === 'projectId';
  if (placed) candidates.sort((a, b) => saidAt(a).localeCompare(saidAt(b)) || byId(a, b));
  const after = Number(cursor ?? 0);
  const rest = (
    placed ? candidates.slice(after) : candidates.filter((record) => numberOf(record.id) > after)
  ).filter(wanted);
  const items = rest.slice(0, limit);
  const last = items.at(-1);
  const more = rest.length > limit && last;
  return { items, nextCursor: more ? String(placed ? after + limit : numberOf(last.id)) : null };
}

function saidAt(note: PmsRecord): string {
  return new Date((note['occurredAt'] as string | null) ?? note.createdAt).toISOString();
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

function bulk(store: PmsStore, kind: Kind, input: unknown, actorId: string): { results: unknown[] } {
  const { operations } = bulkBody.parse(input);
  const results = operations.map((operation) => {
    try {
      const record =
        operation.op === 'create'
          ? store.create(kind, operation.body, actorId)
          : store.update(kind, operation.id, operation.body, operation.ifMatch, actorId);
      return { status: operation.op === 'create' ? 201 : 200, etag: etag(record), body: record };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { status: error.status, error: { code: error.code, message: error.message, ...error.details } };
    }
  });
  return { results };
}

function attachments(api: FastifyInstance, store: PmsStore, actor: Actor): void {
  const files = new Map<string, { contentType: string; content: Buffer }>();
  api.post('/notes/:id/attachments', async (request, reply) => {
    const { id } = request.params as { id: string };
    const { fileName } = z.object({ fileName: z.string().min(1).max(255) }).parse(request.query);
    const content = Buffer.isBuffer(request.body)
      ? request.body
      : Buffer.from(typeof request.body === 'string' ? request.body : JSON.stringify(request.body ?? ''));
    const contentType = request.headers['content-type'] ?? 'application/octet-stream';
    const attachment = {
      id: `A-${files.size + 1}`,
      fileName,
      contentType,
      size: content.length,
      url: `/api/v1/attachments/A-${files.size + 1}`,
    };
    files.set(attachment.id, { contentType, content });
    store.attach(id, attachment, actor(request).id);
    return reply.code(201).send(attachment);
  });
  api.get('/attachments/:id', async (request, reply) => {
    const { id } = request.params as { id: string };
    const file = files.get(id);
    if (!file) throw new Refusal(404, 'not_found', `${id} does not exist`);
    return reply.type(file.contentType).send(file.content);
  });
}

function changes(api: FastifyInstance, store: PmsStore): void {
  const query = z.strictObject({
    cursor: z
      .string()
      .regex(/^(now|\d+)$/)
      .default('0'),
    limit: z.coerce.number().int().min(1).max(1000).default(100),
  });
  api.get('/changes', async (request) => {
    const { cursor, limit } = query.parse(request.query);
    const from = cursor === 'now' ? store.changes.length : Number(cursor);
    if (from > store.changes.length)
      throw new Refusal(400, 'invalid', `cursor: ${cursor} lies beyond the feed`, { field: 'cursor' });
    const items = store.changes.slice(from, from + limit);
    return {
      items,
      nextCursor: String(from + items.length),
      hasMore: from + items.length < store.changes.length,
    };
  });
}
