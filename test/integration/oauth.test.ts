import { HttpClient } from '../../src/systems/http';
import { NeedsHuman, RetryLater } from '../../src/systems/errors';
import { ClientCredentials, missingScopes, type Grant } from '../../src/systems/oauth';
import { startTokenServer, type TokenServer } from '../support/tokenServer';

const SECRET = 'a-very-secret-secret';
const NOT_SIGNED_IN = { error: "Couldn't authenticate you" };

let server: TokenServer;
let now: number;
let secret: () => string;
let grants: Grant[];

beforeEach(async () => {
  server = await startTokenServer();
  now = 0;
  secret = () => SECRET;
  grants = [];
});
afterEach(() => server.close());

function client(
  over: { clientId?: string; scope?: string; expiresIn?: number; send?: 'json' | 'basic' } = {},
): HttpClient {
  const common = { side: 'zendesk' as const, name: 'Zendesk', baseUrl: server.url, headers: {} };
  const credential = 'CLIENT and SECRET';
  const auth = new ClientCredentials({
    http: new HttpClient({ ...common, credential }),
    path: '/oauth/tokens',
    clientId: 'sync',
    secret: () => secret(),
    send: 'json',
    settings: {
      client: 'CLIENT',
      clientIs: "the client's name",
      secret: 'SECRET',
      scope: 'SCOPES',
      address: 'ADDRESS',
    },
    onGrant: (grant) => void grants.push(grant),
    clock: () => now,
    ...over,
  });
  return new HttpClient({ ...common, auth, credential });
}

const call = (http: HttpClient) => http.send({ method: 'GET', path: '/thing' });
const granted = (over: object, status = 200) => ({
  status,
  body: { access_token: 't1', token_type: 'bearer', ...over },
});
const failure = async (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => Promise.reject(new Error('expected a failure')),
    (error: unknown) => error as Error,
  );

describe('the token request', () => {
  test('is JSON with client, secret, scope and the wanted lifetime', async () => {
    await call(client({ scope: 'read tickets:write', expiresIn: 1_800 }));
    expect(server.mints[0]?.headers['content-type']).toBe('application/json');
    expect(JSON.parse(server.mints[0]?.body ?? '')).toEqual({
      grant_type: 'client_credentials',
      client_id: 'sync',
      client_secret: SECRET,
      scope: 'read tickets:write',
      expires_in: 1_800,
    });
  });

  test('can be a form, with client and secret in the header', async () => {
    await call(client({ send: 'basic', scope: 'all' }));
    expect(server.mints[0]?.body).toBe('grant_type=client_credentials&scope=all');
    const basic = Buffer.from(`sync:${SECRET}`).toString('base64');
    expect(server.mints[0]?.headers.authorization).toBe(`Basic ${basic}`);
  });

  test('reads the secret for every token', async () => {
    const http = client();
    await call(http);
    secret = () => 'replaced';
    now += 1_800_000;
    await call(http);
    expect(
      server.mints.map(({ body }) => (JSON.parse(body) as { client_secret: string }).client_secret),
    ).toEqual([SECRET, 'replaced']);
  });
});

