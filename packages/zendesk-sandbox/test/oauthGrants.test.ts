import { ANN, basic, refusal, useOAuthSandbox } from './support/oauthRig';

/** What Zendesk says of credentials; the rules are in zendesk-oauth.md. */
const o = useOAuthSandbox();

describe('grant', () => {
  test('a token acts as the user who owns the client', async () => {
    const { status, headers, body } = await o.mint({ expires_in: 1800, scope: 'tickets:read users:read' });
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('content-type')).toMatch(/^application\/json/);
    expect(body).toEqual({
      access_token: expect.stringMatching(/^\w{32,}$/) as unknown,
      token_type: 'bearer',
      scope: 'tickets:read users:read',
      expires_in: 1799,
    });
    const answer = await o.me(`Bearer ${body.access_token}`);
    expect(answer.body.user).toMatchObject({ email: o.sandbox.adminEmail, role: 'admin' });
  });

  test('the token endpoint is not below the path of the API', async () => {
    expect((await o.call('POST', '/oauth/tokens', await o.by(), o.usual())).status).toBe(404);
  });

  test.each(['application/x-www-form-urlencoded', 'application/x-www-form-urlencoded;charset=UTF-8'])(
    'parameters are read from a form, as %s',
    async (type) => {
      const { status, body } = await o.mintForm({ expires_in: '600', scope: 'read write' }, type);
      expect([status, body.scope, body.expires_in]).toEqual([200, 'read write', 599]);
    },
  );

  test('JSON may name its character set; parameters in any other content type are ignored', async () => {
    const { status } = await o.ask(JSON.stringify(o.usual()), {
      'content-type': 'application/json; charset=utf-8',
    });
    expect(status).toBe(200);
    const other = await o.ask(JSON.stringify(o.usual()), { 'content-type': 'text/plain' });
    expect(refusal(other)).toEqual([400, 'invalid_request']);
  });

  test('the answer contains expires_in only if the call asked for it', async () => {
    expect(Object.keys((await o.mint()).body)).toEqual(['access_token', 'token_type', 'scope']);
  });

  test('a switch omits expires_in although the call asked for it', async () => {
    o.sandbox.oauth.set({ omitExpiresIn: true });
    expect((await o.mint({ expires_in: 600 })).body).not.toHaveProperty('expires_in');
  });

  test('a switch makes the answer a 201', async () => {
    o.sandbox.oauth.set({ status: 201 });
    expect((await o.mint()).status).toBe(201);
  });

  test('a switch makes tokens longer, in the form of a JWT', async () => {
    o.sandbox.oauth.set({ tokenShape: 'jwt' });
    const { access_token: token } = (await o.mint()).body;
    const [head = ''] = token.split('.');
    expect(JSON.parse(Buffer.from(head, 'base64url').toString())).toMatchObject({ typ: 'at+jwt' });
    expect(token.length).toBeGreaterThan(1_000);
    expect((await o.me(`Bearer ${token}`)).status).toBe(200);
  });

  test('several tokens are valid at the same time', async () => {
    const tokens = [await o.by(), await o.by(), await o.by()];
    for (const token of tokens) expect((await o.me(token)).status).toBe(200);
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
    expect(refusal(await o.mint({ expires_in: given }))).toEqual(expected);
  });

  test('a token ends when its expires_in has passed', async () => {
    const token = await o.by({ expires_in: 600 });
    o.seconds(599);
    expect((await o.me(token)).status).toBe(200);
    o.seconds(1);
    expect((await o.me(token)).status).toBe(401);
  });

  test('a new client’s tokens last 1,800 seconds by default; those of a client from before April 2026 do not end', async () => {
    const today = await o.by();
    o.sandbox.oauth.change({ isNew: false });
    const [old, asked] = [await o.by(), await o.by({ expires_in: 300 })];
    o.seconds(1_799);
    expect((await o.me(today)).status).toBe(200);
    expect((await o.me(asked)).status).toBe(401);
    o.seconds(1);
    expect((await o.me(today)).status).toBe(401);
    o.seconds(400 * 86_400);
    expect((await o.me(old)).status).toBe(200);
  });

  test('a switch ends tokens before their promised end', async () => {
    o.sandbox.oauth.set({ endAfterSeconds: 5 });
    const { body } = await o.mint({ expires_in: 3600 });
    expect(body.expires_in).toBe(3599);
    o.seconds(5);
    expect((await o.me(`Bearer ${body.access_token}`)).status).toBe(401);
  });
});

describe('scopes of a grant', () => {
  const granted = async (scope?: unknown) => (await o.mint({ scope })).body.scope;

  test('by default, a token has read and write, or the allowed scopes', async () => {
    expect(await granted()).toBe('read write');
    expect(await granted('')).toBe('read write');
    o.sandbox.oauth.change({ allowedScopes: ['tickets:read', 'read'] });
    expect(await granted()).toBe('tickets:read read');
  });

  test('without allowed scopes, unknown scopes are dropped without an error', async () => {
    expect(await granted('read tickets:wirte users:write')).toBe('read users:write');
    expect(await granted('tickets:wirte')).toBe('');
  });

  test('a scope in a list, or under another parameter name, is ignored without an error', async () => {
    expect(await granted(['read'])).toBe('read write');
    expect((await o.mint({ scopes: 'read' })).body.scope).toBe('read write');
  });

  test('a scope that is not allowed is refused', async () => {
    o.sandbox.oauth.change({ allowedScopes: ['read', 'tickets:write'] });
    expect(await granted('read tickets:write')).toBe('read tickets:write');
    expect(refusal(await o.mint({ scope: 'read write' }))).toEqual([400, 'invalid_scope']);
    expect(refusal(await o.mint({ scope: 'read tickets:wirte' }))).toEqual([400, 'invalid_scope']);
  });
});

