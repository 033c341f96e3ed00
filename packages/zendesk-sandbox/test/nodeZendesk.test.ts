import { createClient, type ZendeskClient } from 'node-zendesk';
import { NO_LIMITS, startZendeskSandbox, type ZendeskSandbox } from '../src';

/** An existing client library, written for the live API, takes the sandbox for it. */
let sandbox: ZendeskSandbox;
let client: ZendeskClient;

beforeEach(async () => {
  sandbox = await startZendeskSandbox(NO_LIMITS);
  client = connect(sandbox.bearer('ann@sandbox.example'));
});
afterEach(() => sandbox.close());

const connect = (token: string): ZendeskClient =>
  createClient({
    oauth: true,
    token,
    subdomain: 'sandbox',
    endpointUri: `${sandbox.url}/api/v2`,
  });
/** The library's types say `object` for most; the tests know what they asked for. */
const as = <T>(value: unknown): T => value as T;
type Record_ = { id: number; name: string; subject: string; status: string; [field: string]: unknown };
const result = async (call: Promise<{ result: unknown }>): Promise<Record_> =>
  as<Record_>((await call).result);
const hourAgo = () => Math.floor(Date.now() / 1000) - 3600;
const done = async (call: Promise<{ result: unknown }>): Promise<unknown> => {
  const { id } = as<{ job_status: { id: string } }>((await call).result).job_status;
  return as<{ results: unknown }>(await client.jobstatuses.watch(id, 5, 50)).results;
};

test('shows the signed-in user', async () => {
  expect(await result(client.users.me())).toMatchObject({ email: 'ann@sandbox.example', role: 'admin' });
});

test('a wrong token is refused', async () => {
  await expect(connect('nonsense').users.me()).rejects.toThrow();
});

test('creates, comments on, updates, lists, audits, tags and deletes tickets', async () => {
  const ticket = await result(
    client.tickets.create(as({ ticket: { subject: 'Printer', comment: { body: 'It smokes' } } })),
  );
  expect(ticket).toMatchObject({ id: 1, subject: 'Printer', status: 'new' });
  const update = { ticket: { status: 'open', comment: { body: 'On my way', public: false } } };
  expect(await result(client.tickets.update(ticket.id, as(update)))).toMatchObject({ status: 'open' });
  expect(await result(client.tickets.show(ticket.id))).toMatchObject({ status: 'open' });
  expect(await client.tickets.list()).toMatchObject([{ id: ticket.id }]);
  expect((await client.tickets.getComments(ticket.id)).flat()).toMatchObject([
    { body: 'It smokes', public: true },
    { body: 'On my way', public: false },
  ]);
  expect(await client.tickets.exportAudit(ticket.id)).toHaveLength(2);
  // The library sends these arguments as they are; the API wants them in their envelope.
  await client.tickets.addTags(ticket.id, as({ tags: ['red'] }));
  await client.tickets.updateTags(ticket.id, as({ tags: ['blue', 'Green'] }));
  expect(sandbox.store.tickets.get(ticket.id)?.tags).toEqual(['blue', 'green']);
  await client.tickets.delete(ticket.id);
  await expect(client.tickets.show(ticket.id)).rejects.toThrow();
});

test('updates many tickets at once, and merges tickets', async () => {
  const tickets = ['A', 'B', 'C'].map((subject) => ({ subject, comment: { body: subject } }));
  expect(await done(client.tickets.createMany(as({ tickets })))).toMatchObject([
    { id: 1 },
    { id: 2 },
    { id: 3 },
  ]);
  await done(client.tickets.updateMany([1, 2], { ticket: { priority: 'high' } }));
  const shown = as<Record_[]>((await client.tickets.showMany([1, 2, 3])).result);
  expect(shown.map(({ priority }) => priority)).toEqual(['high', 'high', null]);
  await done(client.tickets.merge(1, { ids: [2], source_comment: 'into 1' }));
  expect((await result(client.tickets.show(2))).status).toBe('closed');
});

