import { startZendeskSandbox } from '../src';
import { fault, refused, useFreshSandbox } from './support/fresh';
import { SINCE } from './support/rig';
import { ZendeskApi } from './support/zendeskApi';

/** The rules of https://developer.zendesk.com/api-reference/ that a client runs into, over plain HTTP. */
const t = useFreshSandbox();

describe('calls', () => {
  test('each path also answers with the suffix .json, and a suffix inside a value is kept', async () => {
    const { id } = await t.api.ticket({ external_id: 'a.json' });
    expect((await t.api.get(`/tickets/${id}.json`)).body.ticket.url).toBe(
      `${t.sandbox.url}/api/v2/tickets/${id}.json`,
    );
    expect((await t.api.get('/tickets.json?external_id=a.json')).body.tickets).toHaveLength(1);
    expect((await t.api.get('/users/me.json')).status).toBe(200);
  });

  test.each(['/tickets/99', '/tickets/x', '/organizations/99', '/users/99', '/tickets/99/comments'])(
    'a call with no %s is refused',
    async (path) => {
      const { status, body } = await t.api.get(path);
      expect({ status, body }).toEqual({
        status: 404,
        body: { error: 'RecordNotFound', description: 'Not found' },
      });
    },
  );

  test('broken JSON and missing envelopes are bad requests; a missing body is accepted', async () => {
    const raw = await fetch(`${t.sandbox.url}/api/v2/tickets`, {
      method: 'POST',
      body: '{"ticket":',
      headers: {
        authorization: `Bearer ${t.sandbox.bearer('ann@sandbox.example')}`,
        'content-type': 'application/json',
      },
    });
    expect(raw.status).toBe(400);
    expect((await t.api.post('/tickets', { subject: 'no envelope' })).status).toBe(400);
    const { id } = await t.api.ticket();
    const headers = { 'content-type': 'application/json' };
    expect((await t.api.call('DELETE', `/tickets/${id}`, undefined, headers)).status).toBe(204);
  });
});

describe('limits', () => {
  test('the account allows a number of calls per minute, over all people', async () => {
    await t.restart({ rateLimitPerMinute: 3 });
    const first = await t.api.get('/users/me');
    expect(Object.fromEntries(first.headers)).toMatchObject({
      'x-rate-limit': '3',
      'x-rate-limit-remaining': '2',
      'ratelimit-limit': '3',
      'ratelimit-remaining': '2',
      'ratelimit-reset': '60',
    });
    await t.api.as('bob@sandbox.example').get('/users/me');
    await t.api.get('/users/me');
    t.later(20_000);
    const over = await t.api.get('/users/me');
    expect(over.status).toBe(429);
    expect(over.headers.get('retry-after')).toBe('40');
    expect(over.headers.get('x-rate-limit-remaining')).toBe('0');
    t.later(40_000);
    expect((await t.api.get('/users/me')).status).toBe(200);
  });

  test('exports have their own budget within the account’s limit', async () => {
    await t.restart({ incrementalPerMinute: 2 });
    const call = () => t.api.get(`/incremental/organizations.json?start_time=${SINCE}`);
    expect((await call()).headers.get('zendesk-ratelimit-incremental-exports')).toBe(
      'total=2; remaining=1; resets=60',
    );
    await call();
    const over = await call();
    expect([over.status, over.headers.get('retry-after')]).toEqual([429, '60']);
    expect((await t.api.get('/organizations')).status).toBe(200);
  });

  test('the number of queued jobs is limited', async () => {
    await t.restart({ jobsInFlight: 4 });
    const job = () => t.api.post('/organizations/create_many', { organizations: [] });
    const answers = await Promise.all(Array.from({ length: 40 }, job));
    const refusals = answers.filter(({ status }) => status === 429);
    expect(refusals.length).toBeGreaterThan(0);
    expect(refusals[0]?.body).toMatchObject({
      error: 'TooManyJobs',
      current_job_ids: expect.arrayContaining([expect.any(String)]) as string[],
    });
    expect(refusals[0]?.headers.get('retry-after')).not.toBeNull();
    expect(refusals[0]?.headers.get('zendesk-ratelimit-inflight-jobs')).toBe(
      'total=4; remaining=0; resets=60',
    );
    expect(answers[0]?.headers.get('zendesk-ratelimit-inflight-jobs')).toMatch(
      /^total=4; remaining=\d+; resets=60$/,
    );
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(4);
  });
});

