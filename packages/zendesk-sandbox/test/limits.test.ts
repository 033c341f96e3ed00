import { NO_LIMITS, type LimitOptions, startZendeskSandbox, type ZendeskSandbox } from '../src';
import { ZendeskApi, type Answer } from './support/zendeskApi';

/** Each limit of an endpoint or a record, as zendesk-rules.md rules 4 to 7 have it, over plain HTTP. */
const START = Date.parse('2026-01-01T00:00:00Z');
const UPDATES = 'zendesk-ratelimit-tickets-update';

let now: number;
let sandbox: ZendeskSandbox;
let api: ZendeskApi;

const start = async (limits: Partial<LimitOptions> = {}) => {
  now = START;
  sandbox = await startZendeskSandbox({ clock: () => now, ...limits });
  api = new ZendeskApi(sandbox);
};
afterEach(() => sandbox.close());

/** All but these are off, so that one limit shows by itself. */
const only = (limits: Partial<LimitOptions>) => start({ ...NO_LIMITS, ...limits });
const statusAndHeader = ({ status, headers }: Answer, name = UPDATES) => [status, headers.get(name)];
const priority = { ticket: { priority: 'low' } };
const statuses = async (times: number, call: () => Promise<Answer>) => {
  const found: number[] = [];
  for (let i = 0; i < times; i += 1) found.push((await call()).status);
  return found;
};
const passes = (times: number) => Array.from({ length: times }, () => 200);

test('the limits are the documented ones by default', async () => {
  await start();
  const { id } = await api.ticket();
  const answer = await api.put(`/tickets/${id}`, priority);
  expect(answer.headers.get('x-rate-limit')).toBe('700');
  expect(statusAndHeader(answer)).toEqual([200, 'total=100; remaining=99; resets=60']);
});

describe.each([20, 100])('ticketUpdatesPerMinute: %i', (limit) => {
  test('every call that writes a ticket counts against the ticket updates; creates and reads do not', async () => {
    await only({ ticketUpdatesPerMinute: limit });
    const { id } = await api.ticket();
    const { token } = await api.upload('a.txt', 'x', 'text/plain');
    await api.comment(id, { body: 'first', uploads: [token] });
    const { body } = await api.get(`/tickets/${id}/comments`);
    const [, comment] = body.comments;
    const file = comment?.attachments[0]?.id ?? 0;
    const at = `/tickets/${id}/comments/${comment?.id ?? 0}`;
    const writes: [string, () => Promise<Answer>][] = [
      ['a property', () => api.put(`/tickets/${id}`, priority)],
      ['a comment', () => api.comment(id, { body: 'second' })],
      ['tags added', () => api.put(`/tickets/${id}/tags`, { tags: ['a'] })],
      ['tags set', () => api.post(`/tickets/${id}/tags`, { tags: ['a'] })],
      ['tags removed', () => api.delete(`/tickets/${id}/tags`, { tags: ['a'] })],
      ['made private', () => api.put(`${at}/make_private`)],
      ['words redacted', () => api.put(`${at}/redact`, { text: 'first' })],
      ['a file redacted', () => api.put(`${at}/attachments/${file}/redact`)],
      ['redacted', () => api.put(`/comment_redactions/${comment?.id ?? 0}`, { ticket_id: id })],
    ];
    // The comment with the file was the first.
    for (const [place, [what, write]] of writes.entries())
      expect([what, (await write()).headers.get(UPDATES)]).toEqual([
        what,
        `total=${limit}; remaining=${limit - 2 - place}; resets=60`,
      ]);
    expect((await api.get(`/tickets/${id}`)).headers.get(UPDATES)).toBeNull();
  });

  test('the next update is refused for everybody until the minute ends, and other calls pass', async () => {
    await only({ ticketUpdatesPerMinute: limit });
    const { id } = await api.ticket();
    const update = (who = api) => who.put(`/tickets/${id}`, priority);
    expect(await statuses(limit, update)).toEqual(passes(limit));
    now += 19_000;
    const over = await update(api.as('bob@sandbox.example'));
    expect(statusAndHeader(over)).toEqual([429, `total=${limit}; remaining=0; resets=41`]);
    expect(over.headers.get('retry-after')).toBe('41');
    expect(over.headers.get('x-rate-limit-remaining')).not.toBe('0');
    expect((await api.get(`/tickets/${id}`)).status).toBe(200);
    expect((await api.post('/tickets', { ticket: { comment: { body: 'x' } } })).status).toBe(201);
    now += 41_000;
    expect((await update()).status).toBe(200);
  });

  test('an agent’s edit uses the ticket updates, and not the account’s calls', async () => {
    await only({ ticketUpdatesPerMinute: limit, rateLimitPerMinute: 2 });
    const { id } = await api.ticket();
    for (let i = 0; i < limit - 1; i += 1)
      expect(sandbox.agentEdits(id, { subject: `Edit ${i}` })).toEqual({ refused: false });
    expect(sandbox.tickets.get(id).subject).toBe(`Edit ${limit - 2}`);
    expect(statusAndHeader(await api.put(`/tickets/${id}`, priority))).toEqual([
      200,
      `total=${limit}; remaining=0; resets=60`,
    ]);
    expect(sandbox.agentEdits(id, { subject: 'Too much' })).toEqual({
      refused: true,
      retryAfterSeconds: 60,
    });
    const over = await api.control('POST', '/agents/edits', {
      ticketId: id,
      ticket: { subject: 'Too much' },
      agent: 'bob@sandbox.example',
    });
    expect(over.body).toMatchObject({ refused: true, retryAfterSeconds: 60 });
    expect(sandbox.tickets.get(id).subject).toBe(`Edit ${limit - 2}`);
    now += 60_000;
    const later = await api.control('POST', '/agents/edits', { ticketId: id, ticket: { subject: 'Now' } });
    expect(later.body).toMatchObject({ refused: false });
    expect(sandbox.tickets.get(id).subject).toBe('Now');
  });
});

