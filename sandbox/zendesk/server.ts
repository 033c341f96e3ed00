import { createHash, randomBytes } from 'node:crypto';
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { ZodError, z } from 'zod';
import { CallLog } from '../common/callLog';
import { Faults } from '../common/faults';
import { Exports } from './exports';
import { Jobs } from './jobs';
import { Limits } from './limits';
import { Organizations } from './organizations';
import { paged } from './paging';
import {
  Refusal,
  Store,
  notFound,
  type Comment,
  type Fields,
  type Organization,
  type Ticket,
  type User,
} from './store';
import { Tickets } from './tickets';
import { Users } from './users';
import { Webhooks } from './webhooks';

export interface ZendeskSandboxOptions {
  /** 0 for a free one. */
  port?: number;
  host?: string;
  rateLimitPerMinute?: number;
  incrementalPerMinute?: number;
  clock?: () => number;
  seed?: number;
  /** The account's API token; made up when none is given. */
  token?: string;
}

export interface ZendeskSandbox {
  /** Scheme and host; the API is under `/api/v2`. */
  url: string;
  port: number;
  adminEmail: string;
  /** With any agent's e-mail it acts as that agent, as Zendesk's API tokens do. */
  apiToken: string;
  store: Store;
  tickets: Tickets;
  close(): Promise<void>;
}

type Query = Record<string, string | undefined>;
const ADMIN = 'admin@sandbox.example';
const AGENTS = ['Ann Agent', 'Bob Agent', 'Cy Agent'];
const IDEMPOTENCY_MS = 2 * 60 * 60_000;

/** A Zendesk account in memory: the rules of the public API that a sync can run into. */
export async function startZendeskSandbox(options: ZendeskSandboxOptions = {}): Promise<ZendeskSandbox> {
  const clock = options.clock ?? Date.now;
  const apiToken = options.token ?? randomBytes(20).toString('hex');
  const store = new Store(clock);
  const admin = store.addUser({ name: 'Sync Admin', email: ADMIN, role: 'admin' });
  for (const name of AGENTS)
    store.addUser({ name, email: `${name.split(' ')[0]?.toLowerCase()}@sandbox.example`, role: 'agent' });

  let origin = '';
  const baseUrl = () => `${origin}/api/v2`;
  const app = fastify({
    bodyLimit: 50 * 1024 * 1024,
    forceCloseConnections: true,
    // Every path also answers with the suffix that many clients put there.
    rewriteUrl: (request) => (request.url ?? '/').replace(/\.json(?=\?|$)/, ''),
  });
  const userOf = (request: FastifyRequest): User | null => authenticate(request, store, apiToken, admin);
  const log = new CallLog((request) => userOf(request)?.email ?? 'nobody');
  log.install(app);
  const faults = new Faults(options.seed ?? 1, (request, status) =>
    log.add(request, request.routeOptions.url ?? '', status),
  );
  faults.install(app);
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.setErrorHandler((error, _request, reply) => {
    if (error instanceof Refusal) return reply.code(error.status).headers(error.headers).send(error.body);
    if (error instanceof ZodError) {
      const [issue] = error.issues;
      return reply.code(400).send({
        error: {
          title: 'Invalid attribute',
          message: `${issue?.path.map(String).join('.') ?? ''}: ${issue?.message ?? ''}`,
        },
      });
    }
    const { statusCode = 500, message } = error as { statusCode?: number; message: string };
    return reply
      .code(statusCode)
      .send({ error: statusCode === 500 ? 'InternalError' : 'BadRequest', description: message });
  });
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).send({ error: 'InvalidEndpoint', description: 'Not found' }),
  );

  const limits = new Limits(options.rateLimitPerMinute ?? 700, options.incrementalPerMinute ?? 10, clock);
  const webhooks = new Webhooks();
  store.onEvent = (type, subject, detail) => webhooks.announce(type, subject, detail);
  const context: Context = {
    store,
    limits,
    baseUrl,
    organizations: new Organizations(store, baseUrl),
    tickets: new Tickets(store, baseUrl),
    users: new Users(store, baseUrl),
    exports: new Exports(store, baseUrl),
    jobs: new Jobs(baseUrl),
    webhooks,
    clock,
    actor(request) {
      const user = userOf(request);
      if (!user) throw new Refusal(401, { error: "Couldn't authenticate you" });
      return user;
    },
  };

  await app.register(
    async (api) => {
      api.addHook('onRequest', async (request, reply) => {
        context.actor(request);
        reply.headers(limits.count(request.url.includes('/incremental/')));
      });
      organizationRoutes(api, context);
      ticketRoutes(api, context);
      commentRoutes(api, context);
      userRoutes(api, context);
      otherRoutes(api, context);
    },
    { prefix: '/api/v2' },
  );
  attachmentRoutes(app, context);
  app.get('/_sandbox/state', async () => ({
    organizations: [...store.organizations.values()],
    tickets: [...store.tickets.values()],
    comments: Object.fromEntries(store.comments),
    users: [...store.users.values()],
  }));

  origin = await app.listen({ port: options.port ?? 0, host: options.host ?? '127.0.0.1' });
  return {
    url: origin,
    port: Number(new URL(origin).port),
    adminEmail: ADMIN,
    apiToken,
    store,
    tickets: context.tickets,
    close: () => app.close(),
  };
}

