import { createHash } from 'node:crypto';
import fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import type { Logger } from 'pino';
import { parseJson as parseExactly } from '../sync/exactJson';
import type { Side } from '../sync/record';
import type { Counts, Outcome } from '../sync/deliveryCounts';
import type { Source } from './source';
import { NotHandedOver, type HandOver } from './handOver';
import { pmsSource } from './pmsSource';
import { isSigned, isTimely } from './signature';
import { zendeskSource } from './zendeskSource';

/** The largest body. An event contains at most one comment, which Zendesk limits to 64 kB. */
const BODY_LIMIT_BYTES = 512 * 1024;
const HEADERS_WITHIN_MS = 5_000;
/** The time limit for headers and body; all known senders are faster. */
const REQUEST_WITHIN_MS = 10_000;
const CHECK_EVERY_MS = 1_000;
/** Longer than proxies keep idle connections. Otherwise this server could close one during the next request. */
const KEEP_ALIVE_MS = 75_000;
const CONNECTIONS_AT_MOST = 500;
/** The least number of concurrent requests of one connection, for any number of connections. */
const LEAST_AT_ONCE = 20;
const RETRY_AFTER_SECONDS = 5;
const MARK_BYTES = 200;
/** How long the readiness is cached, because anybody who reaches the port can request it. */
const READY_FOR_MS = 1_000;

/** A connection that receives deliveries. */
export interface ReceivedConnection {
  /** The name in its addresses; null if it is the only one. */
  connection: string | null;
  /** The current and the previous secret of each side; a side without a secret is not served. */
  secrets: Partial<Record<Side, readonly string[]>>;
  handOver: Pick<HandOver, 'submit'>;
  counts: Counts;
}

export interface ReceiverOptions {
  connections: readonly ReceivedConnection[];
  /** Whether MongoDB and Temporal answer, by name. */
  probe: () => Promise<Record<string, boolean>>;
  log: Logger;
  now?: () => number;
  /** Shorter times are for tests. */
  requestWithinMs?: number;
}

/**
 * The webhook receiver's HTTP server: `POST /webhooks/zendesk`, `POST /webhooks/pms`, `GET /healthz`, `GET /readyz`.
 * With several connections: `POST /webhooks/acme/zendesk` and so on.
 */
export function createReceiver(options: ReceiverOptions): FastifyInstance {
  const { connections, requestWithinMs = REQUEST_WITHIN_MS } = options;
  const app = fastify({
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: requestWithinMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    http: {
      headersTimeout: Math.min(HEADERS_WITHIN_MS, requestWithinMs),
      connectionsCheckingInterval: Math.min(CHECK_EVERY_MS, requestWithinMs),
      maxHeaderSize: 16 * 1024,
    },
    // A request that is no valid HTTP is answered with a status only.
    clientErrorHandler: (error, socket) => {
      if (socket.writable && !socket.destroyed)
        socket.write(
          `HTTP/1.1 ${error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? '408 Request Timeout' : '400 Bad Request'}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`,
        );
      socket.destroy();
    },
    routerOptions: { onBadUrl: (_path, _request, response) => void response.writeHead(400).end() },
  });
  app.server.maxConnections = CONNECTIONS_AT_MOST;
  // The signature covers the raw bytes.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  );
  answerErrors(app, options.log);
  // A flood of one connection must leave capacity for the others.
  const atMost = Math.max(LEAST_AT_ONCE, Math.floor(CONNECTIONS_AT_MOST / connections.length));
  for (const connection of connections) {
    const room = new Room(atMost);
    for (const source of [zendeskSource, pmsSource]) {
      const known = connection.secrets[source.side];
      if (known && known.length > 0) receive(app, source, known, { ...connection, room, now: options.now });
    }
  }
  health(app, options);
  return app;
}

function receive(
  app: FastifyInstance,
  source: Source,
  secrets: readonly string[],
  {
    connection,
    handOver,
    counts,
    room,
    now = Date.now,
  }: ReceivedConnection & {
    room: Room;
    now: ReceiverOptions['now'];
  },
): void {
  const count = (outcome: Outcome, type?: string) => counts.add(source.side, outcome, type);
  const { headers } = source;
  app.route({
    method: 'POST',
    url: `/webhooks/${connection === null ? '' : `${connection}/`}${source.side}`,
    // Check this before the body is read: without a valid time of the signature, no body is accepted.
    onRequest: async (request, reply) => {
      const timestamp = request.headers[headers.timestamp];
      const signature = request.headers[headers.signature];
      if (
        typeof signature === 'string' &&
        typeof timestamp === 'string' &&
        isTimely(source, timestamp, now())
      ) {
        if (room.take(reply)) return undefined;
        count('unavailable');
        return unavailable(reply.header('connection', 'close'), { error: 'unavailable' });
      }
      count('unauthorized');
      return unauthorized(reply);
    },
    handler: (request, reply) => takeIn(request, reply, { source, secrets, handOver, count }),
  });
}