test('an edit of an unknown ticket or by an unknown agent is an error, and not counted as a refusal', async () => {
  await only({});
  const { id } = await api.ticket();
  expect(() => sandbox.agentEdits(id + 1, {})).toThrow('404');
  expect(() => sandbox.agentEdits(id, {}, 'nobody@sandbox.example')).toThrow('404');
});

test.each([undefined, NO_LIMITS.updatesOfOneTicket])(
  'updatesOfOneTicket: one user updates one ticket 30 times in ten minutes (given: %s)',
  async (updatesOfOneTicket) => {
    await only({ updatesOfOneTicket: updatesOfOneTicket ?? 30, ticketUpdatesPerMinute: 100 });
    const { id } = await api.ticket();
    const update = (who = api) => who.put(`/tickets/${id}`, priority);
    expect(await statuses(30, update)).toEqual(passes(30));
    if (updatesOfOneTicket !== undefined) {
      expect((await update()).status).toBe(200);
      return;
    }
    const over = await update();
    // Refused for the ticket, although the account has updates left, which it leaves untouched.
    expect(statusAndHeader(over)).toEqual([429, 'total=100; remaining=70; resets=60']);
    expect(over.headers.get('retry-after')).toBe('600');
    const redaction = { ticket_id: id };
    const { body } = await api.get(`/tickets/${id}/comments`);
    expect((await api.put(`/comment_redactions/${body.comments[0]?.id ?? 0}`, redaction)).status).toBe(429);
    expect((await update(api.as('bob@sandbox.example'))).status).toBe(200);
    const other = await api.ticket();
    expect((await api.put(`/tickets/${other.id}`, priority)).status).toBe(200);
    const bulk = await api.done(await api.put(`/tickets/update_many?ids=${id},${other.id}`, priority));
    expect(bulk.results?.map(({ success, error }) => [success, error])).toEqual([
      [undefined, 'TicketUpdateFailed'],
      [true, undefined],
    ]);
    now += 600_000;
    expect((await update()).status).toBe(200);
  },
);

test.each([false, true])('bulkUpdatesCount: %s', async (bulkUpdatesCount) => {
  await only({ ticketUpdatesPerMinute: 20, bulkUpdatesCount });
  const { id } = await api.ticket();
  await api.done(await api.put(`/tickets/update_many?ids=${id}`, priority));
  const answer = await api.put(`/tickets/${id}`, priority);
  expect(statusAndHeader(answer)).toEqual([
    200,
    `total=20; remaining=${bulkUpdatesCount ? 18 : 19}; resets=60`,
  ]);
});

test('updatesOfOneOrganization: each organization accepts 5 updates per minute', async () => {
  await only({ updatesOfOneOrganization: 5 });
  const [first, second] = [await api.organization({ name: 'A' }), await api.organization({ name: 'B' })];
  const update = (id = first.id) => api.put(`/organizations/${id}`, { organization: { notes: 'x' } });
  expect(await statuses(5, update)).toEqual(passes(5));
  now += 20_000;
  const over = await update();
  expect([over.status, over.headers.get('retry-after')]).toEqual([429, '40']);
  expect((await update(second.id)).status).toBe(200);
  now += 40_000;
  expect((await update()).status).toBe(200);
});

test('updatesOfOneUser: 5 per minute; userUpdatesPerSecond: 1 over the account', async () => {
  await only({ updatesOfOneUser: 5, userUpdatesPerSecond: 1 });
  const person = (email: string) => ({ user: { email, name: 'Carla' } });
  const upsert = (email: string) => api.post('/users/create_or_update', person(email));
  const made = await upsert('carla@acme.example');
  expect(statusAndHeader(made, 'zendesk-ratelimit-create-update-user')).toEqual([
    201,
    'total=5; remaining=4; resets=60',
  ]);
  const soon = await upsert('dan@acme.example');
  expect([soon.status, soon.headers.get('retry-after')]).toEqual([429, '1']);
  for (let i = 0; i < 4; i += 1) {
    now += 1_000;
    expect((await upsert('Carla@acme.example')).status).toBe(200);
  }
  now += 1_000;
  const over = await upsert('carla@acme.example');
  expect(statusAndHeader(over, 'zendesk-ratelimit-create-update-user')).toEqual([
    429,
    'total=5; remaining=0; resets=55',
  ]);
  expect((await upsert('dan@acme.example')).status).toBe(201);
  now += 1_000;
  expect((await api.put(`/users/${made.body.user.id}`, { user: { notes: 'x' } })).status).toBe(200);
});