interface Context {
  store: Store;
  limits: Limits;
  baseUrl: () => string;
  organizations: Organizations;
  tickets: Tickets;
  users: Users;
  exports: Exports;
  jobs: Jobs;
  webhooks: Webhooks;
  clock: () => number;
  actor(request: FastifyRequest): User;
}

/** https://developer.zendesk.com/api-reference/introduction/security-and-auth/ */
function authenticate(request: FastifyRequest, store: Store, token: string, admin: User): User | null {
  const header = request.headers.authorization ?? '';
  if (header === `Bearer ${token}`) return admin;
  const [email, secret] = Buffer.from(header.replace(/^Basic /i, ''), 'base64')
    .toString()
    .split('/token:');
  if (secret !== token || email === undefined) return null;
  const user = store.userByEmail.get(email.toLowerCase());
  return user && store.isAgent(user.id) ? user : null;
}

const queryOf = (request: FastifyRequest): Query => request.query as Query;
const idOf = (request: FastifyRequest, name = 'id'): number =>
  Number((request.params as Record<string, string>)[name]);
const idList = (value: string | undefined): number[] =>
  (value ?? '').split(',').filter(Boolean).slice(0, 100).map(Number);
const envelope = (request: FastifyRequest, name: string): Fields => {
  const body = z.looseObject({ [name]: z.record(z.string(), z.unknown()) }).parse(request.body);
  return body[name] as Fields;
};
const envelopes = (request: FastifyRequest, name: string): Fields[] => {
  const body = z.looseObject({ [name]: z.array(z.record(z.string(), z.unknown())) }).parse(request.body);
  return body[name] as Fields[];
};

