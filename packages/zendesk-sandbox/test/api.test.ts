import { NO_LIMITS, startZendeskSandbox, type ZendeskSandbox, type Ticket } from 'zendesk-sandbox';
import { ZendeskApi, type Answer, type TicketEvent } from 'testkit';

/** The rules of https://developer.zendesk.com/api-reference/ that a sync can run into, over plain HTTP. */
const START = Date.parse('2026-01-01T00:00:00Z');
const SINCE = START / 1000 - 3600;
const SEVERITY = 360100000002;

let now: number;
let sandbox: ZendeskSandbox;
let api: ZendeskApi;

beforeEach(async () => {
  now = START;
  sandbox = await startZendeskSandbox({
    clock: () => now,
    ...NO_LIMITS,
  });
  api = new ZendeskApi(sandbox);
});
afterEach(() => sandbox.close());

const userId = (email: string): number => sandbox.store.userByEmail.get(email)?.id ?? 0;
const refused = ({ status, body }: Answer) => ({ status, error: body.error, details: body.details });
const fault = (field: string, error: string) => ({
  status: 422,
  error: 'RecordInvalid',
  details: { [field]: [expect.objectContaining({ error }) as unknown] },
});
const oneSecondLater = () => void (now += 1000);
/** All tickets that the cursor export gives from a position on. */
async function exported(query: string): Promise<{ tickets: Ticket[]; cursor: string; pages: number }> {
  const tickets: Ticket[] = [];
  for (let pages = 1, at = query; ; pages += 1) {
    const { body } = await api.get(`/incremental/tickets/cursor?${at}`);
    tickets.push(...body.tickets);
    if (body.end_of_stream) return { tickets, cursor: body.after_cursor, pages };
    at = `cursor=${body.after_cursor}&per_page=2`;
  }
}
const events = async (include = 'comment_events'): Promise<TicketEvent[]> =>
  (await api.get(`/incremental/ticket_events?start_time=${SINCE}&include=${include}`)).body.ticket_events;

describe('calls', () => {
  test('each path answers with the suffix, too; a suffix in a value stays', async () => {
    const { id } = await api.ticket({ external_id: 'a.json' });
    expect((await api.get(`/tickets/${id}.json`)).body.ticket.url).toBe(
      `${sandbox.url}/api/v2/tickets/${id}.json`,
    );
    expect((await api.get('/tickets.json?external_id=a.json')).body.tickets).toHaveLength(1);
    expect((await api.get('/users/me.json')).status).toBe(200);
  });

  test.each(['/tickets/99', '/tickets/x', '/organizations/99', '/users/99', '/tickets/99/comments'])(
    'no %s',
    async (path) => {
      const { status, body } = await api.get(path);
      expect({ status, body }).toEqual({
        status: 404,
        body: { error: 'RecordNotFound', description: 'Not found' },
      });
    },
  );

  test('broken JSON and missing envelopes are bad requests; no body at all is fine', async () => {
    const raw = await fetch(`${sandbox.url}/api/v2/tickets`, {
      method: 'POST',
      body: '{"ticket":',
      headers: {
        authorization: `Bearer ${sandbox.bearer('ann@sandbox.example')}`,
        'content-type': 'application/json',
      },
    });
    expect(raw.status).toBe(400);
    expect((await api.post('/tickets', { subject: 'no envelope' })).status).toBe(400);
    const { id } = await api.ticket();
    const headers = { 'content-type': 'application/json' };
    expect((await api.call('DELETE', `/tickets/${id}`, undefined, headers)).status).toBe(204);
  });
});

describe('limits', () => {
  const limited = async (options: Parameters<typeof startZendeskSandbox>[0]) => {
    await sandbox.close();
    sandbox = await startZendeskSandbox({ clock: () => now, ...options });
    api = new ZendeskApi(sandbox);
  };

  test('the account has so many calls a minute, over all people', async () => {
    await limited({ rateLimitPerMinute: 3 });
    const first = await api.get('/users/me');
    expect(Object.fromEntries(first.headers)).toMatchObject({
      'x-rate-limit': '3',
      'x-rate-limit-remaining': '2',
      'ratelimit-limit': '3',
      'ratelimit-remaining': '2',
      'ratelimit-reset': '60',
    });
    await api.as('bob@sandbox.example').get('/users/me');
    await api.get('/users/me');
    now += 20_000;
    const over = await api.get('/users/me');
    expect(over.status).toBe(429);
    expect(over.headers.get('retry-after')).toBe('40');
    expect(over.headers.get('x-rate-limit-remaining')).toBe('0');
    now += 40_000;
    expect((await api.get('/users/me')).status).toBe(200);
  });

  test('exports have a budget of their own within the account’s', async () => {
    await limited({ incrementalPerMinute: 2 });
    const call = () => api.get(`/incremental/organizations.json?start_time=${SINCE}`);
    expect((await call()).headers.get('zendesk-ratelimit-incremental-exports')).toBe(
      'total=2; remaining=1; resets=60',
    );
    await call();
    const over = await call();
    expect([over.status, over.headers.get('retry-after')]).toEqual([429, '60']);
    expect((await api.get('/organizations')).status).toBe(200);
  });

  test('at most 30 jobs wait', async () => {
    const job = () => api.post('/organizations/create_many', { organizations: [] });
    const answers = await Promise.all(Array.from({ length: 40 }, job));
    const refusals = answers.filter(({ status }) => status === 429);
    expect(refusals.length).toBeGreaterThan(0);
    expect(refusals[0]?.body).toMatchObject({
      error: 'TooManyJobs',
      current_job_ids: expect.arrayContaining([expect.any(String)]) as string[],
    });
    expect(refusals[0]?.headers.get('retry-after')).not.toBeNull();
    expect(refusals[0]?.headers.get('zendesk-ratelimit-inflight-jobs')).toBe(
      'total=30; remaining=0; resets=60',
    );
    expect(answers[0]?.headers.get('zendesk-ratelimit-inflight-jobs')).toMatch(
      /^total=30; remaining=\d+; resets=60$/,
    );
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(30);
  });
});

