import { randomUUID } from 'node:crypto';
import { bindProperties, type OfferedProperty } from '../../src/sync/bindProperties';
import type { Mapping } from '../../src/sync/mapping';
import { linkHygiene } from '../../src/workflows';
import { MemorySystem } from '../support/memorySystem';
import { testServers } from '../support/servers';
import { startStack, type Stack } from '../support/stack';
import { testMapping } from '../support/world';

/** F1: an edit of a resting row is synced once its field returns, even without a further edit of the pair. */

const MAPPING = testMapping([
  { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both' },
  { zendesk: 'custom_fields.Level', pms: 'level', type: 'string', direction: 'both', winner: 'latest' },
]);

function boundTo(...fields: string[]): Mapping {
  const aliases = ['custom_fields.Level'];
  const ticket: OfferedProperty[] = [
    { name: 'subject', aliases: [] },
    ...fields.map((name) => ({ name, aliases })),
  ];
  const project = ['title', 'level'].map((name) => ({ name, aliases: [] }));
  const offered = { zendesk: new Map([['ticket', ticket]]), pms: new Map([['project', project]]) };
  return bindProperties(MAPPING, offered, 'mapping.yaml', () => 'custom_fields.1');
}

const OFFERED = boundTo('custom_fields.1');
const RESTING = boundTo();
const MADE_ANEW = boundTo('custom_fields.2');

let stack: Stack;
let zendesk: MemorySystem;
let pms: MemorySystem;

beforeEach(async () => {
  zendesk = new MemorySystem('zendesk', false);
  pms = new MemorySystem('pms', true);
  stack = await startStack(testServers(), OFFERED, { zendesk, pms });
});
afterEach(async () => stack.stop());

const follow = (mapping: Mapping) => Object.assign(stack.context, { mapping });
/** Like the service after its lists of fields show the change. */
const notifyPairs = async () => {
  await stack.store.bindings.noteChange();
  const { told } = await stack.client.workflow.execute(linkHygiene, {
    workflowId: `${stack.taskQueue}-hygiene-${randomUUID()}`,
    taskQueue: stack.taskQueue,
  });
  await stack.quiet();
  return told;
};
const pairsOf = async (count: number) => {
  const tickets = Array.from({ length: count }, (_, n) =>
    zendesk.add('ticket', { subject: `T ${n}`, 'custom_fields.1': 'low' }),
  );
  await stack.settle();
  return tickets.map((ticket) => {
    const project = pms.all('project').find(({ values }) => values['title'] === ticket.values['subject']);
    if (!project) throw new Error('not made');
    return { ticket: ticket.ref, project: project.ref };
  });
};
const held = (system: MemorySystem, id: string, property: string) =>
  [...system.records.values()].find(({ ref }) => ref.id === id)?.values[property];

test('F1: an edit of a resting row is synced when the field returns; pairs without one cost nothing', async () => {
  const [edited, touched, quiet] = await pairsOf(3);
  if (!edited || !touched || !quiet) throw new Error('no pairs');
  follow(RESTING);
  pms.edit(edited.project, { level: 'high' });
  zendesk.edit(touched.ticket, { subject: 'other words' });
  await stack.settle();
  expect(held(zendesk, edited.ticket.id, 'custom_fields.1')).toBe('low');

  follow(OFFERED);
  pms.calls.length = 0;
  expect(await notifyPairs()).toEqual({ 'offered again': 2 });
  expect(held(zendesk, edited.ticket.id, 'custom_fields.1')).toBe('high');
  expect(held(pms, touched.project.id, 'level')).toBe('low');
  expect(pms.calls.filter((call) => call === 'read')).toHaveLength(2);
  // Once is enough.
  expect(await notifyPairs()).toEqual({});
});

test('F1: after edits on both sides, the row’s winner counts, and the history has the other value', async () => {
  const [pair] = await pairsOf(1);
  if (!pair) throw new Error('no pair');
  follow(RESTING);
  pms.edit(pair.project, { level: 'pms' });
  await stack.settle();
  follow(OFFERED);
  zendesk.edit(pair.ticket, { 'custom_fields.1': 'zendesk' });
  await notifyPairs();
  const [project, ticket] = [
    held(pms, pair.project.id, 'level'),
    held(zendesk, pair.ticket.id, 'custom_fields.1'),
  ];
  expect(project).toBe(ticket);
  const link = await stack.store.get(`TicketToProject/zendesk:ticket:${pair.ticket.id}`);
  expect(link?.history).toMatchObject([{ lost: project === 'pms' ? 'zendesk' : 'pms' }]);
});

test('F1: a field that was created again is filled in all pairs, and clears nothing', async () => {
  const pairs = await pairsOf(2);
  follow(MADE_ANEW);
  for (const { ticket } of pairs) {
    const record = zendesk.records.get(`zendesk:ticket:${ticket.id}`);
    // Zendesk shows the new field without a change of the ticket.
    if (record) record.values = { subject: record.values['subject'] ?? null, 'custom_fields.2': null };
  }
  expect(await notifyPairs()).toEqual({ 'offered again': 2 });
  for (const { ticket, project } of pairs) {
    expect(held(pms, project.id, 'level')).toBe('low');
    expect(held(zendesk, ticket.id, 'custom_fields.2')).toBe('low');
  }
  expect(await notifyPairs()).toEqual({});
});

test('F1: without a change of the fields no pair is notified, and none again a day later', async () => {
  const [pair] = await pairsOf(1);
  if (!pair) throw new Error('no pair');
  follow(RESTING);
  pms.edit(pair.project, { level: 'high' });
  await stack.settle();
  follow(OFFERED);
  await stack.store.bindings.noteChange();
  const later = { now: () => new Date(Date.now() + 25 * 3_600_000) };
  const before = { now: stack.context.now };
  Object.assign(stack.context, later);
  const { told } = await stack.client.workflow.execute(linkHygiene, {
    workflowId: `${stack.taskQueue}-hygiene-${randomUUID()}`,
    taskQueue: stack.taskQueue,
  });
  Object.assign(stack.context, before);
  expect(told['offered again']).toBeUndefined();
});