function organizationRoutes(
  api: FastifyInstance,
  { organizations, exports, jobs, store, baseUrl }: Context,
): void {
  const list = (request: FastifyRequest, items: Organization[], path: string) =>
    paged('organizations', items, queryOf(request), `${baseUrl()}${path}`);
  api.get('/organizations', async (request) => list(request, organizations.live(), '/organizations.json'));
  api.get('/organizations/search', async (request) => {
    const { external_id: externalId, name } = queryOf(request);
    const found =
      externalId !== undefined ? organizations.byExternalId(externalId) : [organizations.byName(name ?? '')];
    return list(
      request,
      found.filter((each) => each !== null),
      '/organizations/search.json',
    );
  });
  api.get('/organizations/autocomplete', async (request) => {
    const start = (queryOf(request)['name'] ?? '').toLowerCase();
    return list(
      request,
      organizations.live().filter((each) => each.name.toLowerCase().startsWith(start)),
      '/organizations/autocomplete.json',
    );
  });
  api.get('/organizations/show_many', async (request) => {
    const { ids, external_ids: externalIds } = queryOf(request);
    const byExternal = (externalIds ?? '')
      .split(',')
      .filter(Boolean)
      .flatMap((each) => organizations.byExternalId(each));
    const found =
      ids !== undefined ? idList(ids).flatMap((id) => store.organizations.get(id) ?? []) : byExternal;
    return list(
      request,
      found.filter((each) => each.deleted_at === null),
      '/organizations/show_many.json',
    );
  });
  api.get('/organizations/:id', async (request) => ({ organization: organizations.get(idOf(request)) }));
  api.post('/organizations', async (request, reply) =>
    reply.code(201).send({ organization: organizations.create(envelope(request, 'organization')) }),
  );
  api.post('/organizations/create_or_update', async (request, reply) => {
    const { organization, created } = organizations.createOrUpdate(envelope(request, 'organization'));
    return reply.code(created ? 201 : 200).send({ organization });
  });
  api.post('/organizations/create_many', async (request) => ({
    job_status: jobs.add('create', envelopes(request, 'organizations'), (each) => ({
      id: organizations.create(each).id,
    })),
  }));
  api.put('/organizations/update_many', async (request) => ({
    job_status: jobs.add('update', envelopes(request, 'organizations'), (each) => ({
      id: organizations.update(Number(each['id']), each).id,
    })),
  }));
  api.put('/organizations/:id', async (request) => ({
    organization: organizations.update(idOf(request), envelope(request, 'organization')),
  }));
  api.delete('/organizations/:id', async (request, reply) => {
    organizations.remove(idOf(request));
    return reply.code(204).send();
  });
  api.post('/organizations/:id/merge', async (request) => {
    const { winner_id: winner } = z
      .object({ winner_id: z.number() })
      .parse((request.body as { organization_merge?: unknown }).organization_merge);
    const loser = organizations.get(idOf(request));
    organizations.get(winner);
    for (const ticket of store.tickets.values()) {
      if (ticket.organization_id === loser.id)
        store.putTicket(
          {
            ...ticket,
            organization_id: winner,
            updated_at: store.now(),
            generated_timestamp: store.seconds(),
          },
          ticket,
        );
    }
    organizations.remove(loser.id);
    return {
      organization_merge: {
        id: String(store.newId()),
        loser_id: loser.id,
        winner_id: winner,
        status: 'complete',
      },
    };
  });
  api.get('/incremental/organizations', async (request) => exports.organizations(queryOf(request)));
  api.get('/organization_fields', async (request) => {
    const fields = store.organizationFields.map(({ options, ...field }) => ({
      ...field,
      active: true,
      custom_field_options: options.map((value) => ({ name: value, value })),
    }));
    return paged('organization_fields', fields, queryOf(request), `${baseUrl()}/organization_fields.json`);
  });
}