describe('people', () => {
  test('each has one e-mail address, in lower case', async () => {
    const { body } = await t.api.post('/users', { user: { name: 'Eve', email: 'Eve@Example.com' } });
    expect(body.user).toMatchObject({ email: 'eve@example.com', role: 'end-user', active: true });
    expect(refused(await t.api.post('/users', { user: { name: 'E', email: 'EVE@example.com' } }))).toEqual(
      fault('email', 'DuplicateValue'),
    );
    expect(refused(await t.api.post('/users', { user: { name: 'E', email: 'nonsense' } }))).toEqual(
      fault('email', 'InvalidValue'),
    );
    expect((await t.api.get('/users/search?query=email:"EVE@example.com"')).body.users).toMatchObject([
      { id: body.user.id },
    ]);
    expect((await t.api.get('/users/search?query=email:eve@example.co')).body.users).toEqual([]);
    expect((await t.api.get(`/users/show_many?ids=${body.user.id},7`)).body.users).toHaveLength(1);
  });

  test('are created or updated by address or external id', async () => {
    const upsert = (user: object) => t.api.post('/users/create_or_update', { user });
    const first = await upsert({ name: 'Eve', email: 'eve@example.com', external_id: 'x' });
    expect(first.status).toBe(201);
    const second = await upsert({ name: 'Eva', email: 'EVE@example.com' });
    expect([second.status, second.body.user.id, second.body.user.name]).toEqual([
      200,
      first.body.user.id,
      'Eva',
    ]);
    expect((await upsert({ name: 'E', external_id: 'X' })).body.user.id).toBe(first.body.user.id);
    await t.api.put(`/users/${first.body.user.id}`, { user: { role: 'agent' } });
    expect((await t.api.as('eve@example.com').get('/users/me')).status).toBe(200);
    expect((await t.api.get('/users?role=agent')).body.users).toHaveLength(3);
  });

  test('search understands part of the query language', async () => {
    await t.api.organization({ name: 'Acme' });
    const { id } = await t.api.ticket({ tags: ['red'], external_id: 'x1' });
    await t.api.ticket({ subject: 'Other', status: 'solved', assignee_email: 'bob@sandbox.example' });
    const found = async (query: string) =>
      (await t.api.get(`/search?query=${encodeURIComponent(query)}`)).body.results.map((each) => each['id']);
    expect(await found('type:ticket tags:red')).toEqual([id]);
    expect(await found('type:ticket external_id:x1')).toEqual([id]);
    expect(await found('type:ticket -status:solved')).toEqual([id]);
    expect(await found('type:ticket created>2026-01-02')).toEqual([]);
    expect(await found('type:organization acme')).toHaveLength(1);
    expect((await t.api.get('/search')).status).toBe(422);
  });
});

describe('the control plane', () => {
  test('shows the state of the sandbox and moves its clock', async () => {
    const { id } = await t.api.ticket();
    const { body } = await t.api.control('GET', '/state');
    expect(body.tickets).toMatchObject([{ id }]);
    await t.api.control('POST', '/clock', { advanceMs: 90_000 });
    expect((await t.api.ticket()).created_at).toBe('2026-01-01T00:01:30Z');
    expect((await t.api.control('POST', '/clock', { advanceMs: -1 })).status).toBe(400);
  });

  test('counts calls, writes and faults', async () => {
    const { id } = await t.api.ticket();
    await t.api.get(`/tickets/${id}.json`);
    await t.api.as('bob@sandbox.example').get('/tickets/99');
    await t.api.control('PUT', '/faults', [{ route: '/brands', kind: 'status', times: 1 }]);
    await t.api.get('/brands');
    const { body } = await t.api.control('GET', '/stats');
    expect(body['calls']).toEqual(
      expect.arrayContaining([
        { user: 'ann@sandbox.example', method: 'GET', route: '/api/v2/tickets/:id', status: 200, count: 1 },
        { user: 'bob@sandbox.example', method: 'GET', route: '/api/v2/tickets/:id', status: 404, count: 1 },
      ]),
    );
    expect(body['writes']).toEqual({ tickets: 1, comments: 1 });
    expect(body['faults']).toEqual({ status: 1 });
    await t.api.control('POST', '/stats/reset');
    expect((await t.api.control('GET', '/stats')).body).toMatchObject({ calls: [], writes: {}, faults: {} });
  });
});

