import { EVENT_TYPES } from '../../src/webhooks/eventTypes';
import { Breaker } from '../../src/webhooks/breaker';
import { retriesOf } from '../../src/webhooks/deliveries';
import { Receiver, isSigned } from '../support/receiver';
import { SEVERITY, useSandbox } from '../support/rig';

const rig = useSandbox();
const receiver = new Receiver();
let endpoint: string;
let hook: { id: string; secret: string };

const make = async (webhook: object) =>
  rig.api.post('/webhooks', { webhook: { name: 'w', endpoint, ...webhook } });

beforeAll(async () => {
  endpoint = await receiver.start();
  const subscriptions = [...EVENT_TYPES].map((type) => `zen:event-type:${type}`);
  const { id } = (await make({ subscriptions: [...subscriptions, 'zen:event-type:ticket.updated'] })).body
    .webhook;
  const { signing_secret: secret } = (await rig.api.get(`/webhooks/${id}/signing_secret`)).body;
  hook = { id, secret: secret.secret };
});
beforeEach(() => receiver.clear());
afterAll(() => receiver.stop());

test('rule 28: a change without an event type sends nothing', async () => {
  const { id } = await rig.api.organization({ name: 'Quiet' });
  await receiver.of('organization.created');
  receiver.clear();
  await rig.api.put(`/organizations/${id}`, {
    organization: { notes: 'n', details: 'd', domain_names: ['q.example'] },
  });
  await rig.api.put(`/organizations/${id}`, {
    organization: { name: 'Loud', tags: ['t'], external_id: 'x' },
  });
  await rig.api.put(`/organizations/${id}`, { organization: { organization_fields: { region: 'emea' } } });
  const types = (await receiver.take(4)).map(({ body }) => body.type.replace('zen:event-type:', ''));
  expect(types.sort()).toEqual([
    'organization.custom_field_changed',
    'organization.external_id_changed',
    'organization.name_changed',
    'organization.tags_changed',
  ]);
  expect(EVENT_TYPES.has('ticket.updated')).toBe(false);
});

test('rule 28: changes of people send events', async () => {
  const { id } = (await rig.api.post('/users', { user: { name: 'P', email: 'p@hook.example' } })).body.user;
  await rig.api.put(`/users/${id}`, { user: { name: 'Q', role: 'agent', suspended: true } });
  for (const type of ['created', 'name_changed', 'role_changed', 'suspended_changed'])
    expect((await receiver.of(`user.${type}`)).body.subject).toBe(`zen:user:${id}`);
  expect((await receiver.of('user.role_changed')).body.event).toMatchObject({
    current: 'agent',
    previous: 'end-user',
  });
  const identity = { type: 'email', value: 'q@hook.example' };
  await rig.api.post(`/users/${id}/identities`, { identity });
  expect((await receiver.of('user.identity_created')).body.event).toMatchObject({
    current: { id: expect.any(String) as unknown, primary: false, ...identity },
  });
  const { id: organization } = await rig.api.organization({ name: 'Hooked' });
  const membership = { user_id: id, organization_id: organization };
  await rig.api.post('/organization_memberships', { organization_membership: membership });
  expect((await receiver.of('user.organization_membership_created')).body.event).toMatchObject({
    organization: { id: String(organization) },
  });
});

test('rule 29: ids are text, empty values are "0" or "", and enumerated values are in capitals', async () => {
  const { id } = await rig.api.ticket({ priority: 'high', type: 'task' });
  const { body } = await receiver.of('ticket.created');
  expect(body).toMatchObject({
    account_id: expect.any(Number) as unknown,
    id: expect.stringMatching(/^[\da-f-]{36}$/) as unknown,
    subject: `zen:ticket:${id}`,
    time: expect.stringMatching(/Z$/) as unknown,
    zendesk_event_version: '2022-11-06',
  });
  expect(body.detail).toMatchObject({
    id: String(id),
    actor_id: String(rig.userId('ann@sandbox.example')),
    assignee_id: '0',
    organization_id: '0',
    external_id: '',
    status: 'NEW',
    priority: 'HIGH',
    type: 'TASK',
    is_public: true,
    via: { channel: 'web_service' },
  });
  for (const key of ['custom_fields', 'comments']) expect(body.detail).not.toHaveProperty(key);
});

test('rule 30: each event has its details; events of one action share a sequence', async () => {
  const { id } = await rig.api.ticket({ status: 'new' });
  await receiver.of('ticket.created');
  receiver.clear();
  const upload = await rig.api.upload('a.txt', 'a', 'text/plain');
  await rig.put(id, {
    status: 'open',
    custom_fields: [{ id: SEVERITY, value: 's1' }],
    comment: { body: 'hi', public: false, uploads: upload.token },
  });
  expect((await receiver.of('ticket.status_changed')).body.event).toMatchObject({
    current: 'OPEN',
    previous: 'NEW',
  });
  expect((await receiver.of('ticket.custom_field_changed')).body.event).toMatchObject({
    current: 's1',
    previous: null,
    field: { id: String(SEVERITY), title: 'Severity', type: 'tagger' },
  });
  const ann = String(rig.userId('ann@sandbox.example'));
  expect((await receiver.of('ticket.comment_added')).body.event).toMatchObject({
    comment: { body: 'hi', is_public: false, author: { id: ann, is_staff: true, name: 'Ann Agent' } },
  });
  expect((await receiver.of('ticket.attachment_linked_to_comment')).body.event).toMatchObject({
    comment: { attachment: { filename: 'a.txt', content_type: 'text/plain', is_public: false } },
  });
  const sequences = receiver.received.map(({ body }) => body.event.meta.sequence);
  expect(new Set(sequences.map((each) => each.id)).size).toBe(1);
  expect(new Set(sequences.map((each) => each.position)).size).toBe(sequences.length);
});