function ticketRoutes(
  api: FastifyInstance,
  { tickets, exports, jobs, store, baseUrl, actor, limits, clock }: Context,
): void {
  const list = (request: FastifyRequest, items: Ticket[], path: string) =>
    paged('tickets', items, queryOf(request), `${baseUrl()}${path}`);
  const live = () => [...store.tickets.values()].filter((ticket) => ticket.status !== 'deleted');
  /** Answers to creates, by Idempotency-Key. https://developer.zendesk.com/api-reference/ticketing/introduction/#idempotency */
  const answers = new Map<string, { body: string; answer: Fields; at: number }>();

  api.get('/tickets', async (request) => {
    const externalId = queryOf(request)['external_id'];
    return list(
      request,
      externalId === undefined ? live() : tickets.byExternalId(externalId),
      '/tickets.json',
    );
  });
  api.get('/tickets/show_many', async (request) =>
    list(
      request,
      idList(queryOf(request)['ids'])
        .flatMap((id) => store.tickets.get(id) ?? [])
        .filter((ticket) => ticket.status !== 'deleted'),
      '/tickets/show_many.json',
    ),
  );
  api.get('/deleted_tickets', async (request) =>
    paged(
      'deleted_tickets',
      [...store.tickets.values()].filter((ticket) => ticket.status === 'deleted'),
      queryOf(request),
      `${baseUrl()}/deleted_tickets.json`,
    ),
  );
  api.get('/tickets/:id', async (request) => ({ ticket: tickets.get(idOf(request)) }));
  api.post('/tickets', async (request, reply) => {
    const key = request.headers['idempotency-key'];
    const body = createHash('sha256').update(JSON.stringify(request.body)).digest('hex');
    const first = typeof key === 'string' ? answers.get(key) : undefined;
    if (first && clock() - first.at < IDEMPOTENCY_MS) {
      if (first.body !== body)
        throw new Refusal(400, {
          error: 'IdempotentRequestError',
          description: 'Request parameters do not match the first request with this Idempotency-Key',
        });
      return reply.code(201).header('x-idempotency-lookup', 'hit').send(first.answer);
    }
    const answer = tickets.create(envelope(request, 'ticket'), actor(request));
    if (typeof key === 'string') {
      answers.set(key, { body, answer: { ...answer }, at: clock() });
      reply.header('x-idempotency-lookup', 'miss');
    }
    return reply.code(201).send(answer);
  });
  api.post('/tickets/create_many', async (request) => {
    const user = actor(request);
    return {
      job_status: jobs.add('create', envelopes(request, 'tickets'), (each) => ({
        id: tickets.create(each, user).ticket.id,
      })),
    };
  });
  api.put('/tickets/update_many', async (request) => {
    const user = actor(request);
    const { ids } = queryOf(request);
    const changes =
      ids === undefined
        ? envelopes(request, 'tickets')
        : idList(ids).map((id) => ({ ...envelope(request, 'ticket'), id }));
    return {
      job_status: jobs.add('update', changes, ({ id, ...each }) => ({
        id: tickets.update(Number(id), each, user).ticket.id,
      })),
    };
  });
  api.put('/tickets/:id', async (request) => {
    const user = actor(request);
    limits.countUpdate(user.id, idOf(request));
    return tickets.update(idOf(request), envelope(request, 'ticket'), user);
  });
  api.delete('/tickets/:id', async (request, reply) => {
    tickets.remove(idOf(request));
    return reply.code(204).send();
  });
  api.put('/deleted_tickets/:id/restore', async (request) => {
    tickets.restore(idOf(request));
    return {};
  });
  api.delete('/deleted_tickets/:id', async (request) => {
    const id = idOf(request);
    return { job_status: jobs.add('delete', [id], () => (tickets.removeForGood(id), { id })) };
  });
  api.post('/tickets/:id/merge', async (request) => {
    const user = actor(request);
    const { ids } = z.object({ ids: z.array(z.number()) }).parse(request.body);
    return {
      job_status: jobs.add(
        'merge',
        [idOf(request)],
        (winner) => (tickets.merge(winner, ids, user), { id: winner }),
      ),
    };
  });
  api.get('/tickets/:id/tags', async (request) => ({ tags: tickets.get(idOf(request)).tags }));
  for (const [method, field] of [
    ['PUT', 'additional_tags'],
    ['POST', 'tags'],
    ['DELETE', 'remove_tags'],
  ] as const) {
    api.route({
      method,
      url: '/tickets/:id/tags',
      handler: async (request) => {
        const { tags } = z.object({ tags: z.array(z.string()) }).parse(request.body);
        return { tags: tickets.update(idOf(request), { [field]: tags }, actor(request)).ticket.tags };
      },
    });
  }
  api.get('/incremental/tickets/cursor', async (request) => exports.tickets(queryOf(request)));
  api.get('/incremental/ticket_events', async (request) => exports.ticketEvents(queryOf(request)));
  api.get('/ticket_fields', async (request) => {
    const fields = store.ticketFields.map(({ options, key: _, ...field }) => ({
      ...field,
      active: true,
      removable: true,
      custom_field_options: options.map((value) => ({ name: value, value })),
    }));
    return paged('ticket_fields', fields, queryOf(request), `${baseUrl()}/ticket_fields.json`);
  });
}

function commentRoutes(api: FastifyInstance, { tickets, baseUrl, actor }: Context): void {
  const ordered = <T>(items: readonly T[], query: Query): T[] =>
    query['sort_order'] === 'desc' || query['sort'] === '-created_at' ? [...items].reverse() : [...items];
  api.get('/tickets/:id/comments', async (request) =>
    paged(
      'comments',
      ordered<Comment>(tickets.comments(idOf(request)), queryOf(request)),
      queryOf(request),
      `${baseUrl()}/tickets/${idOf(request)}/comments.json`,
    ),
  );
  api.get('/tickets/:id/audits', async (request) =>
    paged(
      'audits',
      ordered(tickets.audits(idOf(request)), queryOf(request)),
      queryOf(request),
      `${baseUrl()}/tickets/${idOf(request)}/audits.json`,
    ),
  );
  api.put('/tickets/:id/comments/:comment/make_private', async (request) => {
    tickets.makePrivate(idOf(request), idOf(request, 'comment'), actor(request));
    return {};
  });
  api.put('/tickets/:id/comments/:comment/redact', async (request) => {
    const { text } = z.object({ text: z.string() }).parse(request.body);
    return { comment: tickets.redact(idOf(request), idOf(request, 'comment'), text, actor(request)) };
  });
  api.put('/comment_redactions/:comment', async (request) => {
    const body = z
      .looseObject({ ticket_id: z.coerce.number(), html_body: z.string().optional() })
      .parse(request.body);
    const marked = /<redact>([\s\S]*?)<\/redact>/.exec(body.html_body ?? '')?.[1] ?? null;
    return { comment: tickets.redact(body.ticket_id, idOf(request, 'comment'), marked, actor(request)) };
  });
}

