import { randomBytes } from 'node:crypto';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import type { FastifyInstance } from 'fastify';
import { EncryptionCodec } from '../../src/platform/encryption/codec';
import { parseEncryptionKeys } from '../../src/platform/encryption/encryptionKeys';
import { codecServer } from '../../src/platform/encryption/codecServer';

const TOKEN = 'token-of-the-codec-server';
const ORIGIN = 'http://localhost:8233';

describe('the codec server', () => {
  const codec = new EncryptionCodec(parseEncryptionKeys(`a:${randomBytes(32).toString('base64')}`));
  let server: FastifyInstance;
  let url: string;

  beforeAll(async () => {
    server = codecServer({ codec, token: TOKEN, origins: [ORIGIN] });
    url = await server.listen({ host: '127.0.0.1', port: 0 });
  });
  afterAll(async () => server.close());

  /** A payload as the Web UI and the command line send it. */
  const json = ({ metadata, data }: Payload) => ({
    metadata: Object.fromEntries(
      Object.entries(metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString('base64')]),
    ),
    data: Buffer.from(data ?? []).toString('base64'),
  });
  const post = (path: string, body: unknown, headers: Record<string, string>) =>
    fetch(url + path, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...headers },
    });
  const bearer = { authorization: `Bearer ${TOKEN}` };
  const payload = defaultPayloadConverter.toPayload({ key: 'TicketToProject/zendesk:ticket:1' });

  test('decrypts payloads of the service, and encrypts those of the command line', async () => {
    const sealed = (await codec.encode([payload])).map(json);
    const opened = await post('/decode', { payloads: sealed }, bearer);
    expect(await opened.json()).toEqual({ payloads: [json(payload)] });
    const resealed = await (await post('/encode', { payloads: [json(payload)] }, bearer)).json();
    expect(JSON.stringify(resealed)).not.toContain(json(payload).data);
    expect(await (await post('/decode', resealed, bearer)).json()).toEqual({ payloads: [json(payload)] });
  });

  test('a browser can read after its user entered the token once', async () => {
    const wrong = await post('/session', 'token=wrong', {
      'content-type': 'application/x-www-form-urlencoded',
    });
    expect([wrong.status, wrong.headers.get('set-cookie')]).toEqual([401, null]);
    const session = await post('/session', `token=${TOKEN}`, {
      'content-type': 'application/x-www-form-urlencoded',
    });
    const cookie = session.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/HttpOnly; SameSite=Strict/);
    expect(cookie).not.toContain(TOKEN);
    const sealed = (await codec.encode([payload])).map(json);
    const answer = await post(
      '/decode',
      { payloads: sealed },
      { cookie: cookie.split(';')[0] ?? '', origin: ORIGIN },
    );
    expect(await answer.json()).toEqual({ payloads: [json(payload)] });
    expect(answer.headers.get('access-control-allow-origin')).toBe(ORIGIN);
    expect(answer.headers.get('access-control-allow-credentials')).toBe('true');
  });

  test('the Web UI of a configured origin may call it, and other pages may not', async () => {
    const ask = (origin: string) =>
      fetch(`${url}/decode`, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST' },
      });
    const known = await ask(ORIGIN);
    expect([known.status, known.headers.get('access-control-allow-origin')]).toEqual([204, ORIGIN]);
    expect(known.headers.get('access-control-allow-headers')).toContain('x-namespace');
    expect((await ask('https://evil.example')).headers.get('access-control-allow-origin')).toBeNull();
  });

  test.each<[string, Record<string, string>, unknown, number]>([
    ['no token', {}, { payloads: [] }, 401],
    ['a wrong token', { authorization: 'Bearer wrong' }, { payloads: [] }, 401],
    ['a made-up session', { cookie: 'codec-session=00ff' }, { payloads: [] }, 401],
    ['an empty body', bearer, { payloads: 'x' }, 400],
    ['a body that is not JSON', bearer, '{', 400],
    [
      'a payload of an unknown key',
      bearer,
      {
        payloads: [
          json({
            metadata: { encoding: Buffer.from('binary/encrypted'), 'encryption-key-id': Buffer.from('z') },
          }),
        ],
      },
      422,
    ],
  ])('%s is refused, and the answer reveals nothing', async (_, headers, body, status) => {
    for (const path of ['/decode', '/encode']) {
      if (status === 422 && path === '/encode') continue;
      const answer = await post(path, body, headers);
      expect(answer.status).toBe(status);
      expect(await answer.text()).not.toContain(TOKEN);
    }
  });
});
