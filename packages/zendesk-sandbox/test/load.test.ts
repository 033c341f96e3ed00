import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadZendeskData, NO_LIMITS, startZendeskSandbox, type ZendeskSandbox, type Fields } from '../src';
import { ZendeskApi, type TicketEvent } from './support/zendeskApi';

const FIXTURE = path.resolve(__dirname, 'fixtures/dangling');
const SAMPLE = path.resolve(__dirname, '../../../../shared/zendesk-sample');
const withSample = existsSync(path.join(SAMPLE, 'tickets.json')) ? test : test.skip;

let sandbox: ZendeskSandbox;
let api: ZendeskApi;

beforeEach(async () => {
  sandbox = await startZendeskSandbox(NO_LIMITS);
  api = new ZendeskApi(sandbox);
});
afterEach(() => sandbox.close());

const events = async (): Promise<TicketEvent[]> =>
  (await api.get('/incremental/ticket_events?start_time=1&include=comment_events')).body.ticket_events;
const commentEvents = async () =>
  (await events()).flatMap(({ ticket_id: ticketId, child_events: children }) =>
    children.filter(({ event_type: type }) => type === 'Comment').map((each) => ({ ...each, ticketId })),
  );
const exportedTickets = async () => (await api.get('/incremental/tickets/cursor?start_time=1')).body.tickets;

test('an error names the file that cannot be read', async () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'zps-load-'));
  writeFileSync(path.join(dir, 'tickets.json'), '{bad');
  await expect(loadZendeskData(sandbox.store, dir)).rejects.toThrow(/tickets\.json: .*JSON/);
  writeFileSync(path.join(dir, 'tickets.json'), '{}');
  await expect(loadZendeskData(sandbox.store, dir)).rejects.toThrow(
    'tickets.json: expected a list of records',
  );
});

describe('rows of an account’s export', () => {
  beforeEach(async () => {
    const loaded = await loadZendeskData(sandbox.store, FIXTURE);
    expect(loaded).toEqual({
      organizations: 2,
      tickets: 2,
      comments: 2,
      users: 2,
      skipped: [
        'organization 370326181494: the name "NORTHWIND" is taken',
        'comment 1030820361034: it names no ticket',
      ],
    });
  });

  test('organizations keep ids, tags and domains', async () => {
    expect((await api.get('/organizations/370326104793')).body.organization).toMatchObject({
      id: 370326104793,
      name: 'Northwind',
      tags: ['emea', 'gold'],
      domain_names: ['northwind.example'],
      shared_tickets: true,
      external_id: null,
      created_at: '2020-02-13T22:45:02Z',
      updated_at: '2020-02-14T08:00:00Z',
      deleted_at: null,
    });
    expect((await api.get('/organizations/search?external_id=ext-2')).body.organizations).toHaveLength(1);
  });

  test('tickets keep references to missing records; deleted tickets are in the export only', async () => {
    expect((await api.get('/tickets/16988')).body.ticket).toMatchObject({
      id: 16988,
      status: 'closed',
      organization_id: 370469077513,
      requester_id: 1500656884401,
      assignee_id: 418284131934,
      tags: ['customer'],
      via: { channel: 'email' },
      is_public: false,
      due_at: '2020-12-24T10:00:00Z',
      generated_timestamp: Date.parse('2021-01-13T18:42:39Z') / 1000,
    });
    expect((await api.get('/tickets/1595')).status).toBe(404);
    expect((await exportedTickets()).map(({ id, status }) => [id, status])).toEqual([
      [1595, 'deleted'],
      [16988, 'closed'],
    ]);
    expect((await api.get('/tickets/16988/comments')).body.comments).toMatchObject([
      { body: 'still here', author_id: 1500656884401, public: false },
    ]);
  });

  test('comments of missing tickets appear in the ticket events', async () => {
    expect(
      (await commentEvents()).map(({ id, ticketId, body, html_body: html }) => [id, ticketId, body, html]),
    ).toEqual(
      expect.arrayContaining([
        [
          1030820361033,
          770077,
          'a <b>dangling</b>\ncomment',
          '<div class="zd-comment" dir="auto"><p dir="auto">a &lt;b&gt;dangling&lt;/b&gt;<br>comment</p></div>',
        ],
        [407609531716, 770078, 'from json', '<div class="zd-comment" dir="auto">from json<br></div>'],
      ]),
    );
    expect((await api.get('/tickets/770077/comments')).status).toBe(404);
    expect((await events()).map(({ id }) => id)).toContain(407609531696);
  });

  test('a new ticket does not reuse an id that loaded comments belong to', async () => {
    const { id } = await api.ticket();
    expect(id).toBe(770079);
    expect((await api.get(`/tickets/${id}/comments`)).body.comments).toHaveLength(1);
  });

  test('people may share an address; a look-up returns the first of them', async () => {
    expect((await api.get('/users/show_many?ids=1111,2222')).body.users).toMatchObject([
      { id: 1111, email: 'shared@example.com', role: 'agent' },
      { id: 2222, email: 'shared@example.com', role: 'end-user' },
    ]);
    expect((await api.get('/users/search?query=email:shared@example.com')).body.users).toMatchObject([
      { id: 1111 },
    ]);
    expect((await api.as('shared@example.com').get('/users/me')).body.user.id).toBe(1111);
  });
});

