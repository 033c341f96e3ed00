import { ANN, BOB, INVALID_TOKEN, basic, refusal, useOAuthSandbox } from './support/oauthRig';

/** What Zendesk says of credentials; the rules are in zendesk-oauth.md. */
const o = useOAuthSandbox();

describe('credentials at the API', () => {
  test('an unknown, revoked or expired token is refused', async () => {
    const [revoked, ended] = [await o.by(), await o.by()];
    o.sandbox.oauth.tokens.revoke(({ value }) => `Bearer ${value}` === revoked);
    expect((await o.me(ended)).status).toBe(200);
    o.seconds(1_800);
    for (const token of ['Bearer nonsense', revoked, ended]) {
      for (const path of ['/users/me', '/tickets/1']) {
        const { status, headers, body } = await o.call('GET', path, token);
        expect([status, body]).toEqual([401, { error: 'invalid_token', error_description: INVALID_TOKEN }]);
        expect(headers.get('www-authenticate')).toBe(
          `Bearer realm="Zendesk::OAuth Bearer Token Authentication", error="invalid_token", error_description="${INVALID_TOKEN}"`,
        );
      }
    }
  });

  test('a call without credentials, or with a password, is refused', async () => {
    for (const given of [undefined, basic(`${ANN}:password`), 'nonsense']) {
      const { status, body } = await o.me(given);
      expect([status, body.user]).toEqual([200, { id: null, name: 'Anonymous user' }]);
      for (const path of ['/tickets', '/users/1', '/oauth/tokens/current']) {
        const refused = await o.call('GET', path, given);
        expect([refused.status, refused.body]).toEqual([401, { error: "Couldn't authenticate you" }]);
      }
    }
  });

  test('an API token acts as any agent, and is refused if the account allows none', async () => {
    const given = () => basic(`${BOB}/token:${o.sandbox.apiToken}`);
    const settings = async () => (await o.call('GET', '/account/settings', await o.by())).body['settings'];
    await o.restart({ apiTokens: true });
    expect((await o.me(given())).body.user.email).toBe(BOB);
    expect(await settings()).toEqual({
      api: { accepted_api_agreement: true, api_password_access: 'false', api_token_access: 'true' },
    });
    o.sandbox.store.addUser({ name: 'Eve', email: 'eve@example.com', role: 'end-user' });
    for (const wrong of [
      `${BOB}/token:nonsense`,
      `eve@example.com/token:${o.sandbox.apiToken}`,
      `nobody@example.com/token:${o.sandbox.apiToken}`,
    ]) {
      const { status, body } = await o.me(basic(wrong));
      expect([status, body]).toEqual([401, { error: "Couldn't authenticate you" }]);
    }
    await o.restart({});
    for (const path of ['/users/me', '/tickets']) {
      const { status, body } = await o.call('GET', path, given());
      expect([status, body]).toEqual([401, { error: "Couldn't authenticate you" }]);
    }
    expect(await settings()).toMatchObject({ api: { api_token_access: 'false' } });
  });

  test('calls are counted for the user of the token', async () => {
    await o.me(await o.by());
    const { calls } = (await o.control('GET', '/stats')).body as unknown as { calls: object[] };
    expect(calls).toEqual([
      { user: 'nobody', method: 'POST', route: '/oauth/tokens', status: 200, count: 1 },
      { user: o.sandbox.adminEmail, method: 'GET', route: '/api/v2/users/me', status: 200, count: 1 },
    ]);
  });

  test('the account’s clock may differ from the real time', async () => {
    o.sandbox.oauth.set({ clockSkewSeconds: 86_400 });
    const token = await o.by({ expires_in: 600 });
    const { headers, body } = await o.call('GET', '/oauth/tokens/current', token);
    expect(Date.parse(headers.get('date') ?? '') - Date.now()).toBeGreaterThan(86_000_000);
    expect(body['token']).toMatchObject({ expires_at: '2026-11-30T00:10:00Z' });
  });
});

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
      o.call(method, path, await o.by({ scope }), method === 'GET' || method === 'DELETE' ? undefined : body);
    expect((await send(enough)).status).not.toBe(403);
    const refused = await send(tooLittle);
    expect([refused.status, refused.body]).toEqual([
      403,
      { error: 'Forbidden', description: `You are missing the following required scopes: ${named}` },
    ]);
  });

  test('a token without any scope allows nothing', async () => {
    expect((await o.me(await o.by({ scope: 'nonsense' }))).status).toBe(403);
  });
});

