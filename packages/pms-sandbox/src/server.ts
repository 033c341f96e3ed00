import { randomBytes } from 'node:crypto';
import fastify, { type FastifyError, type FastifyInstance, type FastifyRequest } from 'fastify';
import { ZodError } from 'zod';
import { CallLog, Faults } from 'zendesk-sandbox/common';
import type { PmsBackup, RestoredRecord } from './backup';
import type { FieldDefinition } from './fields';
import { Idempotency } from './idempotency';
import type { Person } from './model';
import { rateLimit } from './rateLimit';
import { Refusal, invalid } from './refusal';
import { attachmentRoutes } from './routes/attachments';
import { changeRoutes } from './routes/changes';
import type { Context } from './routes/context';
import { controlRoutes } from './routes/controls';
import { peopleRoutes } from './routes/people';
import { recordRoutes } from './routes/records';
import { webhookRoutes } from './routes/webhooks';
import { PmsStore } from './store';
import { Webhooks } from './webhooks';

export interface PmsSandboxOptions {
  /** 0 for a free one. */
  port?: number;
  host?: string;
  /** An offset for the ids of new records, so that several sandboxes can share one Temporal server. */
  idsAfter?: number;
  rateLimitPerMinute?: number;
  clock?: () => number;
  /** The random seed of injected faults. */
  seed?: number;
  /** The integration's token; random by default. */
  token?: string;
  attachmentLimitBytes?: number;
  /** Additional custom fields. */
  fields?: readonly FieldDefinition[];
  /** The size limit of JSON bodies. */
  bodyLimitBytes?: number;
}

export interface PmsSandbox {
  /** Without path; the API is under `/api/v1`. */
  url: string;
  port: number;
  /** The integration's bearer token; its person is `sync@pms.example`. */
  token: string;
  store: PmsStore;
  backup(): PmsBackup;
  /** Restores a backup; see {@link PmsStore.restore}. */
  restore(backup: PmsBackup): RestoredRecord[];
  /** The routes under `/api/v1`, like `GET /customers/{id}`, for a comparison with the contract. */
  operations: readonly string[];
  close(): Promise<void>;
}

export const BASE_PATH = '/api/v1';
/** The owner of the integration's token. */
export const SYNC_PERSON = { email: 'sync@pms.example', name: 'Sync Service' };
const BODY_LIMIT_BYTES = 20 * 1024 * 1024;

/** A project management system with a REST API, in memory. Contract: docs/pms-openapi.yaml. */
export async function startPmsSandbox(options: PmsSandboxOptions = {}): Promise<PmsSandbox> {
  const clock = options.clock ?? Date.now;
  const store = new PmsStore(clock, options.idsAfter, options.fields);
  const token = options.token ?? randomBytes(16).toString('hex');
  /** Person's id by token. */
  const tokens = new Map([[token, store.people.upsert(SYNC_PERSON).person.id]]);
  const personOf = (request: FastifyRequest): Person | undefined => {
    const [, given = ''] = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
    return store.people.get(tokens.get(given) ?? '');
  };

  const app = fastify({
    bodyLimit: options.bodyLimitBytes ?? BODY_LIMIT_BYTES,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
  });
  const operations = operationsOf(app);
  const log = new CallLog((request) => personOf(request)?.email ?? 'nobody');
  log.install(app);
  const faults = new Faults(options.seed ?? 1, (request, status) =>
    log.add(request, request.routeOptions.url ?? '(unknown)', status),
  );
  faults.install(app);
  controlRoutes(app, store, tokens);
  answerErrors(app);
  allowEmptyJson(app);

  const webhooks = new Webhooks(faults);
  store.onChange = (change) => webhooks.announce(change);
  const idempotency = new Idempotency(clock, () => store.lies.forgetIdempotencyKeys);
  const context: Context = {
    store,
    idempotency,
    actor: (request) => {
      const person = personOf(request);
      if (!person) throw new Refusal(401, 'unauthorized', 'The bearer token is not known');
      return person;
    },
    attachmentLimitBytes: options.attachmentLimitBytes ?? BODY_LIMIT_BYTES,
    repeats: (request) => faults.repeats(request),
  };
  for (const path of ['/health', `${BASE_PATH}/health`]) app.get(path, async () => ({ status: 'ok' }));
  await serveApi(app, context, webhooks, rateLimit(options.rateLimitPerMinute ?? 6_000, clock));

  const url = await app.listen({ port: options.port ?? 0, host: options.host ?? '127.0.0.1' });
  return {
    url,
    port: Number(new URL(url).port),
    token,
    store,
    ...backups(store, idempotency),
    operations,
    close: async () => {
      webhooks.close();
      await app.close();
    },
  };
}

function backups(store: PmsStore, idempotency: Idempotency): Pick<PmsSandbox, 'backup' | 'restore'> {
  return {
    backup: () => ({ store: store.backup(), answers: idempotency.copy() }),
    restore: (backup) => {
      idempotency.replaceAll(backup.answers);
      return store.restore(backup.store);
    },
  };
}

/** @returns the routes below the base path; call it after they were registered */
function operationsOf(app: FastifyInstance): string[] {
  const operations: string[] = [];
  app.addHook('onRoute', ({ method, url }) => {
    if (url.startsWith(`${BASE_PATH}/`))
      operations.push(`${String(method)} ${url.slice(BASE_PATH.length).replace(/:(\w+)/g, '{$1}')}`);
  });
  return operations;
}

async function serveApi(
  app: FastifyInstance,
  context: Context,
  webhooks: Webhooks,
  limit: ReturnType<typeof rateLimit>,
): Promise<void> {
  await app.register(
    async (api) => {
      api.addHook('onRequest', async (request, reply) => {
        limit(reply);
        context.actor(request);
      });
      peopleRoutes(api, context);
      for (const collection of ['customers', 'projects', 'notes'] as const)
        recordRoutes(api, context, collection);
      await attachmentRoutes(api, context);
      api.get('/fields', async () => ({ items: context.store.fields }));
      changeRoutes(api, context);
      webhookRoutes(api, context, webhooks);
    },
    { prefix: BASE_PATH },
  );
}

const CODES: Record<number, string> = {
  400: 'invalid',
  413: 'too_large',
  415: 'unsupported_media_type',
};

function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError | Refusal | ZodError, _request, reply) => {
    const refusal = error instanceof ZodError ? invalid(error) : error;
    if (refusal instanceof Refusal) return reply.code(refusal.status).send(refusal.envelope());
    const { statusCode = 500, message } = refusal;
    const code = CODES[statusCode] ?? (statusCode < 500 ? 'refused' : 'internal');
    return reply.code(statusCode).send({ error: { code, message } });
  });
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).send({ error: { code: 'not_found', message: 'No such path' } }),
  );
}

/** Accepts an empty JSON body: many clients send `Content-Type: application/json` with every POST. */
function allowEmptyJson(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else void parseJson(request, body as string, done);
  });
}
