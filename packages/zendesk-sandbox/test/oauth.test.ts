import { NO_LIMITS, startZendeskSandbox, type ZendeskSandbox } from '../src';
import { ZendeskApi, type Answer } from './support/zendeskApi';

/** Zendesk's OAuth and what it says of credentials, over plain HTTP; the rules are in zendesk-oauth.md. */

const START = Date.parse('2026-11-29T00:00:00Z');
const ANN = 'ann@sandbox.example';
const BOB = 'bob@sandbox.example';
const INVALID_TOKEN =
  'The access token provided is expired, revoked, malformed or invalid for other reasons.';

let now: number;
let sandbox: ZendeskSandbox;

beforeEach(async () => {
  now = START;
  sandbox = await startZendeskSandbox({ ...NO_LIMITS, clock: () => now, incrementalPerMinute: 1_000 });
});
afterEach(() => sandbox.close());

interface Granted {
  status: number;
  headers: Headers;
  body: {
    access_token: string;
    token_type: string;
    scope: string;
    expires_in?: number;
    error?: string;
    error_description?: string;
  };
}
const seconds = (count: number): void => void (now += count * 1000);
const usual = (): Record<string, unknown> => ({
  grant_type: 'client_credentials',
  client_id: sandbox.clientId,
  client_secret: sandbox.clientSecret,
});

async function ask(body: string, headers: Record<string, string>): Promise<Granted> {
  const answer = await fetch(`${sandbox.url}/oauth/tokens`, { method: 'POST', headers, body });
  const text = await answer.text();
  const isJson = answer.headers.get('content-type')?.startsWith('application/json') === true;
  const { status, headers: answered } = answer;
  return { status, headers: answered, body: (isJson ? JSON.parse(text) : {}) as Granted['body'] };
}
const mint = (more: Record<string, unknown> = {}): Promise<Granted> =>
  ask(JSON.stringify({ ...usual(), ...more }), { 'content-type': 'application/json' });
const mintForm = (more: Record<string, string>, type = 'application/x-www-form-urlencoded') =>
  ask(new URLSearchParams({ ...(usual() as Record<string, string>), ...more }).toString(), {
    'content-type': type,
  });