describe('roles', () => {
  const bob = () => `Bearer ${o.sandbox.bearer(BOB)}`;
  const forbidden = {
    error: {
      title: 'Forbidden',
      message:
        'You do not have access to this page. Please contact the account owner of this help desk for further help.',
    },
  };
  const status = async (path: string, method = 'GET', body?: unknown) => {
    const answer = await o.call(method, path, bob(), body);
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

  test('an agent can write only the notes of an organization', async () => {
    const { id } = o.sandbox.store.userByEmail.get(ANN) ?? { id: 0 };
    const organization = o.sandbox.organizations.create({ name: 'Acme' }, id);
    const path = `/organizations/${organization.id}`;
    expect(await status('/organizations', 'POST', { organization: { name: 'Other' } })).toBe(403);
    expect(await status('/organizations/create_many', 'POST', { organizations: [] })).toBe(403);
    expect(await status(path, 'PUT', { organization: { name: 'Other', notes: 'n' } })).toBe(403);
    expect(await status(path, 'DELETE')).toBe(403);
    expect(await status(path, 'PUT', { organization: { notes: 'call first' } })).toBe(200);
    expect(o.sandbox.organizations.get(organization.id)).toMatchObject({ name: 'Acme', notes: 'call first' });
  });

  test('an API token has the rights of its agent, too', async () => {
    await o.restart({ apiTokens: true });
    const answer = await o.call('GET', '/webhooks', basic(`${BOB}/token:${o.sandbox.apiToken}`));
    expect([answer.status, answer.body]).toEqual([403, forbidden]);
  });
});

describe('tokens', () => {
  test('the call "current" shows the rights and the expiry of a token', async () => {
    const { access_token: token } = (await o.mint({ expires_in: 600, scope: 'read' })).body;
    const { body } = await o.call('GET', '/oauth/tokens/current.json', `Bearer ${token}`);
    const owner = o.sandbox.store.userByEmail.get(o.sandbox.adminEmail);
    expect(body['token']).toEqual({
      id: expect.any(Number) as unknown,
      url: expect.stringContaining('/api/v2/oauth/tokens/') as unknown,
      client_id: o.sandbox.oauth.clients.byIdentifier(o.sandbox.clientId)?.id,
      user_id: owner?.id,
      scopes: ['read'],
      token: token.slice(0, 10),
      created_at: '2026-11-29T00:00:00Z',
      expires_at: '2026-11-29T00:10:00Z',
      used_at: '2026-11-29T00:00:00Z',
    });
    o.sandbox.oauth.change({ isNew: false });
    const endless = await o.call('GET', '/oauth/tokens/current', await o.by());
    expect(endless.body['token']).toMatchObject({ expires_at: null });
  });

  test('are revoked at once, by id or by themselves; the other tokens stay valid', async () => {
    const [one, two, three] = [await o.by(), await o.by(), await o.by()];
    const { body } = await o.call('GET', '/oauth/tokens/current', one);
    const { id } = body['token'] as { id: number };
    expect((await o.call('DELETE', `/oauth/tokens/${id}`, two)).status).toBe(204);
    expect((await o.call('DELETE', `/oauth/tokens/${id}`, two)).status).toBe(404);
    expect((await o.call('DELETE', '/oauth/tokens/current', two)).status).toBe(204);
    expect([(await o.me(one)).status, (await o.me(two)).status, (await o.me(three)).status]).toEqual([
      401, 401, 200,
    ]);
  });

  test('an agent cannot revoke the token of another person', async () => {
    const { body } = await o.call('GET', '/oauth/tokens/current', await o.by());
    const { id } = body['token'] as { id: number };
    expect((await o.call('DELETE', `/oauth/tokens/${id}`, `Bearer ${o.sandbox.bearer(BOB)}`)).status).toBe(
      404,
    );
  });

  test.each([
    ['demoted', { role: 'agent' }],
    ['suspended', { suspended: true }],
  ])('end when their user is %s, and stay ended if that is undone', async (_name, change) => {
    const token = await o.by();
    const { id } = o.sandbox.store.userByEmail.get(o.sandbox.adminEmail) ?? { id: 0 };
    const ann = `Bearer ${o.sandbox.bearer(ANN)}`;
    expect((await o.call('PUT', `/users/${id}`, ann, { user: change })).status).toBe(200);
    expect((await o.me(token)).status).toBe(401);
    await o.call('PUT', `/users/${id}`, ann, { user: { role: 'admin', suspended: false } });
    expect((await o.me(token)).status).toBe(401);
    expect((await o.me(await o.by())).status).toBe(200);
  });

  test('a client whose owner is deleted mints no more tokens; by a switch, it mints dead ones', async () => {
    const token = await o.by();
    const { id } = o.sandbox.store.userByEmail.get(o.sandbox.adminEmail) ?? { id: 0 };
    await o.call('DELETE', `/users/${id}`, `Bearer ${o.sandbox.bearer(ANN)}`);
    expect((await o.me(token)).status).toBe(401);
    expect(refusal(await o.mint())).toEqual([401, 'invalid_client']);
    o.sandbox.oauth.set({ lostOwnerMints: true });
    expect((await o.me(await o.by())).status).toBe(401);
  });

  test('of people have all rights of the person and no expiry, and are separate from the service’s tokens', async () => {
    const token = o.sandbox.bearer('Bob@sandbox.example');
    expect(o.sandbox.bearer(BOB)).toBe(token);
    o.sandbox.oauth.revokeTokens();
    o.sandbox.oauth.set({ endAfterSeconds: 1 });
    o.seconds(400 * 86_400);
    expect((await o.me(`Bearer ${token}`)).body.user.email).toBe(BOB);
    o.sandbox.oauth.destroyTokensOf(o.sandbox.store.userByEmail.get(BOB)?.id ?? 0);
    expect((await o.me(`Bearer ${token}`)).status).toBe(401);
    expect((await o.me(`Bearer ${o.sandbox.bearer(BOB)}`)).status).toBe(200);
    expect(() => o.sandbox.bearer('nobody@example.com')).toThrow('nobody@example.com: found no agent');
  });
});

describe('clients', () => {
  const ann = () => `Bearer ${o.sandbox.bearer(ANN)}`;
  const clients = async (path = '/oauth/clients') =>
    (await o.call('GET', path, ann())).body['clients'] as {
      id: number;
      identifier: string;
      secret: string;
    }[];

  test('are created, shown, changed and deleted; the secret is shown in full once', async () => {
    const client = { name: 'Sync', identifier: 'my_sync' };
    const made = await o.call('POST', '/oauth/clients', ann(), { client });
    expect(made.status).toBe(201);
    const { id, secret, ...rest } = made.body['client'] as { id: number; secret: string };
    expect(rest).toMatchObject({ ...client, kind: 'confidential', redirect_uri: [], global: false });
    const shown = (await clients('/users/me/oauth/clients')).find((each) => each.id === id);
    expect(shown?.secret).toBe(secret.slice(0, 9));
    const credentials = { client_id: 'my_sync', client_secret: secret };
    const token = await o.by(credentials);
    expect((await o.me(token)).body.user.email).toBe(ANN);
    const twice = await o.call('POST', '/oauth/clients', ann(), { client });
    expect(twice.status).toBe(422);

    const path = `/oauth/clients/${id}`;
    await o.call('PUT', path, ann(), { client: { kind: 'public' } });
    expect(refusal(await o.mint(credentials))).toEqual([400, 'unauthorized_client']);
    await o.call('PUT', path, ann(), { client: { kind: 'confidential' } });
    const rotated = (await o.call('PUT', `${path}/generate_secret`, ann())).body['client'];
    const { secret: next } = rotated as { secret: string };
    expect(refusal(await o.mint(credentials))).toEqual([401, 'invalid_client']);
    expect((await o.mint({ ...credentials, client_secret: next })).status).toBe(200);

    expect((await o.call('DELETE', path, ann())).status).toBe(204);
    expect((await o.call('GET', path, ann())).status).toBe(404);
    expect((await o.me(token)).status).toBe(401);
  });
});

describe('for tests', () => {
  test('each mint is recorded without its credential', async () => {
    await o.mint({ scope: 'read', expires_in: 600 });
    await o.mintForm({});
    await o.mint({ client_secret: 'wrong' });
    const none = { scopeAsked: null, scope: 'read write', expiresInAsked: null, expiresIn: null };
    expect(o.sandbox.oauth.mints).toMatchObject([
      {
        client: o.sandbox.clientId,
        scopeAsked: 'read',
        scope: 'read',
        expiresInAsked: 600,
        expiresIn: 599,
        contentType: 'application/json',
      },
      { ...none, contentType: 'application/x-www-form-urlencoded' },
    ]);
    expect(o.sandbox.oauth.mints).toHaveLength(2);
    const { body } = await o.control('GET', '/oauth');
    expect(body['mints']).toEqual(o.sandbox.oauth.mints);
    const text = JSON.stringify(body);
    expect(text).not.toContain(o.sandbox.clientSecret);
    for (const { value } of o.sandbox.oauth.tokens.list()) expect(text).not.toContain(value);
  });

  test('a test can control everything over HTTP', async () => {
    const client = `/oauth/clients/${o.sandbox.clientId}`;
    const token = await o.by();
    await o.control('PUT', '/oauth', { omitExpiresIn: true, status: 201 });
    const { status, body } = await o.mint({ expires_in: 600 });
    expect([status, body.expires_in]).toEqual([201, undefined]);
    await o.control('PUT', client, { allowedScopes: ['read'] });
    expect(refusal(await o.mint({ scope: 'write' }))).toEqual([400, 'invalid_scope']);
    const { secret } = (await o.control('POST', `${client}/secret`)).body as unknown as { secret: string };
    expect((await o.mint({ client_secret: secret })).status).toBe(201);

    const [first] = o.sandbox.oauth.tokens.list();
    expect((await o.control('DELETE', `/oauth/tokens/${first?.id}`)).body).toEqual({ revoked: 1 });
    expect((await o.me(token)).status).toBe(401);
    const gone = await o.control('DELETE', `/oauth/tokens?client=${o.sandbox.clientId}`);
    expect(gone.body).toEqual({ revoked: 2 });
    const made = (await o.control('POST', '/oauth/bearers', { email: BOB })).body as unknown as {
      token: string;
    };
    expect(made.token).toBe(o.sandbox.bearer(BOB));
    expect((await o.control('DELETE', `/oauth/tokens?email=${BOB}`)).body).toEqual({ revoked: 1 });
    expect((await o.control('PUT', '/oauth', { status: 204 })).status).toBe(400);
    expect((await o.control('PUT', '/oauth/clients/unknown', {})).status).toBe(404);
  });

  test('a test can set the identifier and the secret', async () => {
    await o.restart({ clientId: 'mine', clientSecret: 'chosen' });
    expect((await o.mint({ client_id: 'mine', client_secret: 'chosen' })).status).toBe(200);
  });
});