/** Handles a delivery with a valid time: checks the signature, parses the body, and hands it over before the answer. */
async function takeIn(
  request: FastifyRequest,
  reply: FastifyReply,
  { source, secrets, handOver, count }: Reception,
): Promise<unknown> {
  const { headers } = source;
  const timestamp = String(request.headers[headers.timestamp]);
  const signature = String(request.headers[headers.signature]);
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  if (!isSigned(source, secrets, { timestamp, signature, body })) {
    count('unauthorized');
    return unauthorized(reply);
  }
  const event = source.parse(parseJson(body));
  if (!event) {
    count('malformed');
    return reply.code(400).send({ error: 'malformed' });
  }
  if (event.hints.length === 0) {
    count('ignored', event.type);
    return { status: 'ignored' };
  }
  const invocation = request.headers[headers.invocation];
  const named = typeof invocation === 'string' ? [`${source.side} invocation ${shortened(invocation)}`] : [];
  // The header is not signed, so it identifies a delivery only if the signature does not. A replay with another id
  // costs only a read of the record.
  const isSignatureEnough = event.mayRecur !== true || named.length === 0;
  const marks = [...(isSignatureEnough ? [`${source.side} signature ${signature}`] : []), ...named];
  try {
    const outcome = await handOver.submit({ marks, hints: event.hints });
    count(outcome, event.type);
    return { status: outcome };
  } catch (error) {
    if (!(error instanceof NotHandedOver)) throw error;
    count('unavailable');
    return unavailable(reply, { error: 'unavailable' });
  }
}

interface Reception extends Pick<ReceivedConnection, 'handOver'> {
  source: Source;
  secrets: readonly string[];
  count: (outcome: Outcome, type?: string) => void;
}

/** The semaphore of a connection's concurrent requests. */
class Room {
  private taken = 0;

  constructor(private readonly atMost: number) {}

  /** Takes a permit until the request has ended. @returns false if there is none */
  take({ raw }: FastifyReply): boolean {
    if (this.taken >= this.atMost) return false;
    this.taken += 1;
    raw.once('close', () => (this.taken -= 1));
    return true;
  }
}

/** `/healthz`: the process is alive. `/readyz`: MongoDB and Temporal answer, too. */
function health(app: FastifyInstance, { probe, now = Date.now }: ReceiverOptions): void {
  let last: { at: number; answer: Promise<Record<string, boolean>> } | null = null;
  app.get('/healthz', async () => ({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    if (!last || now() - last.at > READY_FOR_MS) last = { at: now(), answer: probe() };
    const servers = await last.answer;
    if (Object.values(servers).every(Boolean)) return { status: 'ready', ...servers };
    return unavailable(reply, { status: 'unavailable', ...servers });
  });
}

/** Answers with the status only, without details. */
function answerErrors(app: FastifyInstance, log: Logger): void {
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    const { statusCode = 500 } = error;
    if (statusCode >= 500) log.error({ err: error }, 'webhook receiver');
    return reply
      .code(statusCode)
      .header('connection', 'close')
      .send({ error: WORDS[statusCode] ?? (statusCode < 500 ? 'bad_request' : 'internal') });
  });
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'not_found' }));
}

const WORDS: Record<number, string> = { 413: 'too_large', 415: 'unsupported_media_type' };

/** Refuses a delivery. The counts have the exact reason; the sender does not get it. */
function unauthorized(reply: FastifyReply): FastifyReply {
  return reply.code(401).header('connection', 'close').send({ error: 'unauthorized' });
}

function unavailable(reply: FastifyReply, body: object): FastifyReply {
  return reply.code(503).header('retry-after', String(RETRY_AFTER_SECONDS)).send(body);
}

function parseJson(body: Buffer): unknown {
  try {
    return parseExactly(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

function shortened(text: string): string {
  return text.length <= MARK_BYTES ? text : createHash('sha256').update(text).digest('hex');
}