/** With a bearer, with other credentials, or with none. */
async function call(method: string, path: string, authorization?: string, body?: unknown): Promise<Answer> {
  const headers: Record<string, string> = {
    ...(authorization !== undefined && { authorization }),
    ...(body !== undefined && { 'content-type': 'application/json' }),
  };
  const answer = await fetch(`${sandbox.url}/api/v2${path}`, {
    method,
    headers,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return {
    status: answer.status,
    headers: answer.headers,
    body: (text === '' ? {} : JSON.parse(text)) as Answer['body'],
  };
}
const by = async (more: Record<string, unknown> = {}): Promise<string> =>
  `Bearer ${(await mint(more)).body.access_token}`;
const me = (authorization?: string) => call('GET', '/users/me', authorization);
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
const refusal = ({ status, body }: Granted) => [status, body.error];
const control = (method: string, path: string, body?: unknown): Promise<Answer> =>
  new ZendeskApi(sandbox).control(method, path, body);

describe('grant', () => {
  test('a token of a client acts as the one to whom the client belongs', async () => {
    const { status, headers, body } = await mint({ expires_in: 1800, scope: 'tickets:read users:read' });
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('content-type')).toMatch(/^application\/json/);
    expect(body).toEqual({
      access_token: expect.stringMatching(/^\w{32,}$/) as unknown,
      token_type: 'bearer',
      scope: 'tickets:read users:read',
      expires_in: 1799,
    });
    const answer = await me(`Bearer ${body.access_token}`);
    expect(answer.body.user).toMatchObject({ email: sandbox.adminEmail, role: 'admin' });
  });

  test('it is not under the API', async () => {
    expect((await call('POST', '/oauth/tokens', await by(), usual())).status).toBe(404);
  });

  test.each(['application/x-www-form-urlencoded', 'application/x-www-form-urlencoded;charset=UTF-8'])(
    'by form, as %s',
    async (type) => {
      const { status, body } = await mintForm({ expires_in: '600', scope: 'read write' }, type);
      expect([status, body.scope, body.expires_in]).toEqual([200, 'read write', 599]);
    },
  );

  test('JSON may name its character set; what is neither has no parameters', async () => {
    const { status } = await ask(JSON.stringify(usual()), {
      'content-type': 'application/json; charset=utf-8',
    });
    expect(status).toBe(200);
    const other = await ask(JSON.stringify(usual()), { 'content-type': 'text/plain' });
    expect(refusal(other)).toEqual([400, 'invalid_request']);
  });

  test('the answer leaves out what was not asked', async () => {
    expect(Object.keys((await mint()).body)).toEqual(['access_token', 'token_type', 'scope']);
  });

  test('a switch leaves the seconds out although they were asked for', async () => {
    sandbox.oauth.set({ omitExpiresIn: true });
    expect((await mint({ expires_in: 600 })).body).not.toHaveProperty('expires_in');
  });

  test('a switch answers 201', async () => {
    sandbox.oauth.set({ status: 201 });
    expect((await mint()).status).toBe(201);
  });

  test('a token may look like a JWT, which is longer', async () => {
    sandbox.oauth.set({ tokenShape: 'jwt' });
    const { access_token: token } = (await mint()).body;
    const [head = ''] = token.split('.');
    expect(JSON.parse(Buffer.from(head, 'base64url').toString())).toMatchObject({ typ: 'at+jwt' });
    expect(token.length).toBeGreaterThan(1_000);
    expect((await me(`Bearer ${token}`)).status).toBe(200);
  });

  test('several tokens live at once', async () => {
    const tokens = [await by(), await by(), await by()];
    for (const token of tokens) expect((await me(token)).status).toBe(200);
    expect(new Set(tokens).size).toBe(3);
  });

  test.each([
    [299, [400, 'invalid_request']],
    [300, [200, undefined]],
    [172_800, [200, undefined]],
    [172_801, [400, 'invalid_request']],
    ['soon', [400, 'invalid_request']],
    [600.5, [400, 'invalid_request']],
  ])('expires_in %s', async (given, expected) => {
    expect(refusal(await mint({ expires_in: given }))).toEqual(expected);
  });

  test('a token ends when it was said to', async () => {
    const token = await by({ expires_in: 600 });
    seconds(599);
    expect((await me(token)).status).toBe(200);
    seconds(1);
    expect((await me(token)).status).toBe(401);
  });

  test('a client of today: 1,800 seconds if not asked; one of before April 2026: for ever', async () => {
    const today = await by();
    sandbox.oauth.change({ isNew: false });
    const [old, asked] = [await by(), await by({ expires_in: 300 })];
    seconds(1_799);
    expect((await me(today)).status).toBe(200);
    expect((await me(asked)).status).toBe(401);
    seconds(1);
    expect((await me(today)).status).toBe(401);
    seconds(400 * 86_400);
    expect((await me(old)).status).toBe(200);
  });

  test('a switch ends tokens earlier than promised', async () => {
    sandbox.oauth.set({ endAfterSeconds: 5 });
    const { body } = await mint({ expires_in: 3600 });
    expect(body.expires_in).toBe(3599);
    seconds(5);
    expect((await me(`Bearer ${body.access_token}`)).status).toBe(401);
  });
});

describe('scopes of a grant', () => {
  const granted = async (scope?: unknown) => (await mint({ scope })).body.scope;

  test('none asked: read and write, or the allowed ones', async () => {
    expect(await granted()).toBe('read write');
    expect(await granted('')).toBe('read write');
    sandbox.oauth.change({ allowedScopes: ['tickets:read', 'read'] });
    expect(await granted()).toBe('tickets:read read');
  });

  test('without allowed scopes, names that nobody knows are left out silently', async () => {
    expect(await granted('read tickets:wirte users:write')).toBe('read users:write');
    expect(await granted('tickets:wirte')).toBe('');
  });

  test('the parameter is one text: a list, or another name, is silently nothing', async () => {
    expect(await granted(['read'])).toBe('read write');
    expect((await mint({ scopes: 'read' })).body.scope).toBe('read write');
  });

  test('outside of the allowed ones is refused', async () => {
    sandbox.oauth.change({ allowedScopes: ['read', 'tickets:write'] });
    expect(await granted('read tickets:write')).toBe('read tickets:write');
    expect(refusal(await mint({ scope: 'read write' }))).toEqual([400, 'invalid_scope']);
    expect(refusal(await mint({ scope: 'read tickets:wirte' }))).toEqual([400, 'invalid_scope']);
  });
});

describe('refused grants', () => {
  const missing = (name: string) => mint({ [name]: undefined });

  test('a wrong or missing secret, an unknown client, the numeric id', async () => {
    const id = sandbox.oauth.clients.byIdentifier(sandbox.clientId)?.id;
    for (const answer of [
      await mint({ client_secret: 'wrong' }),
      await missing('client_secret'),
      await mint({ client_id: 'unknown' }),
      await mint({ client_id: id }),
    ]) {
      expect(refusal(answer)).toEqual([401, 'invalid_client']);
      expect(answer.body.error_description).toMatch(/^The client identifier provided is invalid, /);
      expect(answer.headers.get('www-authenticate')).toBe('Basic realm="OAuth2 Token Endpoint"');
      expect(answer.headers.get('cache-control')).toBe('no-store');
    }
  });

  test('a switch leaves WWW-Authenticate out, there and at the API', async () => {
    sandbox.oauth.set({ challenge: false });
    const answers = [await mint({ client_secret: 'wrong' }), await me('Bearer nonsense')];
    for (const { status, headers } of answers)
      expect([status, headers.get('www-authenticate')]).toEqual([401, null]);
  });

  test('HTTP Basic is read only under a switch', async () => {
    const { clientId, clientSecret } = sandbox;
    const headers = {
      'content-type': 'application/json',
      authorization: basic(`${clientId}:${clientSecret}`),
    };
    const body = JSON.stringify({ grant_type: 'client_credentials' });
    expect(refusal(await ask(body, headers))).toEqual([400, 'invalid_request']);
    sandbox.oauth.set({ basicAuth: true });
    expect((await ask(body, headers)).status).toBe(200);
  });

  test('a public client', async () => {
    sandbox.oauth.change({ kind: 'public' });
    expect(refusal(await mint())).toEqual([400, 'unauthorized_client']);
  });

  test.each([
    ['password', 'unsupported_grant_type'],
    ['refresh_token', 'invalid_grant'],
    ['authorization_code', 'invalid_grant'],
  ])('grant_type %s', async (given, error) => {
    expect(refusal(await mint({ grant_type: given }))).toEqual([400, error]);
  });

  test.each(['grant_type', 'client_id'])('no %s', async (name) => {
    const answer = await missing(name);
    expect(refusal(answer)).toEqual([400, 'invalid_request']);
    expect(answer.body.error_description).toContain(`'${name}'`);
  });

  test('after a rotation the former secret, at once; tokens stay', async () => {
    const token = await by();
    const secret = sandbox.oauth.rotateSecret();
    expect(refusal(await mint())).toEqual([401, 'invalid_client']);
    expect((await mint({ client_secret: secret })).status).toBe(200);
    expect((await me(token)).status).toBe(200);
  });

  test('faults reach the token endpoint: 429, 503, a page in HTML, and slowness', async () => {
    const faults = (rule: object) =>
      control('PUT', '/faults', [{ route: '^POST /oauth/tokens', times: 1, ...rule }]);
    await faults({ kind: 'status', status: 429, retryAfterSeconds: 7 });
    const limited = await mint();
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '7']);
    await faults({ kind: 'status', status: 503 });
    expect((await mint()).status).toBe(503);
    await faults({ kind: 'html', status: 502 });
    const page = await mint();
    expect([page.status, page.headers.get('content-type')]).toEqual([502, 'text/html; charset=utf-8']);
    await faults({ kind: 'delay', delayMs: 30 });
    expect((await mint()).status).toBe(200);
    expect((await control('GET', '/faults')).body['struck']).toEqual({ status: 2, html: 1, delay: 1 });
  });
});