test('organizations', async () => {
  const acme = await result(
    client.organizations.create({ organization: { name: 'Acme', external_id: 'x1' } }),
  );
  await expect(client.organizations.create({ organization: { name: 'ACME' } })).rejects.toThrow('422');
  const renamed = { organization: { name: 'Acme Ltd' } };
  expect(await result(client.organizations.update(acme.id, renamed))).toMatchObject({ name: 'Acme Ltd' });
  await client.organizations.createOrUpdate({ organization: { external_id: 'x1', details: 'upserted' } });
  expect(await result(client.organizations.show(acme.id))).toMatchObject({ details: 'upserted' });
  expect(await client.organizations.search(as('x1'))).toMatchObject([{ id: acme.id }]);
  expect(await client.organizations.autocomplete({ name: 'acm' })).toMatchObject([{ id: acme.id }]);
  expect(await client.organizations.showMany([acme.id])).toMatchObject([{ id: acme.id }]);
  expect(await client.organizations.list()).toMatchObject([{ id: acme.id }]);
  await client.organizations.delete(acme.id);
  expect(await client.organizations.list()).toEqual([]);
  expect(await client.organizations.incremental(as(hourAgo()))).toMatchObject([
    { id: acme.id, deleted_at: expect.any(String) as unknown },
  ]);
});

test('follows lists to their end, by cursor', async () => {
  for (let i = 0; i < 250; i += 1)
    await client.organizations.create({ organization: { name: `Organization ${i}` } });
  expect(as<unknown[]>(await client.organizations.list())).toHaveLength(250);
});

test('people', async () => {
  const eve = await result(client.users.create({ user: { name: 'Eve', email: 'Eve@example.com' } }));
  expect(eve).toMatchObject({ email: 'eve@example.com', role: 'end-user' });
  expect(
    await result(client.users.createOrUpdate({ user: { email: 'eve@example.com', name: 'Eva' } })),
  ).toMatchObject({
    id: eve.id,
    name: 'Eva',
  });
  expect(await client.users.search({ query: 'email:eve@example.com' })).toMatchObject([{ id: eve.id }]);
  expect(as<Record_[]>((await client.users.showMany([eve.id])).result)).toMatchObject([{ id: eve.id }]);
  expect(await client.users.list()).toHaveLength(5);
  expect(await client.users.incremental(hourAgo())).toHaveLength(5);
});

test('search and incremental exports', async () => {
  await client.tickets.create(as({ ticket: { subject: 'Needle', comment: { body: 'in a haystack' } } }));
  await client.tickets.create(as({ ticket: { subject: 'Hay', comment: { body: 'and hay' } } }));
  expect(await client.search.queryAll('type:ticket needle')).toMatchObject([{ subject: 'Needle' }]);
  expect(await client.tickets.incremental(as(hourAgo()))).toHaveLength(2);
  const events = as<{ child_events: { event_type: string; body?: string }[] }[]>(
    await client.ticketevents.incrementalInclude(hourAgo(), 'comment_events'),
  ).flat();
  const comments = events.flatMap(({ child_events: children }) =>
    children.filter(({ event_type: type }) => type === 'Comment'),
  );
  expect(comments.map(({ body }) => body)).toEqual(['in a haystack', 'and hay']);
});

test('fields, groups and webhooks', async () => {
  expect(as<Record_[]>(await client.ticketfields.list())).toContainEqual(
    expect.objectContaining({ title: 'Severity' }),
  );
  expect(as<Record_[]>(await client.organizationfields.list())).toHaveLength(5);
  expect(as<Record_[]>(await client.groups.list())).toContainEqual(
    expect.objectContaining({ name: 'Support' }),
  );
  const webhook = {
    name: 'w',
    endpoint: 'http://127.0.0.1:9',
    subscriptions: ['zen:event-type:ticket.created'],
  };
  const hook = as<{ id: string }>((await client.webhooks.create({ webhook })).result);
  expect((await client.webhooks.getSigningSecret(hook.id)).result).toMatchObject({
    signing_secret: { algorithm: 'SHA256' },
  });
  await client.webhooks.delete(hook.id);
});