describe('refused grants', () => {
  const missing = (name: string) => o.mint({ [name]: undefined });

  test('a wrong or missing secret, an unknown client and a numeric id are refused', async () => {
    const id = o.sandbox.oauth.clients.byIdentifier(o.sandbox.clientId)?.id;
    for (const answer of [
      await o.mint({ client_secret: 'wrong' }),
      await missing('client_secret'),
      await o.mint({ client_id: 'unknown' }),
      await o.mint({ client_id: id }),
    ]) {
      expect(refusal(answer)).toEqual([401, 'invalid_client']);
      expect(answer.body.error_description).toMatch(/^The client identifier provided is invalid, /);
      expect(answer.headers.get('www-authenticate')).toBe('Basic realm="OAuth2 Token Endpoint"');
      expect(answer.headers.get('cache-control')).toBe('no-store');
    }
  });

  test('a switch omits WWW-Authenticate, at the token endpoint and at the API', async () => {
    o.sandbox.oauth.set({ challenge: false });
    const answers = [await o.mint({ client_secret: 'wrong' }), await o.me('Bearer nonsense')];
    for (const { status, headers } of answers)
      expect([status, headers.get('www-authenticate')]).toEqual([401, null]);
  });

  test('HTTP Basic is accepted only under a switch', async () => {
    const { clientId, clientSecret } = o.sandbox;
    const headers = {
      'content-type': 'application/json',
      authorization: basic(`${clientId}:${clientSecret}`),
    };
    const body = JSON.stringify({ grant_type: 'client_credentials' });
    expect(refusal(await o.ask(body, headers))).toEqual([400, 'invalid_request']);
    o.sandbox.oauth.set({ basicAuth: true });
    expect((await o.ask(body, headers)).status).toBe(200);
  });

  test('a public client is refused', async () => {
    o.sandbox.oauth.change({ kind: 'public' });
    expect(refusal(await o.mint())).toEqual([400, 'unauthorized_client']);
  });

  test.each([
    ['password', 'unsupported_grant_type'],
    ['refresh_token', 'invalid_grant'],
    ['authorization_code', 'invalid_grant'],
  ])('the grant_type %s is refused', async (given, error) => {
    expect(refusal(await o.mint({ grant_type: given }))).toEqual([400, error]);
  });

  test.each(['grant_type', 'client_id'])('a request without %s is refused', async (name) => {
    const answer = await missing(name);
    expect(refusal(answer)).toEqual([400, 'invalid_request']);
    expect(answer.body.error_description).toContain(`'${name}'`);
  });

  test('after a rotation, the former secret is refused at once, and tokens stay valid', async () => {
    const token = await o.by();
    const secret = o.sandbox.oauth.rotateSecret();
    expect(refusal(await o.mint())).toEqual([401, 'invalid_client']);
    expect((await o.mint({ client_secret: secret })).status).toBe(200);
    expect((await o.me(token)).status).toBe(200);
  });

  test('faults affect the token endpoint: 429, 503, an HTML page, and slowness', async () => {
    const faults = (rule: object) =>
      o.control('PUT', '/faults', [{ route: '^POST /oauth/tokens', times: 1, ...rule }]);
    await faults({ kind: 'status', status: 429, retryAfterSeconds: 7 });
    const limited = await o.mint();
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '7']);
    await faults({ kind: 'status', status: 503 });
    expect((await o.mint()).status).toBe(503);
    await faults({ kind: 'html', status: 502 });
    const page = await o.mint();
    expect([page.status, page.headers.get('content-type')]).toEqual([502, 'text/html; charset=utf-8']);
    await faults({ kind: 'delay', delayMs: 30 });
    expect((await o.mint()).status).toBe(200);
    expect((await o.control('GET', '/faults')).body['struck']).toEqual({ status: 2, html: 1, delay: 1 });
  });
});

test('faults affect single grants and calls: a short life, a missing expires_in, a revocation', async () => {
  const faults = (rule: object) => o.control('PUT', '/faults', [{ times: 1, ...rule }]);
  await faults({ route: '^POST /oauth/tokens', kind: 'tokenShort', lifeSeconds: 3 });
  const short = await o.mint({ expires_in: 600 });
  const long = await o.by({ expires_in: 600 });
  expect(short.body.expires_in).toBe(599);
  o.seconds(3);
  expect((await o.me(`Bearer ${short.body.access_token}`)).status).toBe(401);
  expect((await o.me(long)).status).toBe(200);
  await faults({ route: '^POST /oauth/tokens', kind: 'tokenUntold' });
  expect((await o.mint({ expires_in: 600 })).body).not.toHaveProperty('expires_in');
  expect((await o.mint({ expires_in: 600 })).body.expires_in).toBe(599);
  await faults({ route: '/api/v2/', kind: 'tokenRevoked' });
  expect((await o.me(`Bearer ${o.sandbox.bearer(ANN)}`)).status).toBe(200);
  expect((await o.me(long)).status).toBe(401);
});