test('faults strike single grants and calls: a short life, an end that is not told, a revocation', async () => {
  const faults = (rule: object) => control('PUT', '/faults', [{ times: 1, ...rule }]);
  await faults({ route: '^POST /oauth/tokens', kind: 'tokenShort', lifeSeconds: 3 });
  const short = await mint({ expires_in: 600 });
  const long = await by({ expires_in: 600 });
  expect(short.body.expires_in).toBe(599);
  seconds(3);
  expect((await me(`Bearer ${short.body.access_token}`)).status).toBe(401);
  expect((await me(long)).status).toBe(200);
  await faults({ route: '^POST /oauth/tokens', kind: 'tokenUntold' });
  expect((await mint({ expires_in: 600 })).body).not.toHaveProperty('expires_in');
  expect((await mint({ expires_in: 600 })).body.expires_in).toBe(599);
  await faults({ route: '/api/v2/', kind: 'tokenRevoked' });
  expect((await me(`Bearer ${sandbox.bearer(ANN)}`)).status).toBe(200);
  expect((await me(long)).status).toBe(401);
});

describe('credentials at the API', () => {
  test('a token that is unknown, revoked or past its end', async () => {
    const [revoked, ended] = [await by(), await by()];
    sandbox.oauth.tokens.revoke(({ value }) => `Bearer ${value}` === revoked);
    expect((await me(ended)).status).toBe(200);
    seconds(1_800);
    for (const token of ['Bearer nonsense', revoked, ended]) {
      for (const path of ['/users/me', '/tickets/1']) {
        const { status, headers, body } = await call('GET', path, token);
        expect([status, body]).toEqual([401, { error: 'invalid_token', error_description: INVALID_TOKEN }]);
        expect(headers.get('www-authenticate')).toBe(
          `Bearer realm="Zendesk::OAuth Bearer Token Authentication", error="invalid_token", error_description="${INVALID_TOKEN}"`,
        );
      }
    }
  });

  test('nobody: without credentials, or by a password', async () => {
    for (const given of [undefined, basic(`${ANN}:password`), 'nonsense']) {
      const { status, body } = await me(given);
      expect([status, body.user]).toEqual([200, { id: null, name: 'Anonymous user' }]);
      for (const path of ['/tickets', '/users/1', '/oauth/tokens/current']) {
        const refused = await call('GET', path, given);
        expect([refused.status, refused.body]).toEqual([401, { error: "Couldn't authenticate you" }]);
      }
    }
  });

  test('an API token acts as any agent, and is refused where the account takes none', async () => {
    const given = () => basic(`${BOB}/token:${sandbox.apiToken}`);
    const settings = async () => (await call('GET', '/account/settings', await by())).body['settings'];
    await restart({ apiTokens: true });
    expect((await me(given())).body.user.email).toBe(BOB);
    expect(await settings()).toEqual({
      api: { accepted_api_agreement: true, api_password_access: 'false', api_token_access: 'true' },
    });
    sandbox.store.addUser({ name: 'Eve', email: 'eve@example.com', role: 'end-user' });
    for (const wrong of [
      `${BOB}/token:nonsense`,
      `eve@example.com/token:${sandbox.apiToken}`,
      `nobody@example.com/token:${sandbox.apiToken}`,
    ]) {
      const { status, body } = await me(basic(wrong));
      expect([status, body]).toEqual([401, { error: "Couldn't authenticate you" }]);
    }
    await restart({});
    for (const path of ['/users/me', '/tickets']) {
      const { status, body } = await call('GET', path, given());
      expect([status, body]).toEqual([401, { error: "Couldn't authenticate you" }]);
    }
    expect(await settings()).toMatchObject({ api: { api_token_access: 'false' } });
  });

  test('calls are counted for the user of the token', async () => {
    await me(await by());
    const { calls } = (await control('GET', '/stats')).body as unknown as { calls: object[] };
    expect(calls).toEqual([
      { user: 'nobody', method: 'POST', route: '/oauth/tokens', status: 200, count: 1 },
      { user: sandbox.adminEmail, method: 'GET', route: '/api/v2/users/me', status: 200, count: 1 },
    ]);
  });

  test('the account’s clock may be wrong', async () => {
    sandbox.oauth.set({ clockSkewSeconds: 86_400 });
    const token = await by({ expires_in: 600 });
    const { headers, body } = await call('GET', '/oauth/tokens/current', token);
    expect(Date.parse(headers.get('date') ?? '') - Date.now()).toBeGreaterThan(86_000_000);
    expect(body['token']).toMatchObject({ expires_at: '2026-11-30T00:10:00Z' });
  });
});

