import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import fastify, { type FastifyError, type FastifyInstance, type FastifyRequest } from 'fastify';
import { ZodError } from 'zod';
import { CallLog } from './common/callLog';
import { Faults } from './common/faults';
import { controlsFromLoopback } from './common/loopback';
import { Access } from './access';
import { Agents, type AgentEdit } from './agents';
import { Exports } from './exports/exports';
import { Idempotency } from './idempotency';
import { Jobs } from './jobs';
import { Limits, limitsOf, type LimitOptions } from './limits';
import { OAuth, type TokenFaults } from './oauth';
import type { OAuthClient } from './oauthClients';
import { Organizations } from './organizations';
import { Refusal, notFound } from './refusal';
import { inLanguage } from './rules/language';
import { obeysOfEnvironment, rulesOf, type Obeys } from './rules/switches';
import { commentRoutes } from './routes/comments';
import type { Context } from './routes/context';
import { controlRoutes } from './routes/controls';
import { definitionRoutes } from './routes/definitions';
import { exportRoutes } from './routes/exports';
import { fieldRoutes } from './routes/fields';
import { groupRoutes } from './routes/groups';
import { oauthRoutes, tokenEndpoint } from './routes/oauth';
import { oauthControls } from './routes/oauthControls';
import { organizationRoutes } from './routes/organizations';
import { otherRoutes, triggerRoutes, webhookRoutes } from './routes/other';
import { peopleRoutes } from './routes/people';
import { relatedTicketRoutes } from './routes/relatedTickets';
import { reportRoutes } from './routes/reports';
import { tagRoutes } from './routes/tags';
import { ticketRoutes } from './routes/tickets';
import { attachmentRoutes, fileRoutes, uploadRoutes } from './routes/uploads';
import { userRoutes } from './routes/users';
import { Store, type MoreFields } from './store';
import { OtherChannels } from './tickets/otherChannels';
import { Tickets } from './tickets/tickets';
import { Triggers } from './triggers';
import { Uploads } from './uploads';
import { Users } from './users';
import { Webhooks } from './webhooks/webhooks';

/** Limits have the documented values by default. */
export interface ZendeskSandboxOptions extends Partial<LimitOptions> {
  /** 0 for a free one. */
  port?: number;
  host?: string;
  /** An offset for the ids of new records, so that several sandboxes can share one Temporal server. */
  idsAfter?: number;
  clock?: () => number;
  /** The random seed of injected faults. */
  seed?: number;
  /** Writes each call to the standard error stream. */
  logCalls?: boolean;
  /** The account's API token; random by default. */
  token?: string;
  /** Whether API tokens are accepted, as in accounts until 2027-04-30; by default, they are not. */
  apiTokens?: boolean;
  /** Identifier and secret of the service's OAuth client; the secret is random by default. */
  clientId?: string;
  clientSecret?: string;
  /** The time limit of a webhook's receiver; by default 12 s, like Zendesk's. */
  webhookTimeoutMs?: number;
  /** Serves files from a separate port, to which `content_url` redirects, like Zendesk redirects to another host. */
  fileHost?: boolean;
  /** Additional custom fields. */
  fields?: MoreFields;
  /** The pause before the first repetition of a delivery. */
  webhookRetryMs?: number;
  /** Rules that differ from the real Zendesk; none by default. README.md lists them. */
  obeys?: Obeys;
}

export interface ZendeskSandbox {
  /** Scheme and host; the API is under `/api/v2`. */
  url: string;
  port: number;
  /** The address of the administrator who owns the OAuth client; its tokens act as this user. */
  adminEmail: string;
  /** With an agent's e-mail, it acts as that agent, like Zendesk's API tokens; only if `apiTokens` is set. */
  apiToken: string;
  /** A new confidential client without allowed scopes, and its first secret. */
  clientId: string;
  clientSecret: string;
  /** Switches, clients, tokens and grants. */
  oauth: OAuth;
  /** Returns an agent's token that never expires, for people in tests and demos. */
  bearer(this: void, email: string): string;
  store: Store;
  tickets: Tickets;
  organizations: Organizations;
  users: Users;
  /** Uploaded files, and those of comments. */
  uploads: Uploads;
  /** Calls, chats, triage. */
  channels: OtherChannels;
  /** Sets the given rules. */
  obey(this: void, obeys: Obeys): void;
  /** Moves the clock. */
  advance(this: void, ms: number): void;
  /** An edit in the agent interface, which counts only for the limit of ticket updates; see {@link Agents.edit}. */
  agentEdits(ticketId: number, change: object, email?: string): AgentEdit;
  /** The address of files, if `fileHost` is set. */
  fileUrl: string | null;
  /** The headers of each call for a file's content. */
  fileCalls: readonly IncomingHttpHeaders[];
  close(): Promise<void>;
}