describe('organizations', () => {
  test('look like the live ones, with large ids and whole seconds', async () => {
    now += 789;
    const organization = await api.organization({
      name: ' Acme ',
      domain_names: ['ACME.example', 'acme.example', ' Acme.test '],
      tags: ['VIP Gold', 'vip', 'Ümlaut'],
      organization_fields: { region: 'emea', unknown: 1 },
    });
    expect(organization.id).toBeGreaterThan(2 ** 31);
    expect(organization).toMatchObject({
      url: `${sandbox.url}/api/v2/organizations/${organization.id}.json`,
      name: 'Acme',
      domain_names: ['acme.example', 'acme.test'],
      tags: ['vip', 'gold', 'ümlaut'],
      created_at: '2026-01-01T00:00:00Z',
      updated_at: '2026-01-01T00:00:00Z',
      external_id: null,
      organization_fields: {
        plan: null,
        region: 'emea',
        vip: false,
        contract_end: null,
        annual_revenue: null,
      },
    });
    expect(organization.organization_fields).not.toHaveProperty('unknown');
  });

  test('names are unique whatever their case, until the holder goes or is renamed', async () => {
    const { id } = await api.organization({ name: 'Acme' });
    const duplicate = () => api.post('/organizations', { organization: { name: ' aCME ' } });
    expect(refused(await duplicate())).toEqual(fault('name', 'DuplicateValue'));
    expect((await duplicate()).body.details['name']?.[0]?.description).toBe(
      'Name:  aCME has already been taken',
    );
    expect((await api.put(`/organizations/${id}`, { organization: { name: 'ACME' } })).status).toBe(200);
    await api.put(`/organizations/${id}`, { organization: { name: 'Other' } });
    expect((await duplicate()).status).toBe(201);
    expect(refused(await api.post('/organizations', { organization: { name: ' ' } }))).toEqual(
      fault('name', 'BlankValue'),
    );
  });

  test.each([
    ['region', 5],
    ['vip', 'yes'],
    ['contract_end', 'soon'],
    ['annual_revenue', 'much'],
  ])('field %s does not take %s', async (key, value) => {
    const organization = { name: 'Acme', organization_fields: { [key]: value } };
    expect(refused(await api.post('/organizations', { organization }))).toEqual(fault(key, 'InvalidValue'));
    expect(sandbox.store.organizations.size).toBe(0);
  });

  test('are found by name, external id and ids; those that are gone are not', async () => {
    const acme = await api.organization({ name: 'Acme', external_id: 'PMS:1' });
    const globex = await api.organization({ name: 'Globex' });
    const names = async (path: string) =>
      (await api.get(`/organizations/${path}`)).body.organizations.map(({ name }) => name);
    expect(await names('search?external_id=pms:1')).toEqual(['Acme']);
    expect(await names('search?name=acme')).toEqual(['Acme']);
    expect(await names('search?name=acm')).toEqual([]);
    expect(await names('autocomplete?name=acm')).toEqual(['Acme']);
    expect(await names(`show_many?ids=${globex.id},${acme.id},5`)).toEqual(['Globex', 'Acme']);
    expect(await names('show_many?external_ids=PMS:1')).toEqual(['Acme']);
    expect((await api.delete(`/organizations/${acme.id}`)).status).toBe(204);
    expect((await api.get(`/organizations/${acme.id}`)).status).toBe(404);
    for (const path of ['search?external_id=pms:1', 'search?name=acme', `show_many?ids=${acme.id}`])
      expect(await names(path)).toEqual([]);
    expect((await api.organization({ name: 'Acme', external_id: 'PMS:1' })).id).not.toBe(acme.id);
  });

  test('at most a hundred ids at once', async () => {
    const ids = Array.from({ length: 101 }, (_, i) => i + 1).join(',');
    for (const resource of ['organizations', 'tickets', 'users'])
      expect((await api.get(`/${resource}/show_many?ids=${ids}`)).status).toBe(400);
  });

  test('external ids are unique', async () => {
    await api.organization({ name: 'A', external_id: 'x' });
    const answer = await api.post('/organizations', { organization: { name: 'B', external_id: 'X' } });
    expect(refused(answer)).toEqual(fault('external_id', 'DuplicateValue'));
  });

  test('create or update goes by id, then by external id', async () => {
    const upsert = (organization: object) => api.post('/organizations/create_or_update', { organization });
    const first = await upsert({ name: 'A', external_id: 'x' });
    expect(first.status).toBe(201);
    const second = await upsert({ name: 'B', external_id: 'x' });
    expect([second.status, second.body.organization.id]).toEqual([200, first.body.organization.id]);
    expect((await upsert({ id: first.body.organization.id, name: 'C' })).body.organization.name).toBe('C');
    expect(refused(await upsert({ name: 'c' }))).toEqual(fault('name', 'DuplicateValue'));
    expect((await upsert({ id: 1, name: 'D' })).status).toBe(404);
  });

  test('a merge deletes the loser; its tickets, people and domains move', async () => {
    const loser = await api.organization({ name: 'A', domain_names: ['a.example'] });
    const winner = await api.organization({ name: 'B', domain_names: ['b.example'] });
    const user = (
      await api.post('/users', { user: { name: 'U', email: 'u@a.example', organization_id: loser.id } })
    ).body.user;
    const ticket = await api.ticket({ requester_id: user.id });
    expect(ticket.organization_id).toBe(loser.id);
    oneSecondLater();
    const { body } = await api.post(`/organizations/${loser.id}/merge`, {
      organization_merge: { winner_id: winner.id },
    });
    const merge = body['organization_merge'] as { id: string };
    expect(merge).toMatchObject({ loser_id: loser.id, winner_id: winner.id, status: 'new' });
    expect((await api.get(`/organization_merges/${merge.id}`)).body['organization_merge']).toEqual({
      ...merge,
      status: 'complete',
    });
    expect((await api.get(`/organizations/${loser.id}`)).status).toBe(404);
    expect((await api.get(`/organizations/${winner.id}`)).body.organization.domain_names).toEqual([
      'b.example',
      'a.example',
    ]);
    expect((await api.get(`/organizations/${winner.id}/tickets`)).body.tickets).toMatchObject([
      { id: ticket.id, updated_at: '2026-01-01T00:00:01Z' },
    ]);
    expect((await api.get(`/organizations/${winner.id}/users`)).body.users).toHaveLength(1);
  });
});

