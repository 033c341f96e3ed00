import { startZendeskSandbox, type ZendeskSandbox } from '../src';
import { Receiver, isSigned, type Delivery } from './support/receiver';
import { ZendeskApi } from './support/zendeskApi';

let sandbox: ZendeskSandbox;
let api: ZendeskApi;
let receiver: Receiver;
let endpoint: string;

beforeEach(async () => {
  sandbox = await startZendeskSandbox({ webhookTimeoutMs: 1_000, webhookRetryMs: 1 });
  api = new ZendeskApi(sandbox);
  receiver = new Receiver();
  endpoint = await receiver.start();
});
afterEach(async () => {
  await sandbox.close();
  await receiver.stop();
});

async function subscribe(...types: string[]): Promise<{ id: string; secret: string }> {
  const subscriptions = types.map((type) => (type.includes('.') ? `zen:event-type:${type}` : type));
  const { body, status } = await api.post('/webhooks', { webhook: { name: 'w', endpoint, subscriptions } });
  expect(status).toBe(201);
  const { id } = body.webhook;
  expect(body.webhook).not.toHaveProperty('secret');
  return { id, secret: (await api.get(`/webhooks/${id}/signing_secret`)).body.signing_secret.secret };
}
/** Null: no answer at all. */
const answering = (status: number | null) => (status === null ? null : { status });
const types = (list: Delivery[]) => list.map(({ body }) => body.type.replace('zen:event-type:', ''));

test('the signature covers timestamp and raw body, and headers name webhook and invocation', async () => {
  const { id, secret } = await subscribe('ticket.created');
  const ticket = await api.ticket({ subject: 'Ünïcode 🔥', priority: 'high' });
  const [delivery] = await receiver.take(1);
  expect(delivery && isSigned(delivery, secret)).toBe(true);
  expect(delivery && isSigned(delivery, 'another secret')).toBe(false);
  expect(delivery?.headers).toMatchObject({
    'x-zendesk-webhook-id': id,
    'x-zendesk-webhook-invocation-id': expect.stringMatching(/^[\da-f-]{36}$/) as unknown,
    'content-type': expect.stringContaining('application/json') as unknown,
  });
  expect(delivery?.body).toMatchObject({
    type: 'zen:event-type:ticket.created',
    subject: `zen:ticket:${ticket.id}`,
    detail: {
      id: String(ticket.id),
      subject: 'Ünïcode 🔥',
      status: 'NEW',
      requester_id: String(ticket.requester_id),
      updated_at: ticket.updated_at,
    },
  });
});

test('a new signing secret replaces the old one', async () => {
  const { id, secret } = await subscribe('ticket.created');
  const fresh = (await api.post(`/webhooks/${id}/signing_secret`)).body.signing_secret.secret;
  await api.ticket();
  const [delivery] = await receiver.take(1);
  expect(delivery && [isSigned(delivery, secret), isSigned(delivery, fresh)]).toEqual([false, true]);
});

test('changes of tickets and organizations send events', async () => {
  await subscribe(
    ...[
      'created',
      'status_changed',
      'comment_added',
      'merged',
      'soft_deleted',
      'undeleted',
      'custom_field_changed',
    ].map((each) => `ticket.${each}`),
    ...['created', 'updated', 'deleted', 'name_changed'].map((each) => `organization.${each}`),
  );
  const seen = async (act: () => Promise<unknown>, count: number) => {
    receiver.clear();
    await act();
    return types(await receiver.take(count)).sort();
  };
  let id = 0;
  expect(await seen(async () => ({ id } = await api.ticket()), 1)).toEqual(['ticket.created']);
  const update = {
    ticket: { status: 'open', comment: { body: 'hi' }, custom_fields: [{ id: 360100000002, value: 's1' }] },
  };
  expect(await seen(() => api.put(`/tickets/${id}`, update), 3)).toEqual([
    'ticket.comment_added',
    'ticket.custom_field_changed',
    'ticket.status_changed',
  ]);
  expect(receiver.received.find(({ body }) => body.type.endsWith('comment_added'))?.body.event).toMatchObject(
    {
      comment: { body: 'hi', is_public: true },
    },
  );
  expect(
    receiver.received.find(({ body }) => body.type.endsWith('status_changed'))?.body.event,
  ).toMatchObject({
    current: 'OPEN',
    previous: 'NEW',
  });
  expect(await seen(() => api.delete(`/tickets/${id}`), 1)).toEqual(['ticket.soft_deleted']);
  expect(await seen(() => api.put(`/deleted_tickets/${id}/restore`), 1)).toEqual(['ticket.undeleted']);
  const other = await api.ticket();
  await receiver.take(2);
  const merge = () => api.post(`/tickets/${id}/merge`, { ids: [other.id] });
  expect(await seen(merge, 4)).toEqual([
    'ticket.comment_added',
    'ticket.comment_added',
    'ticket.merged',
    'ticket.status_changed',
  ]);
  let organization = 0;
  const create = async () => ({ id: organization } = await api.organization({ name: 'A' }));
  expect(await seen(create, 1)).toEqual(['organization.created']);
  const rename = () => api.put(`/organizations/${organization}`, { organization: { name: 'B' } });
  // There is no `organization.updated`: rule 28.
  expect(await seen(rename, 1)).toEqual(['organization.name_changed']);
  expect(receiver.received[0]?.body).toMatchObject({
    subject: `zen:organization:${organization}`,
    detail: { name: 'B' },
  });
  expect(await seen(() => api.delete(`/organizations/${organization}`), 1)).toEqual(['organization.deleted']);
});