test.each([
  ['tags_added', { tags_added: ['b'], tags_removed: ['a'] }],
  ['added.tags', { added: { tags: ['b'] }, removed: { tags: ['a'] } }],
] as const)('rule 30: keys of a ticket’s tags, switch ticketTagKeys: %s', async (ticketTagKeys, keys) => {
  rig.sandbox.obey({ ticketTagKeys });
  const { id } = await rig.api.ticket({ tags: ['a'] });
  await rig.put(id, { tags: ['b'] });
  expect((await receiver.of('ticket.tags_changed')).body.event).toMatchObject(keys);
});

test('rule 31: a delivery is signed, and pretty-printed', async () => {
  await rig.api.ticket();
  const delivery = await receiver.of('ticket.created');
  expect(isSigned(delivery, hook.secret)).toBe(true);
  expect(delivery.headers).toMatchObject({
    'x-zendesk-account-id': '12514403',
    'x-zendesk-webhook-id': hook.id,
    'x-zendesk-webhook-invocation-id': expect.stringMatching(/^[\da-f-]{36}$/) as unknown,
    'user-agent': 'Zendesk Webhook',
    'content-type': 'application/json; charset=utf-8',
  });
  expect(delivery.text).toBe(JSON.stringify(delivery.body, null, 2));
});

describe('rule 32', () => {
  test.each([
    ['failed', null, 5],
    [409, null, 3],
    [429, null, 0],
    [503, null, 0],
    [503, 60, 0],
    [503, 59, 3],
    [429, 1, 3],
    [500, 1, 0],
    [403, null, 0],
  ] as const)('%s with Retry-After %s is repeated %s times', (status, retryAfterSeconds, times) => {
    expect(retriesOf({ status, retryAfterSeconds })).toBe(times);
  });

  test('a delivery waits as Retry-After asks; the log shows each attempt', async () => {
    receiver.answers = [{ status: 503, headers: { 'retry-after': '0' } }, { status: 403 }];
    await rig.api.ticket();
    await receiver.take(2);
    type Log = Record<string, { id: string; status: string }[]>;
    const last = async () =>
      ((await rig.api.get(`/webhooks/${hook.id}/invocations`)).body as unknown as Log)['invocations']?.at(-1);
    while ((await last())?.status !== 'terminated') await new Promise((resolve) => setTimeout(resolve, 5));
    const path = `/webhooks/${hook.id}/invocations/${(await last())?.id}/attempts`;
    expect((await rig.api.get(path)).body['attempts']).toMatchObject([
      { status: 'failed', status_code: 503 },
      { status: 'failed', status_code: 403 },
    ]);
  });

  test('the circuit breaker opens at 70 % errors of at least 100, for five seconds', () => {
    let now = 0;
    const breaker = new Breaker(() => now);
    for (let i = 0; i < 30; i += 1) breaker.count(false);
    for (let i = 0; i < 69; i += 1) breaker.count(true);
    expect(breaker.isOpen()).toBe(false);
    breaker.count(true);
    expect(breaker.isOpen()).toBe(true);
    now += 5_000;
    expect(breaker.isOpen()).toBe(false);
    for (let i = 0; i < 99; i += 1) breaker.count(true);
    expect(breaker.isOpen()).toBe(false);
    now += 5 * 60_000 + 1;
    breaker.count(true);
    expect(breaker.isOpen()).toBe(false);
  });
});

describe('rule 33', () => {
  test('a webhook has its documented keys, without secrets', async () => {
    const { status, body } = await make({ subscriptions: ['conditional_ticket_events'], name: 'Named one' });
    expect([status, body.webhook]).toMatchObject([
      201,
      {
        id: expect.stringMatching(/^01[0-9A-Z]{24}$/) as unknown,
        status: 'active',
        http_method: 'POST',
        request_format: 'json',
        created_by: String(rig.userId('ann@sandbox.example')),
      },
    ]);
    expect(JSON.stringify(body.webhook)).not.toContain('secret');
    const found = (await rig.api.get('/webhooks?filter[name_contains]=Named')).body;
    expect(found).toMatchObject({ webhooks: [{ id: body.webhook.id }], meta: { has_more: false } });
    expect((await rig.api.put(`/webhooks/${body.webhook.id}`, { webhook: { name: 'N' } })).status).toBe(204);
    const secret = await rig.api.post(`/webhooks/${body.webhook.id}/signing_secret`);
    expect([secret.status, secret.body.signing_secret.algorithm]).toEqual([201, 'SHA256']);
    const changed = { subscriptions: ['zen:event-type:ticket.created'] };
    expect((await rig.api.put(`/webhooks/${body.webhook.id}`, { webhook: changed })).status).toBe(422);
    expect((await rig.api.delete(`/webhooks/${body.webhook.id}`)).status).toBe(204);
  });

  test('a webhook cannot serve both events and triggers', async () => {
    const subscriptions = ['conditional_ticket_events', 'zen:event-type:ticket.created'];
    expect((await make({ subscriptions })).status).toBe(422);
  });

  test('a test delivery shows its answer', async () => {
    receiver.answers = [{ status: 418 }];
    const { status, body } = await rig.api.post(`/webhooks/test?webhook_id=${hook.id}`, { request: {} });
    expect([status, body]).toMatchObject([200, { response: { status_code: 418 } }]);
  });
});