describe('paging', () => {
  const names = async (path: string) => {
    const { body } = await api.get(path);
    return { names: body.organizations.map(({ name }) => name), body };
  };
  beforeEach(async () => {
    for (const name of ['A1', 'A2', 'A3', 'B']) await api.organization({ name });
  });

  test('by cursor, both ways, and the filter stays', async () => {
    const first = await names('/organizations/autocomplete.json?name=a&page[size]=2');
    expect(first).toMatchObject({ names: ['A1', 'A2'], body: { meta: { has_more: true } } });
    expect(first.body.links.next).toContain(`${sandbox.url}/api/v2/organizations/autocomplete.json?name=a&`);
    const second = await names(first.body.links.next ?? '');
    expect(second).toMatchObject({
      names: ['A3'],
      // Its links go on nevertheless: rule 12.
      body: { meta: { has_more: false }, links: { next: expect.any(String) as unknown } },
    });
    expect((await names(second.body.links.prev ?? '')).names).toEqual(['A1', 'A2']);
  });

  test('a cursor skips nothing when an earlier record goes', async () => {
    const { body } = await names('/organizations?page[size]=2');
    await api.delete(`/organizations/${body.organizations[0]?.id}`);
    expect((await names(body.links.next ?? '')).names).toEqual(['A3', 'B']);
    const again = await names('/organizations?page[size]=1');
    await api.delete(`/organizations/${again.body.organizations[0]?.id}`);
    expect((await names(again.body.links.next ?? '')).names).toEqual(['A3']);
  });

  test('by number, up to 10,000 records', async () => {
    const first = await names('/organizations?per_page=3');
    expect(first).toMatchObject({ names: ['A1', 'A2', 'A3'], body: { count: 4, previous_page: null } });
    const second = await names(first.body.next_page ?? '');
    expect(second).toMatchObject({ names: ['B'], body: { next_page: null } });
    expect((await names(second.body.previous_page ?? '')).names).toEqual(['A1', 'A2', 'A3']);
    expect((await api.get('/organizations?page=100&per_page=100')).status).toBe(200);
    expect((await api.get('/organizations?page=101&per_page=100')).status).toBe(400);
  });

  test.each(['page[size]=101', 'page[size]=0', 'page[size]=x', 'page[after]=nonsense'])(
    'refuses %s',
    async (query) => {
      expect((await api.get(`/organizations?${query}`)).status).toBe(400);
    },
  );
});

