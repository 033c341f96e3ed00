import { randomUUID } from 'node:crypto';
import { MongoClient, type CommandStartedEvent } from 'mongodb';
import { openLinkStore } from '../../src/links/linkStore';
import { startBackfill } from '../../src/workers/startBackfill';
import { linkHygiene, remap } from '../../src/workflows';
import { historyPage } from '../../src/operator/history';
import { BadInput } from '../../src/operator/operatorErrors';
import type { JournalEntry } from '../../src/sync/journal';
import type { SyncRecord } from '../../src/sync/record';
import { NeedsHuman } from '../../src/systems/errors';
import { MemorySystem, lostAnswer } from '../support/memorySystem';
import { testServers } from '../support/servers';
import { startStack, type Stack } from '../support/stack';
import { testMapping } from '../support/world';

/** The sync's writes are in the journal, whatever happens between the write and the commit. */

const ROWS = [
  { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both', winner: 'latest' },
  {
    zendesk: 'text',
    pms: 'text',
    type: 'text',
    direction: 'both',
    winner: 'latest',
    fixedOn: 'zendesk',
    onEdit: 'followUp',
  },
  { zendesk: 'note', pms: 'note', type: 'text', direction: 'both', winner: 'manual' },
];

let stack: Stack;
let zendesk: MemorySystem;
let pms: MemorySystem;

beforeEach(async () => {
  zendesk = new MemorySystem('zendesk', false);
  pms = new MemorySystem('pms', true);
  stack = await startStack(testServers(), testMapping(ROWS), { zendesk, pms });
});
afterEach(async () => stack.stop());

async function pair(): Promise<{ key: string; ticket: SyncRecord; project: SyncRecord }> {
  const ticket = zendesk.add('ticket', { subject: 'a', text: 'It smokes' });
  await stack.settle();
  const [project] = pms.all('project');
  if (!project) throw new Error('no project');
  return { key: `TicketToProject/zendesk:ticket:${ticket.ref.id}`, ticket, project };
}
const entriesOf = async (key: string): Promise<JournalEntry[]> =>
  (await stack.store.journal.ofPairs([key])).get(key) ?? [];

test('the journal has a create and an update, with their cause, the source record, and both values', async () => {
  const { key, ticket, project } = await pair();
  zendesk.edit(ticket.ref, { subject: 'b' });
  await stack.settle();
  const [created, updated, ...more] = await entriesOf(key);
  expect(more).toEqual([]);
  expect(created).toMatchObject({
    op: 'create',
    side: 'pms',
    ref: `pms:project:${project.ref.id}`,
    causes: ['poll:zendesk:changes'],
    outcome: 'done',
  });
  expect(created?.rows.map(({ row, after }) => [row, after])).toContainEqual(['title', 'a']);
  expect(updated).toMatchObject({
    op: 'update',
    key,
    entity: 'TicketToProject',
    rows: [{ row: 'title', property: 'title', before: 'a', after: 'b', shown: 'b' }],
    from: `zendesk:ticket:${ticket.ref.id}@2`,
    mapping: stack.context.mapping.version,
    outcome: 'done',
  });
});

test('the journal has the request of a person or command: resync, a decision, a new mapping', async () => {
  const { key, ticket, project } = await pair();
  zendesk.edit(ticket.ref, { subject: 'b' });
  await stack.hint('TicketToProject', ticket.ref, { force: true, causes: ['resync'] });
  expect((await entriesOf(key)).at(-1)?.causes).toEqual(['resync']);
  await stack.settle();

  zendesk.edit(ticket.ref, { note: 'z' });
  pms.edit(project.ref, { note: 'p' });
  await stack.settle();
  await stack.client.workflow
    .getHandle(key)
    .result()
    .catch(() => undefined);
  const id = await stack.store.decisions.keep(key, { row: 'note', choice: 'pms' });
  await stack.hint('TicketToProject', ticket.ref, { force: true });
  expect((await entriesOf(key)).at(-1)).toMatchObject({
    causes: [`decision:${id}`],
    rows: [{ row: 'note', before: 'z', after: 'p' }],
  });

  const other = testMapping([...ROWS.slice(1), { ...ROWS[0], zendesk: 'other', winner: 'pms' }]);
  zendesk.edit(ticket.ref, { other: 'filled' });
  await stack.settle();
  await stack.store.mappings.begin(stack.context.mapping.version);
  Object.assign(stack.context, { mapping: other });
  await stack.store.mappings.replace(other.version);
  await stack.client.workflow.execute(remap, {
    workflowId: `${stack.taskQueue}-remap`,
    taskQueue: stack.taskQueue,
    args: [other.version],
  });
  expect((await entriesOf(key)).at(-1)).toMatchObject({
    causes: [`mapping:${other.version}`, `remap:${other.version}`],
    rows: [{ row: 'title', property: 'other', before: 'filled', after: 'b', former: { value: 'b' } }],
  });
});

test('an update whose answer was lost is in the journal once, as done', async () => {
  const { key, ticket } = await pair();
  let faults = 1;
  pms.fault = (at, call) => {
    if (at === 'after' && call === 'update' && faults-- > 0) throw lostAnswer();
  };
  zendesk.edit(ticket.ref, { subject: 'b' });
  await stack.settle();
  expect((await entriesOf(key)).slice(1).map(({ outcome, rows }) => [outcome, rows[0]?.after])).toEqual([
    ['done', 'b'],
  ]);
});

test('the outcome of a superseded write is unknown if nothing shows whether it was done', async () => {
  const { key, ticket, project } = await pair();
  let faults = 1;
  pms.fault = (at, call) => {
    if (at !== 'after' || call !== 'update' || faults-- <= 0) return;
    pms.edit(project.ref, { title: 'by a person' });
    throw lostAnswer();
  };
  zendesk.edit(ticket.ref, { subject: 'b' });
  await stack.settle();
  expect((await entriesOf(key))[1]).toMatchObject({ outcome: 'unknown', rows: [{ after: 'b' }] });
});

test('a process that dies between journal and commit leaves one entry, as done', async () => {
  const { key, ticket } = await pair();
  const { journal } = stack.store;
  const note = journal.note.bind(journal);
  let deaths = 1;
  jest.spyOn(journal, 'note').mockImplementation(async (entries) => {
    await note(entries);
    if (deaths-- > 0) throw lostAnswer();
  });
  zendesk.edit(ticket.ref, { subject: 'b' });
  await stack.settle();
  expect((await stack.store.get(key))?.intent).toBeNull();
  expect((await entriesOf(key)).slice(1).map(({ outcome }) => outcome)).toEqual(['done']);
});

test('the entry of a refusal has the API’s message', async () => {
  const { key, ticket } = await pair();
  pms.fault = (at, call) => {
    if (at === 'before' && call === 'update') throw new NeedsHuman('too_long', 'title is too long', 'title');
  };
  zendesk.edit(ticket.ref, { subject: 'b' });
  await stack.settle();
  expect((await entriesOf(key))[1]).toMatchObject({ outcome: 'refused', words: 'title is too long' });
});

test('redacted content is removed from the journal', async () => {
  const { key, ticket, project } = await pair();
  pms.edit(project.ref, { text: 'It smokes, pin 4711' });
  await stack.settle();
  const before = JSON.stringify(await entriesOf(key));
  expect(before).toContain('4711');
  zendesk.edit(ticket.ref, { text: 'It ▇▇▇▇▇▇' });
  await stack.settle();
  const after = await entriesOf(key);
  expect(JSON.stringify(after)).not.toMatch(/4711|smokes/);
  expect(after.flatMap(({ rows }) => rows).filter(({ row }) => row === 'text')).toEqual(
    expect.arrayContaining([expect.objectContaining({ after: '[redacted]', cut: true }) as unknown]),
  );
  expect(JSON.stringify(await stack.db.collection('journal').find().toArray())).not.toMatch(/4711|smokes/);
});

test('a backfill records its creates, with one database command for each bulk call', async () => {
  for (let n = 0; n < 25; n += 1) zendesk.add('ticket', { subject: `t${n}` });
  const note = jest.spyOn(stack.store.journal, 'note').mockClear();
  const handle = await startBackfill(stack.client, stack.store, stack.taskQueue);
  await handle.result();
  const entries = await stack.store.journal.page({ cause: 'backfill' }, null, 100);
  expect(entries).toHaveLength(25);
  expect(new Set(entries.map(({ op, outcome }) => `${op} ${outcome}`))).toEqual(new Set(['create done']));
  expect(note.mock.calls.filter(([some]) => some.length > 0).length).toBeLessThanOrEqual(3);
});

test('pages continue without a gap, with each filter', async () => {
  const { key, ticket } = await pair();
  for (const subject of ['b', 'c', 'd']) {
    zendesk.edit(ticket.ref, { subject });
    await stack.settle();
  }
  const all = await entriesOf(key);
  expect(all).toHaveLength(4);
  const met: string[] = [];
  for (let after: string | null = null; ;) {
    const page = await historyPage(stack.store, { key, cause: 'poll', row: 'title' }, after, 2);
    met.push(...page.entries.map(({ id }) => id));
    after = page.next;
    if (after === null) break;
  }
  expect(met).toEqual(all.map(({ id }) => id).reverse());
  const since = all[2]?.at ?? '';
  expect(await stack.store.journal.page({ since }, null, 9)).toHaveLength(2);
  expect(await stack.store.journal.page({ until: since }, null, 9)).toHaveLength(2);
  expect(await stack.store.journal.page({ cause: 'remap' }, null, 9)).toEqual([]);
  expect(await stack.store.journal.keysAfter({ row: 'title' }, null, 9)).toEqual([key]);
  await expect(historyPage(stack.store, {}, 'nonsense', 9)).rejects.toBeInstanceOf(BadInput);
});

describe('the bounds of the journal', () => {
  const entry = (n: number, at: string, size = 10): JournalEntry => ({
    id: `TicketToProject/zendesk:ticket:${n}@1/pms/update/x`,
    at,
    key: `TicketToProject/zendesk:ticket:${n}`,
    entity: 'TicketToProject',
    side: 'pms',
    ref: `pms:project:${n}`,
    op: 'update',
    rows: [{ row: 'title', property: 'title', before: 'a', after: 'x'.repeat(size) }],
    causes: ['resync'],
    from: null,
    mapping: 'v1',
    outcome: 'done',
    words: null,
  });

  test('link hygiene drops entries that are too old, and the oldest ones over the size limit', async () => {
    const mongo = await MongoClient.connect(testServers().mongodbUri);
    const db = mongo.db(`journal-${randomUUID().slice(0, 8)}`);
    const store = await openLinkStore(db, () => new Date(), '', undefined, { days: 10, megabytes: 1 });
    const now = Date.now();
    const at = (minutesAgo: number) => new Date(now - minutesAgo * 60_000).toISOString();
    await store.journal.note([entry(1, at(11 * 24 * 60)), entry(2, at(9 * 24 * 60))]);
    expect(await store.journal.sweep()).toBe(1);
    expect(await store.journal.page({}, null, 9)).toHaveLength(1);
    await store.journal.note(Array.from({ length: 400 }, (_, n) => entry(10 + n, at(400 - n), 4_000)));
    const dropped = await store.journal.sweep();
    expect(dropped).toBeGreaterThan(100);
    expect((await store.journal.size()).bytes).toBeLessThanOrEqual(1_000_000);
    const left = await store.journal.page({}, null, 500);
    expect(left).toHaveLength(401 - dropped);
    expect(left[0]?.key).toBe('TicketToProject/zendesk:ticket:409');
    const indexes = await db.collection('journal').indexes();
    expect(indexes).toContainEqual(expect.objectContaining({ key: { expires: 1 }, expireAfterSeconds: 0 }));
    await mongo.close();
  });

  test('are enforced by the workflow of link hygiene', async () => {
    await stack.store.journal.note([entry(1, '2020-01-01T00:00:00.000Z')]);
    const tidied = await stack.client.workflow.execute(linkHygiene, {
      workflowId: `${stack.taskQueue}-hygiene`,
      taskQueue: stack.taskQueue,
    });
    expect(tidied.dropped).toBe(1);
    expect(await stack.store.journal.page({}, null, 9)).toEqual([]);
  });

  test('entries of several pairs at the same time are stored by one command', async () => {
    const mongo = await MongoClient.connect(testServers().mongodbUri, { monitorCommands: true });
    const store = await openLinkStore(mongo.db(`journal-${randomUUID().slice(0, 8)}`));
    await store.journal.note([entry(0, new Date().toISOString())]);
    const commands: string[] = [];
    mongo.on('commandStarted', ({ commandName }: CommandStartedEvent) => commands.push(commandName));
    await Promise.all(
      Array.from({ length: 40 }, (_, n) => store.journal.note([entry(n + 1, new Date().toISOString())])),
    );
    expect(commands).toEqual(['update']);
    await mongo.close();
  });
});
