import { request } from 'node:http';
import { TOKEN, Visitor, startConsoleWorld, type ConsoleWorld } from '../support/console';

/** Who may use the console, and which forms it accepts, over real HTTP. */

const PAGES = [
  '/console',
  '/console/pairs',
  '/console/conflicts',
  '/console/quarantine',
  '/console/schedules',
  '/console/history',
  '/console/undo',
];
const POSTS = [
  '/console/pair/resolve',
  '/console/pair/resync',
  '/console/schedules',
  '/console/entities',
  '/console/undo',
  '/console/undo/resume',
];

let world: ConsoleWorld;
let url: string;
beforeAll(async () => {
  world = await startConsoleWorld();
  url = await world.serve({ consoleToken: TOKEN });
});
afterAll(async () => world.stop());

const isPaused = async () =>
  (await world.stack.client.schedule.getHandle(`${world.stack.taskQueue}-hygiene`).describe()).state.paused;
const pauseHygiene = (formToken: string) => ({
  id: `${world.stack.taskQueue}-hygiene`,
  what: 'pause',
  formToken,
});
async function insider(): Promise<Visitor> {
  const visitor = new Visitor(url);
  await visitor.logIn();
  return visitor;
}

describe('without a session', () => {
  test.each(PAGES)('the page %s redirects to the log-in and shows nothing', async (path) => {
    const { status, headers, text } = await new Visitor(url).get(path);
    expect([status, text]).toEqual([303, '']);
    expect(headers.get('location')).toBe(`/console/login?next=${encodeURIComponent(path)}`);
  });

  test.each(POSTS)('a form for %s is refused', async (path) => {
    const { status, text } = await new Visitor(url).post(path, { formToken: 'x' });
    expect(status).toBe(401);
    expect(text).toContain('nothing was done');
  });

  test.each([
    ['none', ''],
    ['nonsense', 'zps-console=nonsense'],
    [
      'one that was not signed',
      `zps-console=${Buffer.from(JSON.stringify({ user: 'Eve', by: 'token', nonce: 'n', since: Date.now() })).toString('base64url')}.AAAA`,
    ],
  ])('the cookie %s is not accepted', async (_, cookie) => {
    expect((await new Visitor(url).get('/console', { cookie })).status).toBe(303);
  });

  test('a user’s name in a header is not accepted if none is configured', async () => {
    expect((await new Visitor(url, { 'x-forwarded-email': 'eve@acme.example' }).get('/console')).status).toBe(
      303,
    );
  });
});

describe('log-in', () => {
  test('with the token sets a cookie that scripts and other sites cannot read, and that is not the token', async () => {
    const answer = await new Visitor(url).logIn();
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/console']);
    const cookie = answer.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(
      /^zps-console=[\w-]+\.[\w-]+; Path=\/console; HttpOnly; SameSite=Strict; Max-Age=43200$/,
    );
    expect(Buffer.from(cookie, 'base64url').toString()).not.toContain(TOKEN);
    expect(cookie).not.toContain(TOKEN);
  });

  test.each(['', 'wrong', `${TOKEN}x`, TOKEN.slice(1)])('with "%s" is refused', async (token) => {
    // A separate address for each, so that none is throttled.
    const proxied = await world.serve({ consoleToken: TOKEN });
    const visitor = new Visitor(proxied);
    const answer = await visitor.logIn('Eve', token);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('set-cookie')).toBeNull();
    expect((await visitor.get('/console')).status).toBe(303);
  });

  test('from another site is refused', async () => {
    const answer = await new Visitor(url).post(
      '/console/login',
      { token: TOKEN, name: 'Eve' },
      { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
    );
    expect([answer.status, answer.headers.get('set-cookie')]).toEqual([403, null]);
  });

  test('after five wrong tokens has to wait, also with the right one', async () => {
    const visitor = new Visitor(await world.serve({ consoleToken: TOKEN }));
    for (let i = 0; i < 5; i += 1) expect((await visitor.logIn('Eve', `guess ${i}`)).status).toBe(401);
    const answer = await visitor.logIn();
    expect(answer.status).toBe(429);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(answer.headers.get('set-cookie')).toBeNull();
  });

  test.each([
    [
      '/console/pair?key=TicketToProject%2Fzendesk%3Aticket%3A1',
      '/console/pair?key=TicketToProject%2Fzendesk%3Aticket%3A1',
    ],
    ['https://evil.example/', '/console'],
    ['//evil.example/console', '/console'],
    ['/console\\evil', '/console'],
    ['javascript:alert(1)', '/console'],
  ])('with the next address %s redirects to %s', async (next, expected) => {
    const answer = await new Visitor(url).post('/console/login', { token: TOKEN, name: 'Ann', next });
    expect(answer.headers.get('location')).toBe(expected);
  });

  test('at one console is valid at another with the same token, and not at one with another token', async () => {
    const answer = await new Visitor(url).logIn();
    const cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    const same = await world.serve({ consoleToken: TOKEN });
    const other = await world.serve({ consoleToken: `another-${TOKEN}` });
    expect((await new Visitor(same).get('/console', { cookie })).status).toBe(200);
    expect((await new Visitor(other).get('/console', { cookie })).status).toBe(303);
  });

  test('ends with the log-out', async () => {
    const visitor = await insider();
    expect((await visitor.get('/console')).status).toBe(200);
    await visitor.post('/console/logout', { formToken: await visitor.formToken() });
    expect((await visitor.get('/console')).status).toBe(303);
  });
});