describe('tickets', () => {
  test('are numbered from one, have the first comment as description, and a new one that is assigned is open', async () => {
    const ticket = await api.ticket({
      assignee_email: 'bob@sandbox.example',
      requester: { name: 'Carla', email: 'Carla@Acme.example' },
      type: 'task',
      due_at: '2026-02-03T04:05:06.789Z',
      tags: ['B', 'a b'],
      external_id: 'x',
    });
    expect(ticket).toMatchObject({
      id: 1,
      description: 'It smokes',
      raw_subject: 'Printer',
      status: 'open',
      custom_status_id: 4044376,
      assignee_id: userId('bob@sandbox.example'),
      requester_id: userId('carla@acme.example'),
      due_at: '2026-02-03T04:05:06Z',
      tags: ['a', 'b'],
      via: { channel: 'api' },
      generated_timestamp: START / 1000,
    });
    expect(ticket['fields']).toEqual(ticket.custom_fields);
    expect((await api.ticket()).id).toBe(2);
    expect((await api.get('/tickets?external_id=x')).body.tickets.map(({ id }) => id)).toEqual([1]);
  });

  test('external ids are not unique', async () => {
    await api.ticket({ external_id: 'x' });
    await api.ticket({ external_id: 'x' });
    expect((await api.get('/tickets?external_id=x')).body.tickets).toHaveLength(2);
  });

  test('the description cannot change', async () => {
    const { id } = await api.ticket();
    const { status, body } = await api.put(`/tickets/${id}`, { ticket: { description: 'other' } });
    expect([status, body.ticket.description]).toEqual([200, 'It smokes']);
  });

  test.each([
    [{ comment: { body: ' ' } }, 'base', 'BlankValue'],
    [{ status: 'done' }, 'status', 'InvalidValue'],
    [{ priority: 'critical' }, 'priority', 'InvalidValue'],
    [{ due_at: 'soon' }, 'due_at', 'InvalidValue'],
    [{ assignee_email: 'carla@acme.example' }, 'assignee', 'InvalidValue'],
    [{ assignee_id: 1 }, 'assignee', 'InvalidValue'],
    [{ organization_id: 5 }, 'organization', 'InvalidValue'],
    [{ group_id: 5 }, 'group', 'InvalidValue'],
    [{ requester_id: 5 }, 'requester', 'InvalidValue'],
    [{ requester: { email: 'nonsense' } }, 'requester', 'InvalidValue'],
    [{ custom_status_id: 5 }, 'custom_status_id', 'InvalidValue'],
    [{ comment: { body: 'x', author_id: 5 } }, 'comment', 'InvalidValue'],
    [{ custom_fields: [{ id: SEVERITY, value: 9 }] }, 'base', 'InvalidValue'],
    [{ custom_fields: [{ id: SEVERITY + 1, value: 'many' }] }, 'base', 'InvalidValue'],
    [{ custom_fields: [{ id: SEVERITY + 3, value: 'today' }] }, 'base', 'InvalidValue'],
    [{ custom_fields: [{ id: SEVERITY + 4, value: 1 }] }, 'base', 'InvalidValue'],
    [{ custom_fields: [{ id: SEVERITY + 5, value: 'api' }] }, 'base', 'InvalidValue'],
  ])('refuse %j', async (fields, field, error) => {
    const ticket = { subject: 'S', comment: { body: 'x' }, ...fields };
    expect(refused(await api.post('/tickets', { ticket }))).toEqual(fault(field, error));
    expect(sandbox.store.tickets.size).toBe(0);
    expect(sandbox.store.comments.size).toBe(0);
  });

  test('an end user is no assignee', async () => {
    const { id, requester_id: requester } = await api.ticket({
      requester: { email: 'c@example.com', name: 'C' },
    });
    expect(refused(await api.put(`/tickets/${id}`, { ticket: { assignee_id: requester } }))).toEqual(
      fault('assignee', 'InvalidValue'),
    );
  });

  test('custom fields merge by id; unknown ones are ignored; null clears', async () => {
    const values = ({ custom_fields: fields }: Ticket) =>
      Object.fromEntries(fields.filter(({ value }) => value !== null).map(({ id, value }) => [id, value]));
    const ticket = await api.ticket({
      custom_fields: [
        { id: SEVERITY, value: 's1' },
        { id: SEVERITY + 5, value: ['api', 'app'] },
        { id: 7, value: 'x' },
      ],
    });
    expect(values(ticket)).toEqual({
      [SEVERITY]: 's1',
      [SEVERITY + 4]: false,
      [SEVERITY + 5]: ['api', 'app'],
    });
    expect(ticket.custom_fields).toHaveLength(7);
    const { body } = await api.put(`/tickets/${ticket.id}`, {
      ticket: {
        custom_fields: [
          { id: SEVERITY, value: null },
          { id: SEVERITY + 4, value: true },
        ],
      },
    });
    expect(values(body.ticket)).toEqual({ [SEVERITY + 4]: true, [SEVERITY + 5]: ['api', 'app'] });
  });

  test('statuses and custom statuses follow each other', async () => {
    const { id } = await api.ticket();
    const set = async (ticket: object) => {
      const { status, custom_status_id: custom } = (await api.put(`/tickets/${id}`, { ticket })).body.ticket;
      return [status, custom];
    };
    expect(await set({ custom_status_id: 4044456 })).toEqual(['open', 4044456]);
    expect(await set({ status: 'open' })).toEqual(['open', 4044456]);
    expect(await set({ status: 'pending' })).toEqual(['pending', 4044396]);
    const { custom_statuses: list } = (await api.get('/custom_statuses')).body;
    expect(list).toContainEqual(expect.objectContaining({ id: 4044396, status_category: 'pending' }));
  });

  test('fields name their types and options', async () => {
    const { ticket_fields: fields } = (await api.get('/ticket_fields.json')).body;
    expect(fields).toContainEqual(expect.objectContaining({ type: 'subject', removable: false }));
    expect(fields).toContainEqual(
      expect.objectContaining({
        id: SEVERITY,
        type: 'tagger',
        title: 'Severity',
        custom_field_options: expect.arrayContaining([expect.objectContaining({ value: 's1' })]) as unknown,
      }),
    );
    const { organization_fields: own } = (await api.get('/organization_fields.json')).body;
    expect(own).toContainEqual(expect.objectContaining({ key: 'region', type: 'dropdown' }));
  });

  test('tags are replaced, added and removed, in the ticket and at their own address', async () => {
    const { id } = await api.ticket({ tags: ['a', 'b'] });
    const tags = async (ticket: object) => (await api.put(`/tickets/${id}`, { ticket })).body.ticket.tags;
    expect(await tags({ tags: ['C', 'd e'] })).toEqual(['c', 'd', 'e']);
    const many = { additional_tags: ['A', 'c'], remove_tags: ['D'] };
    await api.done(await api.put(`/tickets/update_many?ids=${id}`, { ticket: many }));
    expect((await api.get(`/tickets/${id}/tags`)).body.tags).toEqual(['a', 'c', 'e']);
    expect(await tags({ tags: [] })).toEqual([]);
    expect((await api.put(`/tickets/${id}/tags`, { tags: ['x'] })).body.tags).toEqual(['x']);
    expect((await api.post(`/tickets/${id}/tags`, { tags: ['y', 'z'] })).body.tags).toEqual(['y', 'z']);
    expect((await api.delete(`/tickets/${id}/tags`, { tags: ['y'] })).body.tags).toEqual(['z']);
    oneSecondLater();
    await api.put(`/tickets/${id}/tags`, { tags: ['w'] });
    const late = { tags: ['v'], safe_update: 'true', updated_stamp: '2026-01-01T00:00:00Z' };
    expect((await api.put(`/tickets/${id}/tags`, late)).status).toBe(409);
    expect((await api.get(`/tickets/${id}/tags`)).body.tags).toEqual(['w', 'z']);
  });

  test('a safe update needs the last stamp, to the second', async () => {
    const { id, updated_at: stamp } = await api.ticket();
    const safely = (updated_stamp?: string, ticket: object = { subject: 'S' }) =>
      api.put(`/tickets/${id}`, {
        ticket: { ...ticket, safe_update: true, ...(updated_stamp && { updated_stamp }) },
      });
    oneSecondLater();
    expect((await safely(stamp)).body.ticket.updated_at).toBe('2026-01-01T00:00:01Z');
    const late = await safely(stamp, { subject: 'late', comment: { body: 'late' } });
    expect(refused(late)).toEqual({ status: 409, error: 'UpdateConflict', details: undefined });
    expect((await api.get(`/tickets/${id}`)).body.ticket.subject).toBe('S');
    expect((await api.get(`/tickets/${id}/comments`)).body.comments).toHaveLength(1);
    expect((await safely()).status).toBe(422);
    // Two updates of one second cannot be told apart: the real window.
    expect((await safely('2026-01-01T00:00:01.900Z')).status).toBe(200);
    expect((await safely('2026-01-01T00:00:01Z')).status).toBe(200);
  });

  test('a closed ticket takes nothing, but tags by Update Many', async () => {
    const { id } = await api.ticket({ status: 'closed' });
    const answer = await api.put(`/tickets/${id}`, { ticket: { subject: 'late' } });
    expect(refused(answer)).toEqual(fault('status', 'InvalidValue'));
    expect(answer.body.details['status']?.[0]?.description).toBe('closed prevents ticket update');
    expect((await api.comment(id, { body: 'late' })).status).toBe(422);
    expect((await api.put(`/tickets/${id}/tags`, { tags: ['x'] })).status).toBe(422);
    const many = async (ticket: object) =>
      (await api.done(await api.put(`/tickets/update_many?ids=${id}`, { ticket }))).results;
    expect(await many({ additional_tags: ['x'] })).toMatchObject([{ success: true }]);
    expect(await many({ additional_tags: ['y'], subject: 'late' })).toMatchObject([
      { error: 'TicketUpdateFailed', details: 'closed prevents ticket update' },
    ]);
    expect((await api.get(`/tickets/${id}`)).body.ticket).toMatchObject({ tags: ['x'], subject: 'Printer' });
  });

  test('an idempotency key answers its first result for two hours', async () => {
    const create = (subject: string, key = 'k') =>
      api.post('/tickets', { ticket: { subject, comment: { body: 'x' } } }, { 'idempotency-key': key });
    const first = await create('A');
    expect([first.status, first.headers.get('x-idempotency-lookup')]).toEqual([201, 'miss']);
    await api.put(`/tickets/${first.body.ticket.id}`, { ticket: { subject: 'changed' } });
    const second = await create('A');
    expect([second.status, second.headers.get('x-idempotency-lookup')]).toEqual([201, 'hit']);
    expect(second.body).toEqual(first.body);
    expect(refused(await create('B'))).toMatchObject({ status: 400, error: 'IdempotentRequestError' });
    expect((await create('A', 'other')).body.ticket.id).not.toBe(first.body.ticket.id);
    now += 2 * 60 * 60_000;
    expect((await create('B')).headers.get('x-idempotency-lookup')).toBe('miss');
  });

  test('a refused create leaves its key free', async () => {
    const create = (status: string) =>
      api.post('/tickets', { ticket: { status, comment: { body: 'x' } } }, { 'idempotency-key': 'k' });
    expect((await create('nonsense')).status).toBe(422);
    expect((await create('open')).headers.get('x-idempotency-lookup')).toBe('miss');
  });

  test('deleting is soft, restorable, then for good; the export shows each step', async () => {
    const { id } = await api.ticket({ status: 'pending', external_id: 'x', comment: { body: 'secret' } });
    const { cursor } = await exported(`start_time=${SINCE}`);
    oneSecondLater();
    expect((await api.delete(`/tickets/${id}`)).status).toBe(204);
    for (const path of ['', '/comments', '/audits', '/tags'])
      expect((await api.get(`/tickets/${id}${path}`)).status).toBe(404);
    expect((await api.get(`/tickets/show_many?ids=${id}`)).body.tickets).toEqual([]);
    expect((await api.get('/tickets?external_id=x')).body.tickets).toEqual([]);
    const gone = await exported(`cursor=${cursor}`);
    expect(gone.tickets).toMatchObject([{ id, status: 'deleted', updated_at: '2026-01-01T00:00:01Z' }]);
    expect((await api.get('/deleted_tickets')).body.deleted_tickets).toMatchObject([
      { id, previous_state: 'pending', actor: { name: 'Ann Agent' } },
    ]);
    expect((await api.put(`/deleted_tickets/${id}/restore`)).status).toBe(200);
    expect((await api.get(`/tickets/${id}`)).body.ticket.status).toBe('pending');
    expect((await exported(`cursor=${gone.cursor}`)).tickets).toMatchObject([{ id, status: 'pending' }]);
    expect((await api.get('/tickets?external_id=x')).body.tickets).toHaveLength(1);
    expect((await api.put(`/deleted_tickets/${id}/restore`)).status).toBe(404);

    await api.delete(`/tickets/${id}`);
    await api.done(await api.delete(`/deleted_tickets/${id}`));
    expect((await api.get('/deleted_tickets')).body.deleted_tickets).toEqual([]);
    expect((await api.put(`/deleted_tickets/${id}/restore`)).status).toBe(404);
    const last = await exported(`start_time=${SINCE}`);
    expect(last.tickets).toMatchObject([{ id, status: 'deleted', subject: 'SCRUBBED' }]);
    expect(JSON.stringify([last, await events()])).not.toContain('secret');
    expect(JSON.stringify((await api.control('GET', '/state')).body)).not.toContain('secret');
    expect(sandbox.store.audits.has(id)).toBe(false);
    expect((await api.ticket()).id).toBe(id + 1);
  });

  test('a merge closes the losers and tells both sides', async () => {
    const [winner, loser, other] = [await api.ticket(), await api.ticket(), await api.ticket()];
    const body = { ids: [loser.id, other.id], source_comment: 'See there', source_comment_is_public: true };
    const job = await api.done(await api.post(`/tickets/${winner.id}/merge`, body));
    expect(job.results).toMatchObject([{ success: true, id: winner.id }]);
    for (const { id } of [loser, other]) {
      const closed = (await api.get(`/tickets/${id}`)).body.ticket;
      expect(closed).toMatchObject({ status: 'closed', tags: ['closed_by_merge'] });
      const { comments } = (await api.get(`/tickets/${id}/comments`)).body;
      expect(comments.at(-1)).toMatchObject({ body: 'See there', public: true });
    }
    const { comments } = (await api.get(`/tickets/${winner.id}/comments`)).body;
    expect(comments.at(-1)).toMatchObject({
      body: `Requests #${loser.id} "Printer", #${other.id} "Printer" were closed and merged into this request.`,
      public: false,
    });
    for (const ids of [[loser.id], [winner.id], []]) {
      const again = await api.done(await api.post(`/tickets/${winner.id}/merge`, { ids }));
      expect(again.results).toMatchObject([{ error: 'TicketUpdateFailed' }]);
    }
  });
});