async function restart(options: Parameters<typeof startZendeskSandbox>[0]): Promise<void> {
  await sandbox.close();
  sandbox = await startZendeskSandbox({ ...NO_LIMITS, clock: () => now, ...options });
}

describe('scopes of calls', () => {
  const ticket = { ticket: { comment: { body: 'It smokes' } } };
  const webhook = { webhook: { name: 'w', endpoint: 'http://127.0.0.1:9', subscriptions: [] } };

  test.each([
    ['GET', '/tickets', 'tickets:read', 'users:read', 'tickets:read, read'],
    ['GET', '/tickets', 'read', 'write', 'tickets:read, read'],
    ['POST', '/tickets', 'tickets:write', 'read', 'tickets:write, write'],
    ['POST', '/tickets', 'write', 'tickets:read', 'tickets:write, write'],
    ['GET', '/tickets/1/comments', 'tickets:read', 'write', 'tickets:read, read'],
    ['GET', '/tickets/1/audits', 'read', 'tickets:read', 'read'],
    ['GET', '/incremental/tickets/cursor?start_time=1', 'tickets:read', 'users:read', 'tickets:read, read'],
    ['GET', '/incremental/ticket_events?start_time=1', 'read', 'tickets:read', 'read'],
    ['GET', '/incremental/users?start_time=1', 'users:read', 'tickets:read', 'users:read, read'],
    [
      'GET',
      '/incremental/organizations?start_time=1',
      'organizations:read',
      'tickets:read',
      'organizations:read, read',
    ],
    ['PUT', '/comment_redactions/1', 'tickets:write', 'read', 'tickets:write, write'],
    [
      'POST',
      '/uploads?filename=a',
      'ticket_attachments:write',
      'tickets:write',
      'ticket_attachments:write, write',
    ],
    ['GET', '/attachments/1', 'ticket_attachments:read', 'tickets:read', 'ticket_attachments:read, read'],
    ['GET', '/users', 'users:read', 'tickets:read', 'users:read, read'],
    ['POST', '/users/create_or_update', 'users:write', 'users:read', 'users:write, write'],
    ['GET', '/organizations', 'organizations:read', 'users:read', 'organizations:read, read'],
    ['POST', '/organizations', 'organizations:write', 'read', 'organizations:write, write'],
    ['GET', '/groups', 'groups:read', 'users:read', 'groups:read, read'],
    ['GET', '/webhooks', 'webhooks:read', 'tickets:read', 'webhooks:read, read'],
    ['POST', '/webhooks', 'webhooks:write', 'read', 'webhooks:write, write'],
    ['GET', '/account/settings', 'account_settings:read', 'users:read', 'account_settings:read, read'],
    ['GET', '/ticket_fields', 'read', 'tickets:read', 'read'],
    ['GET', '/organization_fields', 'read', 'organizations:read', 'read'],
    ['GET', '/search?query=x', 'read', 'tickets:read', 'read'],
    ['GET', '/job_statuses', 'read', 'tickets:read', 'read'],
    ['GET', '/oauth/tokens/current', 'read', 'write', 'read'],
    ['DELETE', '/oauth/tokens/current', 'write', 'read', 'write'],
  ])('%s %s is allowed by %s, not by %s', async (method, path, enough, tooLittle, named) => {
    const body = path === '/tickets' ? ticket : path === '/webhooks' ? webhook : {};
    const send = async (scope: string) =>
      call(method, path, await by({ scope }), method === 'GET' || method === 'DELETE' ? undefined : body);
    expect((await send(enough)).status).not.toBe(403);
    const refused = await send(tooLittle);
    expect([refused.status, refused.body]).toEqual([
      403,
      { error: 'Forbidden', description: `You are missing the following required scopes: ${named}` },
    ]);
  });

  test('a token without any scope may do nothing', async () => {
    expect((await me(await by({ scope: 'nonsense' }))).status).toBe(403);
  });
});