test('JSON in its envelope, whose first comment is the description, is loaded without a duplicate', async () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'zendesk-data-'));
  const times = { created_at: '2024-01-01T00:00:00Z', updated_at: '2024-01-02T00:00:00Z' };
  const save = (name: string, content: unknown) =>
    writeFileSync(path.join(dir, `${name}.json`), JSON.stringify(content));
  save('tickets', {
    tickets: [{ id: 7, subject: 's', description: 'first', status: 'open', ...times }],
    count: 1,
  });
  save('comments', [
    { id: 71, ticket_id: 7, body: 'first', author_id: 5, public: true, created_at: times.created_at },
    { id: 72, ticket_id: 7, body: 'second', author_id: 5, public: false, created_at: times.updated_at },
  ]);
  expect(await loadZendeskData(sandbox.store, dir)).toMatchObject({ tickets: 1, comments: 2, skipped: [] });
  rmSync(dir, { recursive: true });
  expect((await api.get('/tickets/7/comments')).body.comments.map(({ id }) => id)).toEqual([71, 72]);
  expect((await exportedTickets())[0]).toMatchObject({ id: 7, generated_timestamp: 1704153600 });
  const [first] = await events();
  expect(first?.child_events.map(({ event_type: type }) => type)).toEqual(['Comment', 'Create']);
});

test('old records that are loaded after newer ones come first in lists', async () => {
  const { id } = await api.ticket();
  await loadZendeskData(sandbox.store, FIXTURE);
  expect((await exportedTickets()).map((ticket) => ticket.id)).toEqual([1595, 16988, id]);
  expect((await events()).map((event) => event.ticket_id)).toEqual([770077, 16988, 770078, id]);
  const recent = Math.floor(Date.now() / 1000) - 3600;
  const since = (await api.get(`/incremental/tickets/cursor?start_time=${recent}`)).body.tickets;
  expect(since.map((ticket) => ticket.id)).toEqual([id]);
});

test('a folder without files loads nothing', async () => {
  expect(await loadZendeskData(sandbox.store, path.join(FIXTURE, 'none'))).toEqual({
    organizations: 0,
    tickets: 0,
    comments: 0,
    users: 0,
    skipped: [],
  });
});

describe('the sample of real records', () => {
  const recordsOf = (name: string) =>
    JSON.parse(readFileSync(path.join(SAMPLE, `${name}.json`), 'utf8')) as (Fields & { id: number })[];
  const rowCount = (name: string) =>
    readFileSync(path.join(SAMPLE, `${name}.csv`), 'utf8')
      .trim()
      .split('\n').length - 1;

  withSample('are all there, with every reference', async () => {
    const loaded = await loadZendeskData(sandbox.store, SAMPLE);
    expect(loaded).toEqual({
      organizations: rowCount('organization_data') + recordsOf('organizations').length,
      tickets: rowCount('ticket_data') + recordsOf('tickets').length,
      comments: rowCount('ticket_comment_data') + recordsOf('comments').length,
      users: rowCount('user_data'),
      skipped: [],
    });
    const tickets = await exportedTickets();
    expect(tickets).toHaveLength(loaded.tickets);
    expect(tickets.filter(({ status }) => status === 'deleted')).toHaveLength(2);
    expect(tickets.filter(({ status }) => status === 'closed')).toHaveLength(7);
    const ids = new Set((await commentEvents()).map(({ id }) => id));
    for (const { id } of recordsOf('comments')) expect(ids).toContain(id);
    const { body } = await api.get('/incremental/organizations?start_time=1');
    expect(body.organizations).toHaveLength(loaded.organizations);
  });

  withSample('come out as they went in', async () => {
    await loadZendeskData(sandbox.store, SAMPLE);
    for (const ticket of recordsOf('tickets'))
      expect((await api.get(`/tickets/${ticket.id}`)).body.ticket).toEqual({
        ...ticket,
        // Those of the account stand beside the record's own.
        custom_fields: expect.arrayContaining(ticket['custom_fields'] as object[]) as unknown,
        fields: expect.arrayContaining(ticket['custom_fields'] as object[]) as unknown,
      });
    for (const organization of recordsOf('organizations'))
      expect((await api.get(`/organizations/${organization.id}`)).body.organization).toEqual({
        ...organization,
        organization_fields: expect.objectContaining(
          organization['organization_fields'] as object,
        ) as unknown,
      });
  });

  withSample('have no key that a record made here lacks', async () => {
    const ticket = await api.ticket();
    const organization = await api.organization({ name: 'A' });
    const [comment] = await commentEvents();
    const keysOf = (name: string) => Object.keys(recordsOf(name)[0] ?? {});
    expect(Object.keys(ticket)).toEqual(expect.arrayContaining(keysOf('tickets')));
    expect(Object.keys(organization)).toEqual(expect.arrayContaining(keysOf('organizations')));
    // These two are the event's own, around the comment.
    const ofComment = keysOf('comments').filter((key) => !['ticket_id', 'timestamp'].includes(key));
    expect(Object.keys(comment ?? {})).toEqual(expect.arrayContaining(ofComment));
    const [event] = await events();
    expect(event).toMatchObject({ ticket_id: ticket.id, timestamp: expect.any(Number) as unknown });
  });
});