describe('comments', () => {
  test('text becomes escaped HTML; HTML becomes text, without what could act', async () => {
    const { id } = await api.ticket({ comment: { body: 'a < b & "c"\nd' } });
    await api.comment(id, {
      html_body:
        '<p>Hi&nbsp;<b onclick="x()">you</b> &amp; me</p><ul><li>one</li></ul><script>bad()</script><a href="javascript:x()">l</a>',
    });
    const { comments } = (await api.get(`/tickets/${id}/comments`)).body;
    expect(comments.map(({ body, html_body: html }) => [body, html])).toEqual([
      [
        'a < b & "c"\nd',
        '<div class="zd-comment" dir="auto"><p dir="auto">a &lt; b &amp; &quot;c&quot;<br>d</p></div>',
      ],
      [
        'Hi you & me\n\n- one\n\nl',
        '<div class="zd-comment" dir="auto"><p>Hi&nbsp;<b>you</b> &amp; me</p><ul><li>one</li></ul><a >l</a></div>',
      ],
    ]);
  });

  test('the author is who calls, or somebody known; of the first one it is the requester', async () => {
    const { id, requester_id: carla } = await api.ticket({
      requester: { email: 'c@example.com', name: 'C' },
    });
    await api.comment(id, { body: 'mine' });
    await api.comment(id, { body: 'hers', author_id: carla, public: false });
    expect(refused(await api.comment(id, { body: 'whose?', author_id: 5 }))).toEqual(
      fault('comment', 'InvalidValue'),
    );
    expect(refused(await api.comment(id, {}))).toEqual(fault('comment', 'BlankValue'));
    const { comments } = (await api.get(`/tickets/${id}/comments`)).body;
    expect(comments.map(({ body, author_id: author, public: shown }) => [body, author, shown])).toEqual([
      ['It smokes', carla, true],
      ['mine', userId('ann@sandbox.example'), true],
      ['hers', carla, false],
    ]);
  });

  test('metadata is kept on the audit, which lists what changed', async () => {
    const { id } = await api.ticket();
    const bob = api.as('bob@sandbox.example');
    const { body } = await bob.comment(
      id,
      { body: 'hi' },
      { status: 'open', metadata: { ref: 'pms:note:1' } },
    );
    expect(body.audit).toMatchObject({
      ticket_id: id,
      author_id: userId('bob@sandbox.example'),
      metadata: { system: {}, custom: { ref: 'pms:note:1' } },
    });
    const { audits } = (await api.get(`/tickets/${id}/audits`)).body;
    expect(audits[1]).toEqual(body.audit);
    expect(audits[0]?.events).toContainEqual(
      expect.objectContaining({ type: 'Create', field_name: 'subject' }),
    );
    expect(audits[1]?.events).toEqual([
      expect.objectContaining({ type: 'Comment', body: 'hi', audit_id: body.audit.id }),
      expect.objectContaining({ type: 'Change', field_name: 'status', previous_value: 'new', value: 'open' }),
      expect.objectContaining({ type: 'Change', field_name: 'custom_status_id' }),
    ]);
  });

  test('come oldest first, or as asked for, page by page', async () => {
    const { id } = await api.ticket({ comment: { body: '0' } });
    for (const body of ['1', '2']) await api.comment(id, { body });
    const bodies = async (query: string) => {
      const { body } = await api.get(`/tickets/${id}/comments${query}`);
      return { bodies: body.comments.map((each) => each.body), next: body.links?.next ?? '' };
    };
    expect((await bodies('')).bodies).toEqual(['0', '1', '2']);
    expect((await bodies('?sort_order=desc')).bodies).toEqual(['2', '1', '0']);
    const first = await bodies('?sort=-created_at&page[size]=2');
    expect(first.bodies).toEqual(['2', '1']);
    // Somebody writes in between: what is newer does not push anything onto the next page twice.
    await api.comment(id, { body: '3' });
    expect((await api.get(first.next)).body.comments.map(({ body }) => body)).toEqual(['0']);
  });

  test('cannot be more than 5,000; other updates still pass', async () => {
    const { id } = await api.ticket();
    const agent = sandbox.store.userByEmail.get('ann@sandbox.example');
    for (let i = 1; i < 5_000; i += 1)
      sandbox.tickets.update(id, { comment: { body: String(i) } }, agent as never);
    expect(refused(await api.comment(id, { body: 'too much' }))).toEqual(fault('base', 'TooManyComments'));
    expect((await api.put(`/tickets/${id}`, { ticket: { subject: 'S' } })).status).toBe(200);
    expect((await api.get(`/tickets/${id}/comments/count`)).body['count']).toMatchObject({ value: 5_000 });
  });

  test('are redacted everywhere, also as description and in audits and exports', async () => {
    const { id } = await api.ticket({ comment: { body: 'card 4111 & 4111' } });
    await api.comment(id, { body: 'pin 77 & pin 88 & ok' });
    const [first, second] = (await api.get(`/tickets/${id}/comments`)).body.comments;
    const { body } = await api.put(`/tickets/${id}/comments/${first?.id}/redact`, { text: '4111' });
    expect(body.comment.body).toBe('card ▇▇▇▇ & ▇▇▇▇');
    const html = '<div><redact>pin 77</redact> &amp; <redact>pin 88</redact> &amp; ok</div>';
    const marked = await api.put(`/comment_redactions/${second?.id}`, { ticket_id: id, html_body: html });
    expect(marked.body.comment).toMatchObject({ plain_body: '▇▇▇▇▇▇ & ▇▇▇▇▇▇ & ok' });
    expect((await api.get(`/tickets/${id}`)).body.ticket.description).toBe('card ▇▇▇▇ & ▇▇▇▇');
    const everywhere = JSON.stringify([
      await api.get(`/tickets/${id}/comments`),
      await api.get(`/tickets/${id}/audits`),
      await exported(`start_time=${SINCE}`),
      await events(),
    ]);
    expect(everywhere).not.toMatch(/4111|pin/);
    expect((await events()).flatMap((event) => event.child_events)).toContainEqual(
      expect.objectContaining({ event_type: 'CommentRedactionEvent', comment_id: String(first?.id) }),
    );
    const all = await api.put(`/comment_redactions/${second?.id}`, { ticket_id: id });
    expect(all.body.comment.body).toMatch(/^▇+$/);
    expect((await api.put(`/comment_redactions/${second?.id}`, { ticket_id: id + 1 })).status).toBe(404);
  });

  test('are made private, also on a closed ticket', async () => {
    const { id } = await api.ticket({ status: 'closed' });
    const [first] = (await api.get(`/tickets/${id}/comments`)).body.comments;
    expect((await api.put(`/tickets/${id}/comments/${first?.id}/make_private`)).status).toBe(200);
    expect((await api.get(`/tickets/${id}/comments`)).body.comments[0]?.public).toBe(false);
    expect((await api.put(`/tickets/${id}/comments/5/make_private`)).status).toBe(404);
  });

  test('carry uploaded files, byte for byte, behind a redirect', async () => {
    const upload = await api.upload('a b.json', '{"a":  1}', 'application/json');
    expect(upload.attachment).toMatchObject({ file_name: 'a b.json', size: 9 });
    const { id } = await api.ticket({ comment: { body: 'see', uploads: [upload.token] } });
    const [comment] = (await api.get(`/tickets/${id}/comments`)).body.comments;
    const [attachment] = comment?.attachments ?? [];
    expect(attachment).toMatchObject({
      id: upload.attachment.id,
      content_url: upload.attachment.content_url,
    });
    const redirect = await fetch(attachment?.content_url ?? '', { redirect: 'manual' });
    expect([redirect.status, redirect.headers.get('location')]).toEqual([
      302,
      expect.stringContaining('a%20b.json'),
    ]);
    expect(await (await fetch(attachment?.content_url ?? '')).text()).toBe('{"a":  1}');
    // A token is used up.
    await api.comment(id, { body: 'again', uploads: [upload.token] });
    expect((await api.get(`/tickets/${id}/comments`)).body.comments[1]?.attachments).toEqual([]);
    await api.put(`/tickets/${id}/comments/${comment?.id}/attachments/${attachment?.id}/redact`);
    expect((await fetch(attachment?.content_url ?? '')).status).toBe(404);
    expect((await api.get(`/tickets/${id}/comments`)).body.comments[0]?.attachments[0]?.file_name).toBe(
      'redacted.txt',
    );
  });
});