const ADMIN = 'admin@sandbox.example';
/** Ann is an administrator, because people in tests and demos write organizations, which agents may not. */
const AGENTS = [
  { name: 'Ann Agent', role: 'admin' },
  { name: 'Bob Agent', role: 'agent' },
  { name: 'Cy Agent', role: 'agent' },
];
const BODY_LIMIT_BYTES = 50 * 1024 * 1024;

/** A Zendesk account in memory: the rules of the public API that a sync can run into. */
export async function startZendeskSandbox(options: ZendeskSandboxOptions = {}): Promise<ZendeskSandbox> {
  const time = options.clock ?? Date.now;
  let advancedMs = 0;
  const clock = () => time() + advancedMs;
  const apiToken = options.token ?? randomBytes(20).toString('hex');
  const apiTokens = { enabled: options.apiTokens ?? false, token: apiToken };

  const app = fastify({ bodyLimit: BODY_LIMIT_BYTES, forceCloseConnections: true, rewriteUrl });
  // Known after the server listens; records that were made before have no address.
  let origin = '';
  const store = new Store(clock, () => `${origin}/api/v2`, options.idsAfter, options.fields);
  store.rules = rulesOf(options.obeys ?? obeysOfEnvironment());
  const oauth = new OAuth(store, clock);
  const access = new Access(store, oauth, apiTokens);
  const idempotency = new Idempotency(clock, store);
  const faults = installHooks(app, options, access, idempotency);
  const made = { options, clock, store, oauth, access, apiTokens, idempotency, faults };
  const context = contextOf(made);
  await app.register((api) => apiRoutes(api, context, faults), { prefix: '/api/v2' });
  await tokenEndpoint(app, context);
  const { fileCalls, fileUrl, closeFiles } = await serveFiles(app, context, options);
  oauthControls(app, oauth, store);
  skewDates(app, oauth);
  controlRoutes(app, context, { now: clock, advance: (ms) => void (advancedMs += ms) });

  origin = await app.listen({ port: options.port ?? 0, host: options.host ?? '127.0.0.1' });
  const client = addPeople(store, oauth, options);
  return {
    url: origin,
    port: Number(new URL(origin).port),
    adminEmail: ADMIN,
    apiToken,
    clientId: client.identifier,
    clientSecret: client.secret,
    oauth,
    bearer: (email) => oauth.bearer(email),
    store,
    tickets: context.tickets,
    organizations: context.organizations,
    users: context.users,
    uploads: context.uploads,
    channels: context.channels,
    obey: (obeys) => void (store.rules = rulesOf(obeys, store.rules)),
    advance: (ms) => void (advancedMs += ms),
    agentEdits: (...edit) => context.agents.edit(...edit),
    fileUrl,
    fileCalls,
    close: async () => {
      await closeFiles();
      context.webhooks.close();
      context.jobs.close();
      await app.close();
    },
  };
}

/** The hooks of every call, in this order. */
function installHooks(
  app: FastifyInstance,
  options: ZendeskSandboxOptions,
  access: Access,
  idempotency: Idempotency,
): Faults {
  const log = new CallLog(
    (request) => access.nameOf(request),
    options.logCalls ? (line) => void process.stderr.write(`${line}\n`) : undefined,
  );
  const faults = new Faults(options.seed ?? 1, (request, status) =>
    log.add(request, request.routeOptions.url ?? '(unknown)', status),
  );
  controlsFromLoopback(app);
  log.install(app);
  // Before the faults, which may delay a creation.
  idempotency.install(app);
  faults.install(app);
  answerErrors(app, (request) => access.localeOf(request));
  allowEmptyJson(app);
  return faults;
}

/** Creates the people of a new account. @returns the service's OAuth client */
function addPeople(store: Store, oauth: OAuth, options: ZendeskSandboxOptions): OAuthClient {
  const { id: ownerId } = store.addUser({ name: 'Sync Admin', email: ADMIN, role: 'admin' });
  for (const { name, role } of AGENTS)
    store.addUser({ name, email: `${name.split(' ')[0]}@sandbox.example`, role });
  store.writes.clear();
  return oauth.clients.add({
    identifier: options.clientId ?? 'zendesk_pms_sync',
    userId: ownerId,
    ...(options.clientSecret !== undefined && { secret: options.clientSecret }),
  });
}

/** Serves files, from a separate port if `fileHost` is set. */
async function serveFiles(app: FastifyInstance, context: Context, options: ZendeskSandboxOptions) {
  const fileCalls: IncomingHttpHeaders[] = [];
  const files = options.fileHost === true ? fastify({ forceCloseConnections: true }) : null;
  fileRoutes(files ?? app, context, (headers) => void fileCalls.push(headers));
  const fileUrl = files ? await files.listen({ port: 0, host: options.host ?? '127.0.0.1' }) : null;
  attachmentRoutes(app, context, fileUrl ?? '');
  return { fileCalls, fileUrl, closeFiles: async () => files?.close() };
}

interface Parts extends Pick<Context, 'store' | 'oauth' | 'access' | 'apiTokens' | 'idempotency'> {
  options: ZendeskSandboxOptions;
  clock: () => number;
  faults: Faults;
}