describe('faults', () => {
  const inject = (...rules: object[]) => t.api.control('PUT', '/faults', rules);

  test.each([401, 429, 500, 503])(
    'status %s with Retry-After strikes as often as asked, on one route',
    async (status) => {
      await inject({
        route: '/api/v2/tickets/*',
        method: 'GET',
        kind: 'status',
        status,
        retryAfterSeconds: 7,
        times: 2,
      });
      const { id } = await t.api.ticket();
      for (let i = 0; i < 2; i += 1) {
        const answer = await t.api.get(`/tickets/${id}`);
        expect([answer.status, answer.headers.get('retry-after')]).toEqual([status, '7']);
      }
      expect((await t.api.get(`/tickets/${id}`)).status).toBe(200);
    },
  );

  test('the star of a glob matches one segment, two stars match any, and an expression sees method and query', async () => {
    const { id } = await t.api.ticket();
    const struck = async (route: string) => {
      await inject({ route, kind: 'status' });
      const paths = ['/tickets', `/tickets/${id}?x=1`, `/tickets/${id}/comments`];
      return (await Promise.all(paths.map(async (path) => (await t.api.get(path)).status))).map(
        (each) => each === 503,
      );
    };
    expect(await struck('/api/v2/tickets/*')).toEqual([false, true, false]);
    expect(await struck('/api/v2/tickets/**')).toEqual([false, true, true]);
    expect(await struck('^GET .*x=1$')).toEqual([false, true, false]);
    expect(await struck('^POST ')).toEqual([false, false, false]);
    expect((await inject({ route: '(', kind: 'status' })).status).toBe(400);
    expect((await inject({ route: '/', kind: 'nonsense' })).status).toBe(400);
    await t.api.control('DELETE', '/faults');
    expect((await t.api.get('/tickets')).status).toBe(200);
  });

  test('a write that times out is done, and its idempotency key finds it', async () => {
    await inject({ route: '^POST /api/v2/tickets', kind: 'timeoutAfterWrite', times: 1 });
    const create = () =>
      t.api.post('/tickets', { ticket: { comment: { body: 'x' } } }, { 'idempotency-key': 'k' });
    await expect(create()).rejects.toThrow();
    expect(t.sandbox.store.tickets.size).toBe(1);
    expect((await create()).headers.get('x-idempotency-lookup')).toBe('hit');
    expect(t.sandbox.store.tickets.size).toBe(1);
  });

  test('a reset connection leaves the write undone', async () => {
    await inject({ route: '^POST /api/v2/tickets', kind: 'reset', times: 1 });
    await expect(t.api.ticket()).rejects.toThrow();
    expect(t.sandbox.store.tickets.size).toBe(0);
    expect((await t.api.control('GET', '/stats')).body['faults']).toEqual({ reset: 1 });
  });

  test.each(['malformed', 'truncated'])('%s JSON is returned after the write was done', async (kind) => {
    await inject({ route: '/tickets', kind, times: 1 });
    await expect(t.api.ticket()).rejects.toThrow(SyntaxError);
    expect(t.sandbox.store.tickets.size).toBe(1);
  });

  test('a stale export hides the latest writes, and its cursor finds them later', async () => {
    const first = await t.api.ticket();
    t.later(30_000);
    const second = await t.api.ticket();
    await inject({ route: '/incremental/', kind: 'stale', staleSeconds: 20, times: 2 });
    const stale = await t.exported(`start_time=${SINCE}`);
    expect(stale.tickets.map(({ id }) => id)).toEqual([first.id]);
    expect(await t.events()).toHaveLength(1);
    expect((await t.exported(`cursor=${stale.cursor}`)).tickets.map(({ id }) => id)).toEqual([second.id]);
  });

  test('the same seed strikes the same calls', async () => {
    const pattern = async () => {
      const other = await startZendeskSandbox({ seed: 7 });
      const person = new ZendeskApi(other);
      await person.control('PUT', '/faults', [{ route: '/brands', kind: 'status', probability: 0.5 }]);
      const statuses: number[] = [];
      for (let i = 0; i < 20; i += 1) statuses.push((await person.get('/brands')).status);
      await other.close();
      return statuses;
    };
    const once = await pattern();
    expect(once).toContain(200);
    expect(once).toContain(503);
    expect(await pattern()).toEqual(once);
  });
});