function userRoutes(api: FastifyInstance, { users, jobs, store, baseUrl, actor }: Context): void {
  const list = (request: FastifyRequest, items: User[], path: string) =>
    paged('users', items, queryOf(request), `${baseUrl()}${path}`);
  api.get('/users/me', async (request) => ({ user: actor(request) }));
  api.get('/users', async (request) => list(request, [...store.users.values()], '/users.json'));
  api.get('/users/show_many', async (request) =>
    list(
      request,
      idList(queryOf(request)['ids']).flatMap((id) => store.users.get(id) ?? []),
      '/users/show_many.json',
    ),
  );
  api.get('/users/search', async (request) =>
    list(request, users.search(queryOf(request)), '/users/search.json'),
  );
  api.get('/users/:id', async (request) => ({ user: users.get(idOf(request)) }));
  api.post('/users', async (request, reply) =>
    reply.code(201).send({ user: users.create(envelope(request, 'user')) }),
  );
  api.post('/users/create_or_update', async (request, reply) => {
    const { user, created } = users.createOrUpdate(envelope(request, 'user'));
    return reply.code(created ? 201 : 200).send({ user });
  });
  for (const path of ['create_many', 'create_or_update_many']) {
    api.post(`/users/${path}`, async (request) => ({
      job_status: jobs.add('create', envelopes(request, 'users'), (each) => ({
        id: (path === 'create_many' ? users.create(each) : users.createOrUpdate(each).user).id,
      })),
    }));
  }
  api.put('/users/:id', async (request) => ({
    user: users.update(idOf(request), envelope(request, 'user')),
  }));
}

function otherRoutes(api: FastifyInstance, { store, jobs, webhooks, tickets, baseUrl }: Context): void {
  api.get('/groups', async (request) =>
    paged('groups', store.groups, queryOf(request), `${baseUrl()}/groups.json`),
  );
  api.get('/brands', async (request) =>
    paged('brands', [{ id: 360000358316, name: 'Main' }], queryOf(request), `${baseUrl()}/brands.json`),
  );
  api.get('/job_statuses/:id', async (request) => {
    const job = jobs.get((request.params as { id: string }).id);
    if (!job) throw notFound();
    return { job_status: job };
  });
  api.post('/webhooks', async (request, reply) =>
    reply.code(201).send({ webhook: webhooks.add(envelope(request, 'webhook')) }),
  );
  api.get('/webhooks', async () => ({ webhooks: webhooks.list() }));
  api.get('/webhooks/:id/signing_secret', async (request) => {
    const secret = webhooks.secret((request.params as { id: string }).id);
    if (secret === null) throw notFound();
    return { signing_secret: { algorithm: 'SHA256', secret } };
  });
  api.delete('/webhooks/:id', async (request, reply) => {
    if (!webhooks.remove((request.params as { id: string }).id)) throw notFound();
    return reply.code(204).send();
  });
  api.post('/uploads', async (request, reply) => {
    const { filename } = z.object({ filename: z.string().min(1) }).parse(request.query);
    const content = Buffer.isBuffer(request.body)
      ? request.body
      : Buffer.from(JSON.stringify(request.body ?? ''));
    const token = randomBytes(12).toString('hex');
    const id = store.newId();
    const attachment = {
      id,
      file_name: filename,
      content_type: request.headers['content-type'] ?? 'application/octet-stream',
      size: content.length,
      content_url: `${baseUrl().replace('/api/v2', '')}/attachments/token/${token}/?name=${encodeURIComponent(filename)}`,
      inline: false,
    };
    tickets.uploads.set(token, attachment);
    tickets.files.set(token, content);
    return reply.code(201).send({ upload: { token, attachment, attachments: [attachment] } });
  });
}

function attachmentRoutes(app: FastifyInstance, { tickets }: Context): void {
  app.get('/attachments/token/:token', async (request, reply) => {
    const { token } = request.params as { token: string };
    const file = tickets.files.get(token);
    if (!file) throw notFound();
    return reply.type(String(tickets.uploads.get(token)?.['content_type'])).send(file);
  });
}