function contextOf({ options, clock, faults, ...shared }: Parts): Context {
  const limitOptions = limitsOf(options);
  const { store, access } = shared;
  const webhooks = new Webhooks(
    { timeoutMs: options.webhookTimeoutMs ?? 12_000, retryMs: options.webhookRetryMs ?? 200, clock },
    faults,
  );
  const triggers = new Triggers(store, webhooks);
  store.onEvent = (event) => {
    webhooks.announce(event);
    triggers.announce(event);
  };
  const limits = new Limits(limitOptions, clock);
  const uploads = new Uploads(store);
  const tickets = new Tickets(
    store,
    (token) => uploads.take(token),
    (created) => triggers.effects(created),
  );
  const channels = new OtherChannels(store, tickets);
  const users = new Users(store);
  const organizations = new Organizations(store, (...change) => tickets.changeBy(...change));
  return {
    ...shared,
    limits,
    uploads,
    tickets,
    webhooks,
    triggers,
    channels,
    organizations,
    users,
    exports: new Exports(store, {
      ticket: (ticket) => tickets.shown(ticket),
      organization: (organization) => organizations.shown(organization),
      user: (user) => users.shown(user),
    }),
    agents: new Agents(store, tickets, limits),
    jobs: new Jobs(store.baseUrl, limitOptions.jobsInFlight, clock),
    actor: (request) => access.actor(request),
    staleSeconds: (request) => faults.staleSeconds(request),
    tokenFaults: (request) => tokenFaultsOf(faults, request),
  };
}

async function apiRoutes(api: FastifyInstance, context: Context, faults: Faults): Promise<void> {
  api.addHook('onRequest', async (request) => {
    if (faults.ruleOf(request, 'tokenRevoked')) context.oauth.revokeTokens();
    context.access.checkCredential(request);
  });
  api.addHook('preHandler', async (request) => context.access.checkRole(request));
  context.limits.install(api, context.actor);
  context.jobs.install(api);
  organizationRoutes(api, context);
  ticketRoutes(api, context);
  commentRoutes(api, context);
  userRoutes(api, context);
  peopleRoutes(api, context);
  groupRoutes(api, context);
  tagRoutes(api, context);
  relatedTicketRoutes(api, context);
  reportRoutes(api, context);
  fieldRoutes(api, context);
  definitionRoutes(api, context);
  exportRoutes(api, context);
  await uploadRoutes(api, context);
  webhookRoutes(api, context);
  triggerRoutes(api, context);
  otherRoutes(api, context);
  oauthRoutes(api, context);
}

function tokenFaultsOf(faults: Faults, request: FastifyRequest): TokenFaults {
  const short = faults.ruleOf(request, 'tokenShort');
  return {
    ...(short && { endAfterSeconds: short.lifeSeconds }),
    ...(faults.ruleOf(request, 'tokenUntold') && { omitExpiresIn: true }),
  };
}

/** Every path of the API also answers with the suffix that many clients put there. */
function rewriteUrl({ url = '/' }: { url?: string | undefined }): string {
  const [path = '', ...query] = url.split('?');
  const bare = path.startsWith('/api/') ? path.replace(/\.json$/, '') : path;
  return [bare, ...query].join('?');
}

/** The account's clock may differ from ours; by default it does not. */
function skewDates(app: FastifyInstance, oauth: OAuth): void {
  app.addHook('onSend', async (_request, reply) => {
    const { clockSkewSeconds: skew } = oauth.switches;
    if (skew !== 0) reply.header('date', new Date(Date.now() + skew * 1000).toUTCString());
  });
}

function answerErrors(app: FastifyInstance, localeOf: (request: FastifyRequest) => unknown): void {
  app.setErrorHandler((error: FastifyError | Refusal | ZodError, request, reply) => {
    if (error instanceof Refusal) {
      reply.code(error.status).headers(error.headers);
      if (error.text !== null) return reply.type('text/plain; charset=utf-8').send(error.text);
      return reply.send(inLanguage(error.body, localeOf(request)));
    }
    if (error instanceof ZodError) {
      const [issue] = error.issues;
      const message = `${issue?.path.map(String).join('.') ?? ''}: ${issue?.message ?? ''}`;
      return reply.code(400).send({ error: { title: 'Invalid attribute', message } });
    }
    const { statusCode = 500, message } = error;
    const code = statusCode < 500 ? 'BadRequest' : 'InternalError';
    return reply.code(statusCode).send({ error: code, description: message });
  });
  app.setNotFoundHandler((request, reply) => {
    const inApi = request.url.startsWith('/api/v2');
    return reply
      .code(404)
      .send(inApi ? { error: 'InvalidEndpoint', description: 'Not found' } : notFound().body);
  });
}

/** Accepts an empty JSON body: many clients send `Content-Type: application/json` with every call. */
function allowEmptyJson(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else void parseJson(request, body as string, done);
  });
}