describe('roles', () => {
  const bob = () => `Bearer ${sandbox.bearer(BOB)}`;
  const forbidden = {
    error: {
      title: 'Forbidden',
      message:
        'You do not have access to this page. Please contact the account owner of this help desk for further help.',
    },
  };
  const status = async (path: string, method = 'GET', body?: unknown) => {
    const answer = await call(method, path, bob(), body);
    if (answer.status === 403) expect(answer.body).toEqual(forbidden);
    return answer.status;
  };

  test('exports, webhooks, triggers and clients are for administrators', async () => {
    const at = '?start_time=1';
    for (const name of ['tickets/cursor', 'tickets', 'users', 'organizations', 'ticket_events'])
      expect(await status(`/incremental/${name}${at}`)).toBe(403);
    for (const path of ['/webhooks', '/oauth/clients']) expect(await status(path)).toBe(403);
    expect(await status('/triggers', 'POST', { trigger: {} })).toBe(403);
    expect(await status('/tickets')).toBe(200);
    expect(await status('/triggers')).toBe(200);
  });

  test('an agent writes no organization but its notes', async () => {
    const { id } = sandbox.store.userByEmail.get(ANN) ?? { id: 0 };
    const organization = sandbox.organizations.create({ name: 'Acme' }, id);
    const path = `/organizations/${organization.id}`;
    expect(await status('/organizations', 'POST', { organization: { name: 'Other' } })).toBe(403);
    expect(await status('/organizations/create_many', 'POST', { organizations: [] })).toBe(403);
    expect(await status(path, 'PUT', { organization: { name: 'Other', notes: 'n' } })).toBe(403);
    expect(await status(path, 'DELETE')).toBe(403);
    expect(await status(path, 'PUT', { organization: { notes: 'call first' } })).toBe(200);
    expect(sandbox.organizations.get(organization.id)).toMatchObject({ name: 'Acme', notes: 'call first' });
  });

  test('an API token has the rights of its agent, too', async () => {
    await restart({ apiTokens: true });
    const answer = await call('GET', '/webhooks', basic(`${BOB}/token:${sandbox.apiToken}`));
    expect([answer.status, answer.body]).toEqual([403, forbidden]);
  });
});

