import { randomBytes } from 'node:crypto';
import { isGrpcServiceError } from '@temporalio/client';
import fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import { z } from 'zod';
import { isPassing } from '../../platform/mongoErrors';
import { BadInput, Problem } from '../operatorErrors';
import { NAME_LIMIT } from '../../sync/resolution';
import { MappingError } from '../../sync/mappingFile';
import { COOKIE, isOwnForm, isTrusted, sessionOf, tokenFits, type Visit } from './access';
import type { ConsoleContext, ConsoleSite } from './consoleContext';
import { ROOT, send, type Viewer } from './layout';
import { connectionsPage, loadConnections } from './pages/connectionsPage';
import { loginPage, messagePage } from './pages/loginPage';
import { actions } from './actions';
import { pages } from './views';
import { SESSION_MS, Sessions, sameSecret } from './sessions';
import { STYLE, STYLE_VERSION } from './style';
import { Throttle } from './throttle';

/** Enough for a merged comment of 64 kB, percent-encoded. */
const BODY_LIMIT_BYTES = 512 * 1024;
const REQUEST_WITHIN_MS = 10_000;
const CONNECTIONS_AT_MOST = 200;

/**
 * No script runs in these pages and nothing is loaded for them, whatever their contents. Referrers are sent within
 * the console only; without any, browsers would not say where a form comes from.
 */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

declare module 'fastify' {
  interface FastifyRequest {
    viewer: Viewer | null;
  }
}

/** The console's HTTP server, below `/console`. The caller starts it. */
export function createConsole(site: ConsoleSite): FastifyInstance {
  const { access, now, log, connections } = site;
  // Without a configured token, processes share no secret: a form is valid only for the process that made it.
  const sessions = new Sessions(access.token ?? randomBytes(32), now);
  const app = fastify({
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_WITHIN_MS,
    forceCloseConnections: true,
    trustProxy: (address: string) => isTrusted(access.trustedProxies, address),
    routerOptions: { onBadUrl: (_path, _request, response) => void response.writeHead(400).end() },
  });
  app.server.maxConnections = CONNECTIONS_AT_MOST;
  app.decorateRequest('viewer', null);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, body, done) => done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  );
  app.addHook('onRequest', async (_request, reply) => void reply.headers(HEADERS));
  answerErrors(app, site);

  app.get('/', async (_request, reply) => reply.redirect(ROOT, 303));
  app.get(`${ROOT}/style.css`, async (request, reply) => {
    // The address of the style sheet changes with its content.
    const { v } = z.object({ v: z.string() }).partial().catch({}).parse(request.query);
    if (v === STYLE_VERSION) reply.header('cache-control', 'private, max-age=86400, immutable');
    return reply.type('text/css; charset=utf-8').send(STYLE);
  });
  if (access.token !== null) logIn(app, site, sessions);

  const forKnown = (at: ConsoleContext | null, serve: (inside: FastifyInstance) => void) =>
    app.register(async (inside) => {
      admit(inside, at, site, sessions);
      serve(inside);
    });
  void forKnown(null, (inside) => {
    inside.post(`${ROOT}/logout`, async (request, reply) => {
      setCookie(request, reply, '', 0);
      return reply.redirect(`${ROOT}/login`, 303);
    });
    if (connections.every(({ root }) => root !== ROOT))
      inside.get(ROOT, async (request, reply) =>
        send(reply, connectionsPage(await loadConnections(connections)), request.viewer),
      );
  });
  for (const context of connections)
    void forKnown(context, (inside) => {
      pages(inside, context);
      actions(inside, context);
    });
  log.debug({ token: access.token !== null, header: access.userHeader }, 'console access');
  return app;
}

/** Admits known users, and refuses forms that were not made for them. */
function admit(
  inside: FastifyInstance,
  at: ConsoleContext | null,
  site: ConsoleSite,
  sessions: Sessions,
): void {
  inside.addHook('onRequest', async (request, reply) => {
    const visit = visitOf(request);
    if (request.method === 'POST' && !isOwnForm(visit))
      return refuse(reply, 'The form came from another site.');
    const known = sessionOf(site.access, sessions, visit);
    if (!known) return answerUnknownUser(request, reply, site);
    const { session, isNew } = known;
    if (isNew) setCookie(request, reply, sessions.seal(session), SESSION_MS);
    request.viewer = { session, formToken: sessions.formToken(session), at };
    return undefined;
  });
  inside.addHook('preHandler', async (request, reply) => {
    if (request.method !== 'POST') return undefined;
    const { formToken } = z.object({ formToken: z.string() }).catch({ formToken: '' }).parse(request.body);
    if (request.viewer && sameSecret(formToken, request.viewer.formToken)) return undefined;
    return refuse(reply, 'The form is too old, or was not made for you. Load its page again.');
  });
}