describe('exports', () => {
  test('tickets by cursor: each once, again when it changes, up to this second', async () => {
    const ids: number[] = [];
    for (let i = 0; i < 5; i += 1) ids.push((await api.ticket()).id);
    const all = await exported(`start_time=${SINCE}&per_page=2`);
    expect([all.tickets.map(({ id }) => id), all.pages]).toEqual([ids, 3]);
    const empty = await exported(`cursor=${all.cursor}`);
    expect(empty).toMatchObject({ tickets: [], cursor: all.cursor });
    // In the same second: nothing is lost behind the cursor.
    await api.put(`/tickets/${ids[1]}`, { ticket: { subject: 'changed' } });
    await api.put(`/tickets/${ids[0]}`, { ticket: { subject: 'changed' } });
    const next = await exported(`cursor=${all.cursor}`);
    expect(next.tickets.map(({ id }) => id)).toEqual([ids[1], ids[0]]);
    oneSecondLater();
    const again = await exported(`start_time=${SINCE}&per_page=2`);
    expect(again.tickets.map(({ id }) => id)).toEqual([ids[2], ids[3], ids[4], ids[1], ids[0]]);
    expect((await api.get('/incremental/tickets/cursor?cursor=nonsense')).status).toBe(400);
  });

  test('a system’s update moves generated_timestamp only', async () => {
    const { id } = await api.ticket();
    const { cursor } = await exported(`start_time=${SINCE}`);
    oneSecondLater();
    await api.control('POST', `/tickets/${id}/touch`);
    expect((await exported(`cursor=${cursor}`)).tickets).toMatchObject([
      { id, updated_at: '2026-01-01T00:00:00Z', generated_timestamp: START / 1000 + 1 },
    ]);
  });

  test.each(['tickets/cursor', 'tickets', 'organizations', 'users', 'ticket_events'])(
    '%s: start_time lies at least a minute back',
    async (path) => {
      const status = async (query: string) => (await api.get(`/incremental/${path}.json${query}`)).status;
      const second = START / 1000;
      expect(await status(`?start_time=${second - 60}`)).toBe(200);
      expect(await status(`?start_time=${second - 59}`)).toBe(422);
      expect(await status(`?start_time=${second + 60}`)).toBe(422);
      expect(await status('')).toBe(400);
      expect(await status('?start_time=yesterday')).toBe(400);
    },
  );

  test('organizations by time: seconds stay whole, deleted ones included, repeated at the seam', async () => {
    for (const name of ['A', 'B', 'C']) await api.organization({ name });
    oneSecondLater();
    const { id } = await api.organization({ name: 'D' });
    await api.delete(`/organizations/${id}`);
    oneSecondLater();
    await api.organization({ name: 'E' });
    const page = async (start: number) => {
      const { body } = await api.get(`/incremental/organizations?start_time=${start}&per_page=2`);
      return [body.organizations.map(({ name }) => name), body.count, body.end_of_stream, body.end_time];
    };
    const second = START / 1000;
    expect(await page(SINCE)).toEqual([['A', 'B', 'C'], 3, false, second + 1]);
    now += 60_000;
    expect(await page(second)).toEqual([['A', 'B', 'C'], 3, false, second + 1]);
    expect(await page(second + 1)).toEqual([[`${id}_deleted_D`, 'E'], 2, true, second + 2]);
    const { body } = await api.get(`/incremental/organizations?start_time=${second + 1}&per_page=1`);
    expect(body.organizations[0]?.deleted_at).toBe('2026-01-01T00:00:01Z');
    expect(body.next_page).toBe(
      `${sandbox.url}/api/v2/incremental/organizations.json?start_time=${second + 2}&per_page=1`,
    );
  });

  test('events: comments as children when asked for, with the audit’s metadata', async () => {
    const { id } = await api.ticket();
    await api.comment(id, { body: 'hi < b', public: false }, { priority: 'low', metadata: { ref: 'n1' } });
    const bare = (await events('users')).flatMap((event) => event.child_events);
    expect(bare.filter((each) => each.event_type === 'Comment')).toMatchObject([
      { comment_present: true, comment_public: true },
      { comment_present: true, comment_public: false },
    ]);
    expect(bare.some((each) => 'body' in each)).toBe(false);
    const [created, updated] = await events();
    expect(created?.child_events).toContainEqual(expect.objectContaining({ event_type: 'Create' }));
    expect(updated).toMatchObject({
      ticket_id: id,
      updater_id: userId('ann@sandbox.example'),
      event_type: 'Audit',
      timestamp: START / 1000,
      metadata: { custom: { ref: 'n1' } },
    });
    const comment = updated?.child_events.find((each) => each.event_type === 'Comment');
    const [, shown] = (await api.get(`/tickets/${id}/comments`)).body.comments;
    expect(comment).toMatchObject({
      id: shown?.id,
      audit_id: updated?.id,
      body: 'hi < b',
      plain_body: 'hi < b',
      html_body: shown?.html_body,
      public: false,
      author_id: userId('ann@sandbox.example'),
      attachments: [],
      created_at: '2026-01-01T00:00:00Z',
      via: { channel: 'api' },
    });
    expect(updated?.child_events).toContainEqual(
      expect.objectContaining({ event_type: 'Change', priority: 'low', previous_value: '0' }),
    );
  });

  test('a record that changes often is read once, in full pages', async () => {
    const agent = sandbox.store.userByEmail.get('ann@sandbox.example') as never;
    for (let i = 0; i < 3_000; i += 1) sandbox.tickets.create({ comment: { body: 'x' } }, agent);
    for (let i = 0; i < 10_000; i += 1) sandbox.tickets.touch(1 + (i % 3_000));
    const sizes: number[] = [];
    for (let at = `start_time=${SINCE}`; ;) {
      const { body } = await api.get(`/incremental/tickets/cursor?${at}`);
      sizes.push(body.tickets.length);
      if (body.end_of_stream) break;
      at = `cursor=${body.after_cursor}`;
    }
    expect(sizes).toEqual([1000, 1000, 1000]);
  });
});

