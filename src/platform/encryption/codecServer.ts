import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Payload } from '@temporalio/common';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { UndecryptablePayload, type EncryptionCodec } from './codec';

/**
 * Decrypts payloads for Temporal's Web UI and command line, which have no keys.
 * https://docs.temporal.io/production-deployment/data-encryption#codec-server-setup
 *
 * Each request must be authenticated by the token: the command line sends it as a bearer token; the Web UI sends a cookie,
 * which this server sets after a person entered the token on its page.
 */

export interface CodecServerOptions {
  codec: EncryptionCodec;
  token: string;
  /** The origins of the Web UIs that may send requests, e.g. `http://localhost:8233`. */
  origins: readonly string[];
}

const base64 = z.base64().transform((text) => Buffer.from(text, 'base64'));
const payloadsSchema = z.object({
  payloads: z.array(
    z.object({ metadata: z.record(z.string(), base64).default({}), data: base64.optional() }),
  ),
});

const COOKIE = 'codec-session';
const BODY_LIMIT_BYTES = 16 * 1024 * 1024;
const PAGE = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Codec server</title>
<form method="post" action="/session"><label>Token <input name="token" type="password" autofocus></label>
<button>Let this browser read payloads</button></form></html>`;

/** @returns the server; the caller starts it */
export function codecServer({ codec, token, origins }: CodecServerOptions): FastifyInstance {
  const app = fastify({ bodyLimit: BODY_LIMIT_BYTES, forceCloseConnections: true });
  // The cookie holds a digest of the token, because browsers store cookies in several places.
  const session = createHmac('sha256', token).update(COOKIE).digest('hex');

  app.addHook('onRequest', async (request, reply) => {
    const { origin } = request.headers;
    if (origin !== undefined && origins.includes(origin)) {
      reply.headers({
        'access-control-allow-origin': origin,
        'access-control-allow-credentials': 'true',
        'access-control-allow-headers': 'content-type, x-namespace, authorization, authorization-extras',
        'access-control-allow-methods': 'POST',
        vary: 'origin',
      });
    }
  });
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: 4096 },
    (_request, body, done) => done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  );

  app.get('/health', async () => ({ status: 'ok' }));
  app.get('/', async (_request, reply) => reply.type('text/html').send(PAGE));
  app.post('/session', async (request, reply) => {
    const { token: given } = z.object({ token: z.string() }).catch({ token: '' }).parse(request.body);
    if (!same(given, token)) return refuse(reply);
    return reply
      .header('set-cookie', `${COOKIE}=${session}; HttpOnly; SameSite=Strict; Path=/`)
      .send({ status: 'this browser may read payloads' });
  });

  const isKnown = (request: FastifyRequest): boolean => {
    const [, bearer = ''] = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
    const [, cookie = ''] =
      new RegExp(`(?:^|;\\s*)${COOKIE}=(\\w+)`).exec(request.headers.cookie ?? '') ?? [];
    return same(bearer, token) || same(cookie, session);
  };
  for (const direction of ['encode', 'decode'] as const) {
    app.options(`/${direction}`, async (_request, reply) => reply.code(204).send());
    app.post(`/${direction}`, async (request, reply) => {
      if (!isKnown(request)) return refuse(reply);
      const body = payloadsSchema.safeParse(request.body);
      if (!body.success) return reply.code(400).send({ error: 'expected {"payloads": [{metadata, data}]}' });
      try {
        return { payloads: (await codec[direction](body.data.payloads.map(toPayload))).map(toJson) };
      } catch (error) {
        if (error instanceof UndecryptablePayload) return reply.code(422).send({ error: error.message });
        throw error;
      }
    });
  }
  return app;
}

function refuse(reply: FastifyReply): FastifyReply {
  return reply.code(401).send({ error: 'the token is missing or wrong' });
}

/** Compares in constant time, also for different lengths. */
function same(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

type JsonPayload = z.output<typeof payloadsSchema>['payloads'][number];

function toPayload({ metadata, data }: JsonPayload): Payload {
  return { metadata, ...(data && { data }) };
}

function toJson({ metadata, data }: Payload): { metadata: Record<string, string>; data: string } {
  const encoded = Object.entries(metadata ?? {}).map(([name, value]): [string, string] => [
    name,
    Buffer.from(value).toString('base64'),
  ]);
  return { metadata: Object.fromEntries(encoded), data: Buffer.from(data ?? []).toString('base64') };
}