describe('a form of a logged-in user', () => {
  test.each<[string, Record<string, string>]>([
    ['no origin at all', {}],
    ['a foreign Origin', { origin: 'https://evil.example' }],
    [
      'a foreign Origin that claims to be ours',
      { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' },
    ],
    ['the Origin "null"', { origin: 'null' }],
    ['Sec-Fetch-Site: cross-site', { 'sec-fetch-site': 'cross-site' }],
    ['Sec-Fetch-Site: same-site', { 'sec-fetch-site': 'same-site' }],
    ['another port’s Origin', { origin: 'http://127.0.0.1:1' }],
  ])('with %s is refused, with the right form token', async (_, headers) => {
    const visitor = await insider();
    const fields = pauseHygiene(await visitor.formToken());
    expect((await visitor.post('/console/schedules', fields, headers)).status).toBe(403);
    expect(await isPaused()).toBe(false);
  });

  test.each(POSTS)('for %s without a form token is refused', async (path) => {
    const visitor = await insider();
    expect((await visitor.post(path, { ...pauseHygiene(''), scope: 'TicketToProject' })).status).toBe(403);
    expect((await visitor.post(path, {})).status).toBe(403);
    expect(await isPaused()).toBe(false);
    expect(await world.stack.store.control.paused()).toEqual({});
  });

  test('with the form token of another session is refused', async () => {
    const [ann, bob] = [await insider(), await insider()];
    const fields = pauseHygiene(await bob.formToken());
    expect((await ann.post('/console/schedules', fields)).status).toBe(403);
    expect(await isPaused()).toBe(false);
  });

  test('with a wrong content type is refused', async () => {
    const visitor = await insider();
    const formToken = await visitor.formToken();
    const answer = await visitor.post('/console/schedules', pauseHygiene(formToken), {
      origin: url,
      'content-type': 'text/plain',
    });
    expect(answer.status).toBe(415);
  });

  test.each([
    ['nothing', {}, 400],
    ['a Schedule of others', { id: 'somebody-elses', what: 'pause' }, 400],
  ])('about %s is a bad request', async (_, fields, status) => {
    const visitor = await insider();
    const answer = await visitor.post('/console/schedules', {
      ...fields,
      formToken: await visitor.formToken(),
    });
    expect(answer.status).toBe(status);
  });

  test('of the console itself is accepted, and the note names the user', async () => {
    const visitor = await insider();
    const fields = { ...pauseHygiene(await visitor.formToken()), why: 'moving house' };
    const answer = await visitor.post('/console/schedules', fields);
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/console/schedules?done=pause']);
    const { state } = await world.stack.client.schedule
      .getHandle(`${world.stack.taskQueue}-hygiene`)
      .describe();
    expect(state).toMatchObject({ paused: true, note: 'moving house (paused by Ann)' });
    await visitor.post('/console/schedules', { ...fields, what: 'resume' });
    expect(await isPaused()).toBe(false);
  });
});

describe('a user’s name in a proxy’s header', () => {
  const header = { 'x-forwarded-email': 'ann@acme.example' };
  const consoleUserHeader = 'X-Forwarded-Email';

  test('from a trusted address is accepted, and forms work', async () => {
    const proxied = await world.serve({ consoleUserHeader, consoleTrustedProxies: ['127.0.0.0/8'] });
    const visitor = new Visitor(proxied, header);
    const page = await visitor.get('/console/schedules');
    expect(page.status).toBe(200);
    expect(page.text).toContain('<span class="user">ann@acme.example</span>');
    const answer = await visitor.post('/console/schedules', {
      ...pauseHygiene(await visitor.formToken()),
      what: 'resume',
    });
    expect(answer.status).toBe(303);
  });

  test.each([
    ['another address', ['10.0.0.5']],
    ['another network', ['10.0.0.0/8', 'fd00::/8']],
  ])('is refused if %s is trusted, also if the client claims to come from there', async (_, trusted) => {
    const proxied = await world.serve({ consoleUserHeader, consoleTrustedProxies: trusted });
    const visitor = new Visitor(proxied, { ...header, 'x-forwarded-for': '10.0.0.5' });
    const { status, text } = await visitor.get('/console/pairs');
    expect(status).toBe(403);
    expect(text).not.toContain('<table');
    expect((await visitor.post('/console/schedules', { formToken: 'x' })).status).toBe(403);
  });

  test('is needed in each request: the cookie alone is not accepted', async () => {
    const proxied = await world.serve({ consoleUserHeader, consoleTrustedProxies: ['127.0.0.1'] });
    const first = await new Visitor(proxied, header).get('/console');
    const cookie = (first.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    expect(cookie).toMatch(/^zps-console=/);
    expect((await new Visitor(proxied, { cookie }).get('/console')).status).toBe(403);
  });

  test('a form token of one user is refused for another user', async () => {
    const proxied = await world.serve({ consoleUserHeader, consoleTrustedProxies: ['127.0.0.1'] });
    const bob = new Visitor(proxied, { 'x-forwarded-email': 'bob@acme.example' });
    await bob.get('/console');
    const fields = pauseHygiene(await new Visitor(proxied, header).formToken());
    expect((await bob.post('/console/schedules', fields)).status).toBe(403);
  });

  test('behind HTTPS the cookie is for HTTPS only, and the form’s origin is the proxy’s', async () => {
    const proxied = await world.serve({ consoleUserHeader, consoleTrustedProxies: ['127.0.0.1'] });
    const forwarded = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'console.acme.example' };
    const visitor = new Visitor(proxied, { ...header, ...forwarded });
    expect((await visitor.get('/console')).headers.get('set-cookie')).toMatch(/; Secure$/);
    const formToken = await visitor.formToken();
    const post = (origin: string) =>
      visitor.post('/console/schedules', { ...pauseHygiene(formToken), what: 'resume' }, { origin });
    expect((await post('https://console.acme.example')).status).toBe(303);
    expect((await post(proxied)).status).toBe(403);
  });
});

test('every answer forbids scripts, frames, content sniffing and caches', async () => {
  const visitor = await insider();
  const paths = [
    ...PAGES,
    '/console/login',
    '/console/nowhere',
    '/console/pair?key=nonsense',
    '/console/style.css',
  ];
  for (const path of paths) {
    const { headers } = await visitor.get(path);
    const policy = headers.get('content-security-policy');
    expect(policy).toBe(
      "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    );
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('same-origin');
    expect(headers.get('cache-control')).toBe('no-store');
  }
});

test('the console does not serve the paths of the webhook receiver', async () => {
  expect((await new Visitor(url).get('/webhooks/pms')).status).toBe(404);
});

test('a body that is too large is refused', async () => {
  const visitor = await insider();
  const answer = await visitor.post('/console/schedules', { formToken: 'x'.repeat(600_000) });
  expect(answer.status).toBe(413);
});

test('an unknown address gets a plain answer', async () => {
  const status = await new Promise((resolve, reject) => {
    request(`${url}/console/%zz`, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    })
      .on('error', reject)
      .end();
  });
  expect(status).toBe(400);
});