describe('how long a token is used', () => {
  test('calls at the same time share one new token', async () => {
    const http = client();
    await Promise.all(Array.from({ length: 20 }, () => call(http)));
    expect(server.mints).toHaveLength(1);
    expect(new Set(server.calls)).toEqual(new Set(['Bearer t1']));
  });

  test('200 and 201 are both success, and any form of token is accepted', async () => {
    const long = `ey.${'x'.repeat(3_000)}`;
    server.grant = () => granted({ access_token: long, expires_in: 300 }, 201);
    await call(client());
    expect(server.calls).toEqual([`Bearer ${long}`]);
  });

  test('the lifetime in the answer counts, not the requested one', async () => {
    server.grant = (n) => granted({ access_token: `t${n}`, expires_in: 300 });
    const http = client({ expiresIn: 1_800 });
    await call(http);
    now = 299_000;
    await call(http);
    expect(server.calls).toEqual(['Bearer t1', 'Bearer t2']);
    expect(grants[0]?.seconds).toBe(300);
  });

  test.each([{}, { expires_in: null }])(
    'an answer without a valid lifetime counts as short: %j',
    async (untold) => {
      server.grant = (n) => granted({ access_token: `t${n}`, ...untold });
      const http = client();
      await call(http);
      now = 530_000;
      await call(http);
      now = 700_000;
      await call(http);
      expect(server.calls).toEqual(['Bearer t1', 'Bearer t1', 'Bearer t2']);
    },
  );

  test('the next token is minted before the end, and no call waits for it', async () => {
    const http = client();
    await call(http);
    now = 1_600_000;
    server.grant = (n) => ({ ...granted({ access_token: `t${n}`, expires_in: 1_800 }), delayMs: 100 });
    await call(http);
    expect(server.calls).toEqual(['Bearer t1', 'Bearer t1']);
    while (grants.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    await call(http);
    expect(server.calls.at(-1)).toBe('Bearer t2');
    expect(server.mints).toHaveLength(2);
  });

  test('after a failed renewal the valid token stays in use, and attempts back off', async () => {
    const http = client();
    await call(http);
    now = 1_600_000;
    server.grant = () => ({ status: 503, body: {} });
    for (let n = 0; n < 5; n += 1) await call(http);
    await new Promise((resolve) => setTimeout(resolve, 50));
    for (let n = 0; n < 5; n += 1) await call(http);
    expect(server.mints).toHaveLength(2);
    expect(new Set(server.calls)).toEqual(new Set(['Bearer t1']));
    now += 1_500;
    await call(http);
    await new Promise((resolve) => setTimeout(resolve, 50));
    now += 1_500;
    await call(http);
    await new Promise((resolve) => setTimeout(resolve, 50));
    // After the second failure in a row, the next attempt waits two seconds.
    expect(server.mints).toHaveLength(3);
  });
});

describe('what a refusal means', () => {
  test('401 invalid_token: the token is dropped, a new one is minted, and the call is repeated once', async () => {
    const http = client();
    await call(http);
    server.alive = new Set(['t2']);
    expect((await call(http)).status).toBe(200);
    expect(server.calls).toEqual(['Bearer t1', 'Bearer t1', 'Bearer t2']);
  });

  test('many calls refused at once: one new token for all', async () => {
    const http = client();
    await call(http);
    server.alive = new Set(['t2']);
    await Promise.all(Array.from({ length: 10 }, () => call(http)));
    expect(server.mints).toHaveLength(2);
  });

  test('a 401 without an error name counts as a refused token', async () => {
    const http = client();
    await call(http);
    server.alive = new Set(['t2']);
    server.refusal = { body: {}, headers: {} };
    expect((await call(http)).status).toBe(200);
  });

  test('a 401 with another error name does not', async () => {
    const http = client();
    server.alive = new Set();
    server.refusal = { body: NOT_SIGNED_IN, headers: {} };
    expect(await failure(call(http))).toMatchObject({ code: 'unauthorized' });
    expect(server.mints).toHaveLength(1);
  });

  test('tokens that are refused at once do not cause a new token for each call', async () => {
    const http = client();
    server.alive = new Set();
    const errors: Error[] = [];
    for (let n = 0; n < 10; n += 1) errors.push(await failure(call(http)));
    expect(server.mints.length).toBeLessThanOrEqual(3);
    expect(errors.every((error) => error instanceof NeedsHuman)).toBe(true);
    expect(errors.at(-1)?.message).toContain('refused as soon as they are granted');
    now += 60_000;
    server.alive = null;
    await call(http);
  });

  test.each([
    [401, 'invalid_client', 'SECRET'],
    [400, 'invalid_scope', 'SCOPES'],
    [400, 'unauthorized_client', 'Confidential'],
    [404, 'not_here', 'ADDRESS'],
    [422, 'something_else', 'SECRET'],
  ])('the token endpoint answers %i %s: one line with the fix', async (status, error, word) => {
    server.grant = () => ({ status, body: { error, error_description: `you sent ${SECRET}` } });
    const failed = await failure(call(client({ scope: 'read' })));
    expect(failed).toMatchObject({ name: 'NeedsHuman', code: 'unauthorized' });
    expect(failed.message).toContain(`Zendesk POST /oauth/tokens: answered ${status} ${error}`);
    expect(failed.message).toContain(word);
    expect(failed.stack).not.toContain(SECRET);
    expect(failed.message).not.toContain('you sent');
    expect(server.calls).toEqual([]);
  });

  test('a secret that was entered as the client is not shown', async () => {
    const swapped = 'ab12'.repeat(16);
    server.grant = () => ({ status: 401, body: { error: 'invalid_client' } });
    const failed = await failure(call(client({ clientId: swapped })));
    expect(failed.message).toContain('found what looks like a secret');
    expect(failed.message).not.toContain(swapped);
  });

  test('a token endpoint that is down, slow, or answers with a page: the call is retried later, and nothing was sent', async () => {
    const http = client();
    for (const grant of [
      { status: 503, body: {} },
      { status: 429, body: {} },
      { status: 200, body: '<html>' },
      { status: 401, body: '<html>' },
    ]) {
      server.grant = () => grant;
      const failed = await failure(call(http));
      expect(failed).toBeInstanceOf(RetryLater);
      expect((failed as RetryLater).options.unknownOutcome).toBe(false);
      expect(failed.message).toMatch(/no access token until this call succeeds: wait, or check ADDRESS/);
      now += 60_000;
    }
    expect(server.calls).toEqual([]);
  });

  test('a secret that cannot be read: the message names the fix', async () => {
    secret = () => {
      throw new Error('SECRET_FILE: /run/secret cannot be read (ENOENT)');
    };
    expect(await failure(call(client()))).toMatchObject({
      code: 'unauthorized',
      message: 'SECRET_FILE: /run/secret cannot be read (ENOENT)',
    });
  });
});

test('scopes that were requested but not granted are named', async () => {
  server.grant = () => granted({ scope: 'read', expires_in: 300 });
  await call(client({ scope: 'read tickets:write' }));
  expect(grants.map(missingScopes)).toEqual([['tickets:write']]);
  expect(missingScopes({ asked: ['read'], granted: null, seconds: 1 })).toEqual([]);
});