describe('jobs', () => {
  test('are queued, and report each record', async () => {
    await api.organization({ name: 'Taken' });
    const job = await api.post('/organizations/create_many', {
      organizations: [{ name: 'A' }, { name: 'taken' }, { name: 'B' }],
    });
    expect(job.body.job_status).toMatchObject({ status: 'queued', total: 3, results: null });
    const { results } = await api.done(job);
    expect(results).toMatchObject([
      { status: 'Created' },
      { index: 1, error: 'OrganizationCreateFailed', details: 'Name:  taken has already been taken' },
      { status: 'Created' },
    ]);
    expect((await api.get(`/organizations/${results?.[2]?.id}`)).body.organization.name).toBe('B');
    expect((await api.get('/job_statuses/nonsense')).status).toBe(404);
  });

  test('update each record its own way or all the same way', async () => {
    const [a, b] = [await api.ticket(), await api.ticket()];
    const own = {
      tickets: [
        { id: a.id, subject: 'A' },
        { id: 99, subject: 'none' },
      ],
    };
    expect((await api.done(await api.put('/tickets/update_many', own))).results).toMatchObject([
      { id: a.id, success: true },
      { index: 1, error: 'TicketUpdateFailed', details: 'Not found' },
    ]);
    const same = { ticket: { priority: 'high', additional_tags: ['x'] } };
    await api.done(await api.put(`/tickets/update_many?ids=${a.id},${b.id}`, same));
    const both = (await api.get(`/tickets/show_many?ids=${a.id},${b.id}`)).body.tickets;
    expect(both).toMatchObject([
      { subject: 'A', priority: 'high', tags: ['x'] },
      { subject: 'Printer', priority: 'high', tags: ['x'] },
    ]);
    await api.done(await api.delete(`/tickets/destroy_many?ids=${a.id}`));
    expect((await api.get(`/tickets/${a.id}`)).status).toBe(404);
  });

  test('take a hundred records at most', async () => {
    const tickets = Array.from({ length: 101 }, () => ({ comment: { body: 'x' } }));
    expect((await api.post('/tickets/create_many', { tickets })).status).toBe(400);
    const { results } = await api.done(await api.post('/tickets/create_many', { tickets: tickets.slice(1) }));
    expect(results).toHaveLength(100);
  });
});