describe('tokens', () => {
  test('current shows what a token may, and when it ends', async () => {
    const { access_token: token } = (await mint({ expires_in: 600, scope: 'read' })).body;
    const { body } = await call('GET', '/oauth/tokens/current.json', `Bearer ${token}`);
    const owner = sandbox.store.userByEmail.get(sandbox.adminEmail);
    expect(body['token']).toEqual({
      id: expect.any(Number) as unknown,
      url: expect.stringContaining('/api/v2/oauth/tokens/') as unknown,
      client_id: sandbox.oauth.clients.byIdentifier(sandbox.clientId)?.id,
      user_id: owner?.id,
      scopes: ['read'],
      token: token.slice(0, 10),
      created_at: '2026-11-29T00:00:00Z',
      expires_at: '2026-11-29T00:10:00Z',
      used_at: '2026-11-29T00:00:00Z',
    });
    sandbox.oauth.change({ isNew: false });
    const endless = await call('GET', '/oauth/tokens/current', await by());
    expect(endless.body['token']).toMatchObject({ expires_at: null });
  });

  test('are revoked by id or by themselves, at once; the others live on', async () => {
    const [one, two, three] = [await by(), await by(), await by()];
    const { body } = await call('GET', '/oauth/tokens/current', one);
    const { id } = body['token'] as { id: number };
    expect((await call('DELETE', `/oauth/tokens/${id}`, two)).status).toBe(204);
    expect((await call('DELETE', `/oauth/tokens/${id}`, two)).status).toBe(404);
    expect((await call('DELETE', '/oauth/tokens/current', two)).status).toBe(204);
    expect([(await me(one)).status, (await me(two)).status, (await me(three)).status]).toEqual([
      401, 401, 200,
    ]);
  });

  test('an agent revokes no one else’s', async () => {
    const { body } = await call('GET', '/oauth/tokens/current', await by());
    const { id } = body['token'] as { id: number };
    expect((await call('DELETE', `/oauth/tokens/${id}`, `Bearer ${sandbox.bearer(BOB)}`)).status).toBe(404);
  });

  test.each([
    ['demoted', { role: 'agent' }],
    ['suspended', { suspended: true }],
  ])('die when their user is %s, also if that is taken back', async (_name, change) => {
    const token = await by();
    const { id } = sandbox.store.userByEmail.get(sandbox.adminEmail) ?? { id: 0 };
    const ann = `Bearer ${sandbox.bearer(ANN)}`;
    expect((await call('PUT', `/users/${id}`, ann, { user: change })).status).toBe(200);
    expect((await me(token)).status).toBe(401);
    await call('PUT', `/users/${id}`, ann, { user: { role: 'admin', suspended: false } });
    expect((await me(token)).status).toBe(401);
    expect((await me(await by())).status).toBe(200);
  });

  test('a client whose owner is deleted mints no more; by a switch, dead tokens', async () => {
    const token = await by();
    const { id } = sandbox.store.userByEmail.get(sandbox.adminEmail) ?? { id: 0 };
    await call('DELETE', `/users/${id}`, `Bearer ${sandbox.bearer(ANN)}`);
    expect((await me(token)).status).toBe(401);
    expect(refusal(await mint())).toEqual([401, 'invalid_client']);
    sandbox.oauth.set({ lostOwnerMints: true });
    expect((await me(await by())).status).toBe(401);
  });

  test('of people: all that the person may, without an end; apart from those of the service', async () => {
    const token = sandbox.bearer('Bob@sandbox.example');
    expect(sandbox.bearer(BOB)).toBe(token);
    sandbox.oauth.revokeTokens();
    sandbox.oauth.set({ endAfterSeconds: 1 });
    seconds(400 * 86_400);
    expect((await me(`Bearer ${token}`)).body.user.email).toBe(BOB);
    sandbox.oauth.destroyTokensOf(sandbox.store.userByEmail.get(BOB)?.id ?? 0);
    expect((await me(`Bearer ${token}`)).status).toBe(401);
    expect((await me(`Bearer ${sandbox.bearer(BOB)}`)).status).toBe(200);
    expect(() => sandbox.bearer('nobody@example.com')).toThrow('nobody@example.com: found no agent');
  });
});