test.each([[409], [null]])('after %s the same invocation is repeated', async (answer) => {
  receiver.answers = [answer, answer].map(answering);
  const { secret } = await subscribe('ticket.created');
  await api.ticket();
  const attempts = await receiver.take(3);
  expect(new Set(attempts.map(({ headers }) => headers['x-zendesk-webhook-invocation-id'])).size).toBe(1);
  expect(attempts.every((each) => isSigned(each, secret))).toBe(true);
});

// 429 and 503 without a Retry-After: rule 32.
test.each([400, 429, 500, 503])('after %s a delivery ends', async (answer) => {
  receiver.answers = [answering(answer)];
  await subscribe('ticket.created');
  const first = await api.ticket();
  await receiver.take(1);
  const second = await api.ticket();
  expect((await receiver.take(2)).map(({ body }) => body.detail['id'])).toEqual([
    String(first.id),
    String(second.id),
  ]);
});

test('a delivery ends after a few attempts', async () => {
  receiver.answers = Array.from({ length: 4 }, () => answering(409));
  await subscribe('ticket.created');
  const first = await api.ticket();
  await receiver.take(4);
  const second = await api.ticket();
  const ids = (await receiver.take(5)).map(({ body }) => body.detail['id']);
  expect(ids).toEqual([...Array.from({ length: 4 }, () => String(first.id)), String(second.id)]);
});

test('an inactive or removed webhook receives nothing', async () => {
  const { id } = await subscribe('ticket.created');
  expect((await api.call('PATCH', `/webhooks/${id}`, { webhook: { status: 'inactive' } })).status).toBe(204);
  expect((await api.get(`/webhooks/${id}`)).body.webhook).toMatchObject({ status: 'inactive' });
  await api.ticket();
  await api.call('PATCH', `/webhooks/${id}`, { webhook: { status: 'active' } });
  const { id: second } = await api.ticket();
  expect((await receiver.take(1))[0]?.body.detail['id']).toBe(String(second));
  expect((await api.delete(`/webhooks/${id}`)).status).toBe(204);
  expect((await api.get(`/webhooks/${id}/signing_secret`)).status).toBe(404);
  expect((await api.get('/webhooks')).body['webhooks']).toEqual([]);
});

test.each([
  'https://example.com/hook',
  'http://10.0.0.1/',
  'http://169.254.169.254/',
  'nonsense',
  'http://127.0.0.1.example.com/',
])('does not call %s', async (target) => {
  const webhook = { name: 'w', endpoint: target, subscriptions: ['zen:event-type:ticket.created'] };
  expect((await api.post('/webhooks', { webhook })).status).toBe(400);
  const { id } = await subscribe('ticket.created');
  expect((await api.call('PATCH', `/webhooks/${id}`, { webhook: { endpoint: target } })).status).toBe(400);
});

test('a trigger sends the body that its administrator wrote, with the placeholders filled in', async () => {
  const { id: webhookId, secret } = await subscribe('conditional_ticket_events');
  const template = '{"ticket": "{{ticket.id}}",  "title": "{{ticket.title}}", "what": "{{ ticket.status }}"}';
  const trigger = { title: 't', actions: [{ field: 'notification_webhook', value: [webhookId, template] }] };
  expect((await api.post('/triggers', { trigger })).status).toBe(201);
  const { id } = await api.ticket({ subject: 'a "quoted" one' });
  await api.put(`/tickets/${id}`, { ticket: { status: 'pending' } });
  const [created, updated] = await receiver.take(2);
  expect(created?.text).toBe(`{"ticket": "${id}",  "title": "a \\"quoted\\" one", "what": "new"}`);
  expect(JSON.parse(updated?.text ?? '')).toMatchObject({ what: 'pending' });
  expect(updated && isSigned(updated, secret)).toBe(true);
});

describe('faults of deliveries', () => {
  const inject = (...rules: object[]) => api.control('PUT', '/faults', rules);
  const ids = (list: Delivery[]) => list.map(({ body }) => Number(body.detail['id']));

  test('a delivery is duplicated', async () => {
    await subscribe('ticket.created');
    await inject({ route: '^ticket', kind: 'webhookDuplicate' });
    const { id } = await api.ticket();
    expect(ids(await receiver.take(2))).toEqual([id, id]);
  });

  test('a delivery is lost, and counted', async () => {
    await subscribe('ticket.created', 'organization.created');
    await inject({ route: 'ticket.created', kind: 'webhookLost', times: 1 });
    await api.ticket();
    const { id } = await api.ticket();
    expect(ids(await receiver.take(1))).toEqual([id]);
    expect((await api.control('GET', '/stats')).body['faults']).toEqual({ webhookLost: 1 });
  });

  test('a delivery comes after the next one, or alone if there is none', async () => {
    await subscribe('ticket.created');
    await inject({ route: 'ticket', kind: 'webhookReordered', times: 1, delayMs: 5_000 });
    const [first, second] = [await api.ticket(), await api.ticket()];
    expect(ids(await receiver.take(2))).toEqual([second.id, first.id]);
    await inject({ route: 'ticket', kind: 'webhookReordered', times: 1, delayMs: 1 });
    const third = await api.ticket();
    expect(ids(await receiver.take(3)).at(-1)).toBe(third.id);
  });

  test('a delivery comes late', async () => {
    await subscribe('ticket.created');
    await inject({ route: 'ticket', kind: 'webhookLate', times: 1, delayMs: 50 });
    const [first, second] = [await api.ticket(), await api.ticket()];
    expect(ids(await receiver.take(2)).sort()).toEqual([first.id, second.id]);
  });
});