describe('people', () => {
  test('have one address each, in lower case', async () => {
    const { body } = await api.post('/users', { user: { name: 'Eve', email: 'Eve@Example.com' } });
    expect(body.user).toMatchObject({ email: 'eve@example.com', role: 'end-user', active: true });
    expect(refused(await api.post('/users', { user: { name: 'E', email: 'EVE@example.com' } }))).toEqual(
      fault('email', 'DuplicateValue'),
    );
    expect(refused(await api.post('/users', { user: { name: 'E', email: 'nonsense' } }))).toEqual(
      fault('email', 'InvalidValue'),
    );
    expect((await api.get('/users/search?query=email:"EVE@example.com"')).body.users).toMatchObject([
      { id: body.user.id },
    ]);
    expect((await api.get('/users/search?query=email:eve@example.co')).body.users).toEqual([]);
    expect((await api.get(`/users/show_many?ids=${body.user.id},7`)).body.users).toHaveLength(1);
  });

  test('are created or updated by address or external id', async () => {
    const upsert = (user: object) => api.post('/users/create_or_update', { user });
    const first = await upsert({ name: 'Eve', email: 'eve@example.com', external_id: 'x' });
    expect(first.status).toBe(201);
    const second = await upsert({ name: 'Eva', email: 'EVE@example.com' });
    expect([second.status, second.body.user.id, second.body.user.name]).toEqual([
      200,
      first.body.user.id,
      'Eva',
    ]);
    expect((await upsert({ name: 'E', external_id: 'X' })).body.user.id).toBe(first.body.user.id);
    await api.put(`/users/${first.body.user.id}`, { user: { role: 'agent' } });
    expect((await api.as('eve@example.com').get('/users/me')).status).toBe(200);
    expect((await api.get('/users?role=agent')).body.users).toHaveLength(3);
  });

  test('search speaks a little of the query language', async () => {
    await api.organization({ name: 'Acme' });
    const { id } = await api.ticket({ tags: ['red'], external_id: 'x1' });
    await api.ticket({ subject: 'Other', status: 'solved', assignee_email: 'bob@sandbox.example' });
    const found = async (query: string) =>
      (await api.get(`/search?query=${encodeURIComponent(query)}`)).body.results.map((each) => each['id']);
    expect(await found('type:ticket tags:red')).toEqual([id]);
    expect(await found('type:ticket external_id:x1')).toEqual([id]);
    expect(await found('type:ticket -status:solved')).toEqual([id]);
    expect(await found('type:ticket created>2026-01-02')).toEqual([]);
    expect(await found('type:organization acme')).toHaveLength(1);
    expect((await api.get('/search')).status).toBe(422);
  });
});

describe('the control plane', () => {
  test('shows the state and moves the clock', async () => {
    const { id } = await api.ticket();
    const { body } = await api.control('GET', '/state');
    expect(body.tickets).toMatchObject([{ id }]);
    await api.control('POST', '/clock', { advanceMs: 90_000 });
    expect((await api.ticket()).created_at).toBe('2026-01-01T00:01:30Z');
    expect((await api.control('POST', '/clock', { advanceMs: -1 })).status).toBe(400);
  });

  test('counts calls, writes and faults', async () => {
    const { id } = await api.ticket();
    await api.get(`/tickets/${id}.json`);
    await api.as('bob@sandbox.example').get('/tickets/99');
    await api.control('PUT', '/faults', [{ route: '/brands', kind: 'status', times: 1 }]);
    await api.get('/brands');
    const { body } = await api.control('GET', '/stats');
    expect(body['calls']).toEqual(
      expect.arrayContaining([
        { user: 'ann@sandbox.example', method: 'GET', route: '/api/v2/tickets/:id', status: 200, count: 1 },
        { user: 'bob@sandbox.example', method: 'GET', route: '/api/v2/tickets/:id', status: 404, count: 1 },
      ]),
    );
    expect(body['writes']).toEqual({ tickets: 1, comments: 1 });
    expect(body['faults']).toEqual({ status: 1 });
    await api.control('POST', '/stats/reset');
    expect((await api.control('GET', '/stats')).body).toMatchObject({ calls: [], writes: {}, faults: {} });
  });
});

describe('faults', () => {
  const inject = (...rules: object[]) => api.control('PUT', '/faults', rules);

  test.each([401, 429, 500, 503])(
    'status %s with Retry-After, so many times, on one route',
    async (status) => {
      await inject({
        route: '/api/v2/tickets/*',
        method: 'GET',
        kind: 'status',
        status,
        retryAfterSeconds: 7,
        times: 2,
      });
      const { id } = await api.ticket();
      for (let i = 0; i < 2; i += 1) {
        const answer = await api.get(`/tickets/${id}`);
        expect([answer.status, answer.headers.get('retry-after')]).toEqual([status, '7']);
      }
      expect((await api.get(`/tickets/${id}`)).status).toBe(200);
    },
  );

  test('a glob’s star is one segment; two are any; an expression sees method and query', async () => {
    const { id } = await api.ticket();
    const struck = async (route: string) => {
      await inject({ route, kind: 'status' });
      const paths = ['/tickets', `/tickets/${id}?x=1`, `/tickets/${id}/comments`];
      return (await Promise.all(paths.map(async (path) => (await api.get(path)).status))).map(
        (each) => each === 503,
      );
    };
    expect(await struck('/api/v2/tickets/*')).toEqual([false, true, false]);
    expect(await struck('/api/v2/tickets/**')).toEqual([false, true, true]);
    expect(await struck('^GET .*x=1$')).toEqual([false, true, false]);
    expect(await struck('^POST ')).toEqual([false, false, false]);
    expect((await inject({ route: '(', kind: 'status' })).status).toBe(400);
    expect((await inject({ route: '/', kind: 'nonsense' })).status).toBe(400);
    await api.control('DELETE', '/faults');
    expect((await api.get('/tickets')).status).toBe(200);
  });

  test('after a time-out the write is done, and the key finds it', async () => {
    await inject({ route: '^POST /api/v2/tickets', kind: 'timeoutAfterWrite', times: 1 });
    const create = () =>
      api.post('/tickets', { ticket: { comment: { body: 'x' } } }, { 'idempotency-key': 'k' });
    await expect(create()).rejects.toThrow();
    expect(sandbox.store.tickets.size).toBe(1);
    expect((await create()).headers.get('x-idempotency-lookup')).toBe('hit');
    expect(sandbox.store.tickets.size).toBe(1);
  });

  test('after a reset nothing is done', async () => {
    await inject({ route: '^POST /api/v2/tickets', kind: 'reset', times: 1 });
    await expect(api.ticket()).rejects.toThrow();
    expect(sandbox.store.tickets.size).toBe(0);
    expect((await api.control('GET', '/stats')).body['faults']).toEqual({ reset: 1 });
  });

  test.each(['malformed', 'truncated'])('%s JSON after the write', async (kind) => {
    await inject({ route: '/tickets', kind, times: 1 });
    await expect(api.ticket()).rejects.toThrow(SyntaxError);
    expect(sandbox.store.tickets.size).toBe(1);
  });

  test('a stale export hides the latest writes, and its cursor finds them later', async () => {
    const first = await api.ticket();
    now += 30_000;
    const second = await api.ticket();
    await inject({ route: '/incremental/', kind: 'stale', staleSeconds: 20, times: 2 });
    const stale = await exported(`start_time=${SINCE}`);
    expect(stale.tickets.map(({ id }) => id)).toEqual([first.id]);
    expect(await events()).toHaveLength(1);
    expect((await exported(`cursor=${stale.cursor}`)).tickets.map(({ id }) => id)).toEqual([second.id]);
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