describe('clients', () => {
  const ann = () => `Bearer ${sandbox.bearer(ANN)}`;
  const clients = async (path = '/oauth/clients') =>
    (await call('GET', path, ann())).body['clients'] as { id: number; identifier: string; secret: string }[];

  test('are made, shown, changed and deleted; the secret is whole once', async () => {
    const client = { name: 'Sync', identifier: 'my_sync' };
    const made = await call('POST', '/oauth/clients', ann(), { client });
    expect(made.status).toBe(201);
    const { id, secret, ...rest } = made.body['client'] as { id: number; secret: string };
    expect(rest).toMatchObject({ ...client, kind: 'confidential', redirect_uri: [], global: false });
    const shown = (await clients('/users/me/oauth/clients')).find((each) => each.id === id);
    expect(shown?.secret).toBe(secret.slice(0, 9));
    const credentials = { client_id: 'my_sync', client_secret: secret };
    const token = await by(credentials);
    expect((await me(token)).body.user.email).toBe(ANN);
    const twice = await call('POST', '/oauth/clients', ann(), { client });
    expect(twice.status).toBe(422);

    const path = `/oauth/clients/${id}`;
    await call('PUT', path, ann(), { client: { kind: 'public' } });
    expect(refusal(await mint(credentials))).toEqual([400, 'unauthorized_client']);
    await call('PUT', path, ann(), { client: { kind: 'confidential' } });
    const rotated = (await call('PUT', `${path}/generate_secret`, ann())).body['client'];
    const { secret: next } = rotated as { secret: string };
    expect(refusal(await mint(credentials))).toEqual([401, 'invalid_client']);
    expect((await mint({ ...credentials, client_secret: next })).status).toBe(200);

    expect((await call('DELETE', path, ann())).status).toBe(204);
    expect((await call('GET', path, ann())).status).toBe(404);
    expect((await me(token)).status).toBe(401);
  });
});

