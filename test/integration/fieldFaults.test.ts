import { CONFLICTS } from 'zendesk-sandbox';
import { controlsOf, exchange, type Body } from 'testkit';
import type { Values } from '../../src/sync/record';
import { NeedsHuman, PreconditionFailed, RetryLater } from '../../src/systems/errors';
import type { SystemPort } from '../../src/systems/port';
import { attachmentOf } from '../../src/systems/zendesk/zendeskRecords';
import { startSandboxes, type Sandboxes } from '../support/sandboxes';

/**
 * Faults of ../shared/faults/field.md that concern only Zendesk's adapter: the adapter against the sandbox, over
 * HTTP.
 */

let boxes: Sandboxes;
let zendesk: SystemPort;

beforeEach(async () => {
  boxes = await startSandboxes();
  zendesk = boxes.systems.zendesk;
});
afterEach(async () => boxes.close());

const ticketRef = (id: number | string) => ({ side: 'zendesk' as const, kind: 'ticket', id: String(id) });

async function ticket(more: object = {}): Promise<number> {
  const answer = await boxes.zd('POST', '/tickets', {
    ticket: { subject: 'One', comment: { body: 'words' }, ...more },
  });
  return (answer['ticket'] as { id: number }).id;
}

async function readTicket(id: number) {
  const [found] = await zendesk.read([ticketRef(id)]);
  if (!found?.record) throw new Error(`ticket ${id} is not there`);
  return found.record;
}

const update = async (id: number, values: Values) =>
  zendesk.update(ticketRef(id), values, { version: (await readTicket(id)).version, backRef: null });

describe('F4: a 409 that is not about a precondition', () => {
  test.each(['database', 'requester'] as const)('is retried: %s', async (kind) => {
    const id = await ticket();
    await controlsOf(boxes.zendesk).setFaults({
      route: '^PUT /api/v2/tickets',
      times: 1,
      ...CONFLICTS[kind],
    });
    const failed: unknown = await update(id, { subject: 'Two' }).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(RetryLater);
    expect(failed).not.toBeInstanceOf(PreconditionFailed);
    await update(id, { subject: 'Two' });
    expect((await readTicket(id)).values['subject']).toBe('Two');
  });
});

test('F5: a redacted file is recognised by the replacement that Zendesk stores, of size 1 or 0', () => {
  const file = { id: 1, content_url: 'https://files.example/1', content_type: 'text/plain' };
  for (const size of [0, 1])
    expect(attachmentOf({ ...file, file_name: 'redacted.txt', size })).toMatchObject({ redacted: true });
  expect(attachmentOf({ ...file, file_name: 'redacted.txt', size: 2 })).toMatchObject({ redacted: false });
});

test('F12: a ticket cursor that Zendesk refuses is replaced by the time of the last page', async () => {
  const first = await ticket();
  const page = await zendesk.changes('tickets', null);
  expect(page.records.map(({ ref }) => ref.id)).toContain(String(first));
  await controlsOf(boxes.zendesk).setFaults({
    ...{ route: '^GET /api/v2/incremental/tickets/cursor', kind: 'status', times: 1, status: 400 },
    body: { error: 'InvalidCursor', description: 'the cursor is not known' },
  });
  const second = await ticket({ subject: 'Two' });
  const next = await zendesk.changes('tickets', page.cursor);
  expect(next.records.map(({ ref }) => ref.id)).toContain(String(second));
});

test('F14: another user’s job, whose results are not a list, blocks nothing', async () => {
  const id = await ticket();
  await boxes.zd('DELETE', `/tickets/${id}`);
  await boxes.zd('DELETE', `/deleted_tickets/destroy_many?ids=${id}`);
  await expect(zendesk.bulk?.settled()).resolves.toBeUndefined();
});

test('F15: a phone call arrives as a comment, by the stream and by reading', async () => {
  const id = await ticket();
  const begun = await zendesk.cursorAt('comments', new Date(Date.now() - 60_000));
  const call = { body: 'Call from +49 30 1', author: 'ann@sandbox.example' };
  const { text } = await exchange(`${boxes.zendesk.url}/_sandbox/tickets/${id}/voice_comments`, {
    method: 'POST',
    body: call,
  });
  const { comment } = JSON.parse(text) as { comment: { id: number } };
  const ref = { side: 'zendesk' as const, kind: 'comment', id: `${id}-${comment.id}` };
  const { records } = await zendesk.changes('comments', begun);
  const [read] = await zendesk.read([ref]);
  for (const record of [records.find((each) => each.ref.id === ref.id), read?.record])
    expect(record).toMatchObject({
      skip: null,
      values: { body: expect.stringContaining('+49 30 1') as string },
    });
});

test('F20: all groups and organization fields are known, also beyond one page', async () => {
  let last: Body | undefined;
  for (let n = 0; n < 101; n += 1)
    last = await boxes.zd('POST', '/groups', { group: { name: `Group ${n}` } });
  for (let n = 0; n < 101; n += 1)
    await boxes.zd('POST', '/organization_fields', {
      organization_field: { key: `field_${n}`, title: `Field ${n}`, type: 'text' },
    });
  const { id: group } = last?.['group'] as { id: number };
  const id = await ticket({ group_id: group });
  expect((await readTicket(id)).values['group']).toBe('Group 100');
  const made = await boxes.zd('POST', '/organizations', {
    organization: { name: 'Contoso', organization_fields: { field_100: 'the last' } },
  });
  const { id: organization } = made['organization'] as { id: number };
  const [found] = await zendesk.read([{ side: 'zendesk', kind: 'organization', id: String(organization) }]);
  expect(found?.record?.values).toMatchObject({ 'organization_fields.field_100': 'the last' });
});

test('F30: after an update that changes nothing, an older audit is not taken for the replaced value', async () => {
  const id = await ticket();
  await boxes.zd('PUT', `/tickets/${id}`, { ticket: { subject: 'by a person' } });
  const { replaced } = await update(id, { subject: 'by a person' });
  expect(replaced ?? {}).toEqual({});
});

test('F13, A17: a person decides about the refusal of one record; it is not retried', async () => {
  const id = await ticket();
  await controlsOf(boxes.zendesk).setFaults({
    route: `^PUT /api/v2/tickets/${id}`,
    kind: 'status',
    times: 1,
    status: 403,
  });
  await expect(update(id, { subject: 'Two' })).rejects.toBeInstanceOf(NeedsHuman);
});