test('ticketFieldsPerMinute: ticket fields have their own limit', async () => {
  await only({ ticketFieldsPerMinute: 20 });
  const header = 'zendesk-ratelimit-ticket-fields-index';
  const list = () => api.get('/ticket_fields');
  expect(statusAndHeader(await list(), header)).toEqual([200, 'total=20; remaining=19; resets=60']);
  await statuses(19, list);
  expect(statusAndHeader(await list(), header)).toEqual([429, 'total=20; remaining=0; resets=60']);
  expect((await api.get('/organization_fields')).status).not.toBe(429);
});

test('incrementalPerMinute counts tickets, ticket events and organizations; userExportsPerMinute counts the user export', async () => {
  await only({ incrementalPerMinute: 10, userExportsPerMinute: 20 });
  const since = `start_time=${START / 1000 - 3_600}`;
  const header = 'zendesk-ratelimit-incremental-exports';
  for (const [place, path] of ['tickets/cursor', 'ticket_events', 'organizations', 'users'].entries())
    expect(statusAndHeader(await api.get(`/incremental/${path}?${since}`), header)).toEqual([
      200,
      `total=10; remaining=${9 - place}; resets=60`,
    ]);
  const users = await api.get(`/incremental/users/cursor?${since}`);
  expect(statusAndHeader(users, `${header}-cursor`)).toEqual([200, 'total=20; remaining=19; resets=60']);
  expect(users.headers.get(header)).toBeNull();
  expect(users.body.users).toHaveLength(sandbox.store.users.size);
});

test('jobsInFlight: queued and running jobs count, and the answer shows how many', async () => {
  await only({ jobsInFlight: 1 });
  const job = () => api.post('/organizations/create_many', { organizations: [] });
  const answers = await Promise.all([job(), job()]);
  const header = 'zendesk-ratelimit-inflight-jobs';
  const shown = answers.map((answer) => statusAndHeader(answer, header)).sort();
  expect(shown).toEqual([
    [200, 'total=1; remaining=0; resets=60'],
    [429, 'total=1; remaining=0; resets=60'],
  ]);
  const accepted = answers.find(({ status }) => status === 200);
  if (accepted) await api.done(accepted);
  expect((await job()).status).toBe(200);
});

test('looseUploadPerMinute: 10 uploads to no ticket; attachmentsPerMinute: all uploads together', async () => {
  await only({ attachmentsPerMinute: 13, looseUploadPerMinute: 10 });
  const loose = await api.upload('a.txt', 'x', 'text/plain');
  const used = await api.upload('b.txt', 'y', 'text/plain');
  const { id } = await api.ticket();
  await api.comment(id, { body: 'with a file', uploads: [used.token] });
  const get = (of: typeof loose) => fetch(of.attachment.content_url);
  for (let i = 0; i < 10; i += 1) expect((await get(loose)).status).toBe(200);
  const refused = await get(loose);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '60']);
  for (let i = 0; i < 3; i += 1) expect((await get(used)).status).toBe(200);
  expect((await get(used)).status).toBe(429);
  now += 60_000;
  expect((await get(loose)).status).toBe(200);
});

test('olderHeaders: the account’s limit is shown in the headers of older accounts', async () => {
  await only({ rateLimitPerMinute: 7, olderHeaders: true });
  const { headers } = await api.get('/users/me');
  expect(Object.fromEntries(headers)).toMatchObject({
    'x-rate-limit': '7',
    'x-rate-limit-remaining': '6',
    'rate-limit': '7',
    'rate-limit-remaining': '6',
    'rate-limit-reset': '60',
  });
  expect([...headers.keys()].filter((name) => name.startsWith('ratelimit'))).toEqual([]);
});

test('rule 50: a refusal by the account’s limit is plain text, one by an endpoint’s limit is JSON', async () => {
  const restart = async (options: Partial<LimitOptions>) => {
    await sandbox.close();
    sandbox = await startZendeskSandbox({ clock: () => now, ...options });
    return new ZendeskApi(sandbox);
  };
  const account = await restart({ rateLimitPerMinute: 1 });
  await account.get('/users/me');
  const { authorization } = { authorization: `Bearer ${sandbox.bearer('ann@sandbox.example')}` };
  const text = await fetch(`${sandbox.url}/api/v2/users/me`, { headers: { authorization } });
  expect([text.status, text.headers.get('content-type'), await text.text()]).toEqual([
    429,
    'text/plain; charset=utf-8',
    'Number of allowed API requests per minute exceeded',
  ]);
  expect(Number(text.headers.get('retry-after'))).toBeGreaterThan(0);
  const endpoint = await restart({ incrementalPerMinute: 1 });
  const path = '/incremental/tickets/cursor?start_time=1';
  await endpoint.get(path);
  expect((await endpoint.get(path)).body).toEqual({
    error: 'APIRateLimitExceeded',
    description: 'Number of allowed incremental export API requests per minute exceeded',
  });
});