function logIn(app: FastifyInstance, { access, log, now }: ConsoleSite, sessions: Sessions): void {
  const throttle = new Throttle(now);
  const schema = z.object({
    token: z.string(),
    name: z.string().trim().min(1).max(NAME_LIMIT),
    next: z.string().catch(''),
  });
  app.get(`${ROOT}/login`, async (request, reply) => {
    const { next } = z.object({ next: z.string() }).catch({ next: '' }).parse(request.query);
    return send(reply, loginPage(ownPath(next), null), null);
  });
  app.post(`${ROOT}/login`, async (request, reply) => {
    if (!isOwnForm(visitOf(request))) return refuse(reply, 'The form came from another site.');
    const waitSeconds = throttle.waitSeconds(request.ip);
    if (waitSeconds > 0) {
      reply.code(429).header('retry-after', String(waitSeconds));
      const minutes = Math.ceil(waitSeconds / 60);
      return send(reply, loginPage('', `Too many wrong tokens. Try again in ${minutes} min.`), null);
    }
    const given = schema.safeParse(request.body);
    if (!given.success) return send(reply.code(400), loginPage('', 'Give the token and your name.'), null);
    const { token, name, next } = given.data;
    if (!tokenFits(access, token)) {
      throttle.failed(request.ip);
      log.warn({ address: request.ip }, 'console: wrong token');
      return send(reply.code(401), loginPage(ownPath(next), 'The token is wrong.'), null);
    }
    throttle.succeeded(request.ip);
    setCookie(request, reply, sessions.seal(sessions.begin(name, 'token')), SESSION_MS);
    log.info({ user: name, address: request.ip }, 'console: logged in');
    return reply.redirect(ownPath(next), 303);
  });
}

/** Answers a request without a known user. */
function answerUnknownUser(
  request: FastifyRequest,
  reply: FastifyReply,
  { access }: ConsoleSite,
): FastifyReply {
  if (access.token === null)
    return refuse(reply, 'You are not logged in. Open the console through the proxy that signs you in.');
  if (request.method === 'POST')
    return send(
      reply.code(401),
      messagePage('Not logged in', 'You are logged out, so nothing was done.', {
        url: `${ROOT}/login`,
        name: 'Log in',
      }),
      null,
    );
  return reply.redirect(`${ROOT}/login?next=${encodeURIComponent(request.url)}`, 303);
}

function refuse(reply: FastifyReply, why: string): FastifyReply {
  return send(reply.code(403), messagePage('Refused', why, { url: ROOT, name: 'Overview' }), null);
}

function answerErrors(app: FastifyInstance, { log }: ConsoleSite): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const { status, title, message } = errorShown(error);
    if (status >= 500) log.error({ err: error }, 'console');
    const back = { url: request.viewer?.at?.root ?? ROOT, name: 'Overview' };
    return send(reply.code(status), messagePage(title, message, back), request.viewer);
  });
  app.setNotFoundHandler((request, reply) =>
    send(
      reply.code(404),
      messagePage('Not found', 'There is no such page.', { url: ROOT, name: 'Overview' }),
      request.viewer,
    ),
  );
}

/** The text of an error for the user: our own messages, and no others. */
function errorShown(error: FastifyError): { status: number; title: string; message: string } {
  if (error instanceof BadInput) return { status: 400, title: 'Not understood', message: error.message };
  if (error instanceof Problem) return { status: 409, title: 'Not done', message: error.message };
  if (error instanceof MappingError)
    return { status: 500, title: 'The mapping cannot be used', message: error.message };
  if (isPassing(error)) return { status: 503, title: 'Unavailable', message: 'MongoDB does not answer.' };
  if (isGrpcServiceError(error) || isGrpcServiceError(error.cause))
    return { status: 503, title: 'Unavailable', message: 'Temporal does not answer.' };
  const { statusCode = 500 } = error;
  if (statusCode < 500)
    return { status: statusCode, title: 'Refused', message: 'The request was not understood.' };
  return { status: 500, title: 'Failed', message: 'Something failed. The log of this process says what.' };
}

function visitOf(request: FastifyRequest): Visit {
  return { headers: request.headers, peer: request.socket.remoteAddress ?? '', host: request.host };
}

function setCookie(request: FastifyRequest, reply: FastifyReply, content: string, ms: number): void {
  const secure = request.protocol === 'https' ? '; Secure' : '';
  reply.header(
    'set-cookie',
    `${COOKIE}=${content}; Path=${ROOT}; HttpOnly; SameSite=Strict; Max-Age=${ms / 1000}${secure}`,
  );
}

/** A path within the console; any other path is replaced. */
function ownPath(next: string): string {
  return /^\/console(\/connections\/\w+)?(\/[a-z]*)?(\?[\w%&=.~*+-]*)?$/.test(next) ? next : ROOT;
}