describe('for tests', () => {
  test('each mint is on record, without a credential', async () => {
    await mint({ scope: 'read', expires_in: 600 });
    await mintForm({});
    await mint({ client_secret: 'wrong' });
    const none = { scopeAsked: null, scope: 'read write', expiresInAsked: null, expiresIn: null };
    expect(sandbox.oauth.mints).toMatchObject([
      {
        client: sandbox.clientId,
        scopeAsked: 'read',
        scope: 'read',
        expiresInAsked: 600,
        expiresIn: 599,
        contentType: 'application/json',
      },
      { ...none, contentType: 'application/x-www-form-urlencoded' },
    ]);
    expect(sandbox.oauth.mints).toHaveLength(2);
    const { body } = await control('GET', '/oauth');
    expect(body['mints']).toEqual(sandbox.oauth.mints);
    const told = JSON.stringify(body);
    expect(told).not.toContain(sandbox.clientSecret);
    for (const { value } of sandbox.oauth.tokens.list()) expect(told).not.toContain(value);
  });

  test('everything can be steered over HTTP', async () => {
    const client = `/oauth/clients/${sandbox.clientId}`;
    const token = await by();
    await control('PUT', '/oauth', { omitExpiresIn: true, status: 201 });
    const { status, body } = await mint({ expires_in: 600 });
    expect([status, body.expires_in]).toEqual([201, undefined]);
    await control('PUT', client, { allowedScopes: ['read'] });
    expect(refusal(await mint({ scope: 'write' }))).toEqual([400, 'invalid_scope']);
    const { secret } = (await control('POST', `${client}/secret`)).body as unknown as { secret: string };
    expect((await mint({ client_secret: secret })).status).toBe(201);

    const [first] = sandbox.oauth.tokens.list();
    expect((await control('DELETE', `/oauth/tokens/${first?.id}`)).body).toEqual({ revoked: 1 });
    expect((await me(token)).status).toBe(401);
    const gone = await control('DELETE', `/oauth/tokens?client=${sandbox.clientId}`);
    expect(gone.body).toEqual({ revoked: 2 });
    const made = (await control('POST', '/oauth/bearers', { email: BOB })).body as unknown as {
      token: string;
    };
    expect(made.token).toBe(sandbox.bearer(BOB));
    expect((await control('DELETE', `/oauth/tokens?email=${BOB}`)).body).toEqual({ revoked: 1 });
    expect((await control('PUT', '/oauth', { status: 204 })).status).toBe(400);
    expect((await control('PUT', '/oauth/clients/unknown', {})).status).toBe(404);
  });

  test('identifier and secret can be given', async () => {
    await restart({ clientId: 'mine', clientSecret: 'chosen' });
    expect((await mint({ client_id: 'mine', client_secret: 'chosen' })).status).toBe(200);
  });
});
