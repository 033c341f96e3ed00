import { MockActivityEnvironment } from '@temporalio/testing';
import { backfillSystemActivities } from '../../src/activities/backfillActivities';
import { checkMapping, loadMapping } from '../../src/config/loadMapping';
import { migrateStore } from '../../src/links/migrate';
import { MIGRATIONS } from '../../src/links/migrations';
import { SCHEMA, Schema } from '../../src/links/migrations/storedSchema';
import type { Link } from '../../src/sync/link';
import type { Mapping } from '../../src/sync/mapping';
import type { SyncRecord } from '../../src/sync/record';
import { pauseOrResume } from '../../src/workers/pauseControl';
import { readHints } from '../../src/workflows';
import { hintsCame } from '../../src/workflows/readHints';
import { controlId } from '../../src/workflows/ids';
import { MemorySystem } from '../support/memorySystem';
import { recordedMapping, recordedSystems, restoreStore } from '../support/recordStore';
import { startSandboxes } from '../support/sandboxes';
import { testServers } from '../support/servers';
import { until } from '../support/serviceProcess';
import { startStack, type Stack, type StackOptions } from '../support/stack';

/**
 * Work that another release left unfinished continues with this one: a store of version 0, with the records of both
 * systems at that time, and two releases at the same time.
 */

/** After the store was recorded and every hold in it ended, so that the present date does not matter. */
const AFTERWARDS = new Date('2026-12-01T00:00:00.000Z');
/** The time at which the page of the backfill was being written. */
const MEANWHILE = new Date('2026-11-29T13:56:00.000Z');

let mapping: Mapping;
let stack: Stack;
let zendesk: MemorySystem;
let pms: MemorySystem;

beforeAll(async () => {
  const boxes = await startSandboxes();
  mapping = await checkMapping(loadMapping(recordedMapping(0)), boxes.systems, 'mapping.yaml');
  await boxes.close();
});

async function begin(options: StackOptions): Promise<void> {
  zendesk = new MemorySystem('zendesk', false);
  pms = new MemorySystem('pms', true);
  stack = await startStack(testServers(), mapping, { zendesk, pms }, options);
}
afterEach(async () => {
  await stack.client.workflow
    .getHandle(controlId(stack.taskQueue))
    .terminate()
    .catch(() => undefined);
  await stack.stop();
});

async function links(): Promise<Link[]> {
  const all: Link[] = [];
  for await (const link of stack.store.all()) all.push(link);
  return all;
}
const titled = (title: string): SyncRecord[] =>
  zendesk.all('ticket').filter(({ values }) => values['subject'] === title);
const ticketOf = (title: string): SyncRecord => {
  const [only, ...others] = titled(title);
  if (!only || others.length > 0) throw new Error(`${others.length + 1} tickets "${title}"`);
  return only;
};
const keyOf = ({ ref }: SyncRecord) => `TicketToProject/zendesk:ticket:${ref.id}`;
const projectsOf = ({ ref }: SyncRecord) =>
  pms.all('project').filter(({ backRef }) => backRef === `zendesk:ticket:${ref.id}`);
const linkOf = async (ticket: SyncRecord) => (await stack.store.get(keyOf(ticket))) as Link;
/** Every pair reads both records and is planned; intents are continued. */
async function resyncAll(): Promise<void> {
  for (const { _id } of await links())
    await stack.context.signalPair(_id, { hints: [], force: true, hops: 0, lane: 'background' });
  await stack.quiet();
}

describe('a store of version 0', () => {
  beforeEach(async () => {
    await begin({ prepare: (db) => restoreStore(db, 0) });
    const systems = recordedSystems(0);
    zendesk.restore(systems.zendesk);
    pms.restore(systems.pms);
    stack.context.now = () => AFTERWARDS;
  });

  test('every pair is planned; intents are completed, and no write is repeated', async () => {
    const before = await links();
    const creates = before.filter(({ intent }) => intent?.writes.some(({ op }) => op === 'create'));
    expect(creates.length).toBe(4);
    await resyncAll();
    const after = await links();
    expect(after.filter(({ reason }) => reason?.code === 'bug' || reason?.code === 'retry_later')).toEqual(
      [],
    );
    expect(after.filter(({ intent, entity }) => intent && entity !== 'CommentToProject')).toEqual([]);
    for (const title of [
      'not written, edited',
      'written on one side, edited',
      'made, and nobody heard of it',
    ]) {
      const ticket = ticketOf(title);
      expect(projectsOf(ticket).map(({ values }) => values['title'])).toEqual([title]);
      expect((await linkOf(ticket)).status).toBe('linked');
    }
    expect(ticketOf('written on one side, edited').values['due_at']).toBe('2027-01-31T00:00:00Z');
    for (const title of ['backfill one', 'backfill two', 'backfill three'])
      expect(projectsOf(ticketOf(title))).toHaveLength(1);
    const lost = ticketOf('its answer was lost');
    expect(projectsOf(lost).map(({ values }) => values['priority'])).toEqual(['high']);
    expect(await linkOf(lost)).toMatchObject({
      status: 'linked',
      history: [{ side: 'pms', lost: 'low', kept: 'high' }],
    });
    // Written documents have this version; unchanged documents may have the previous one.
    const written = new Set(
      after
        .filter(({ rev, _id }) => rev > (before.find((link) => link._id === _id)?.rev ?? 0))
        .map(({ _id }) => _id),
    );
    expect(written.size).toBeGreaterThan(5);
    for (const { _id, v } of await stack.db.collection<{ _id: string; v?: number }>('links').find().toArray())
      expect([_id, v]).toEqual([_id, written.has(_id) ? SCHEMA.version : v]);
  });

  test('decisions of people are carried out', async () => {
    const chosen = await stack.db.collection<{ _id: string }>('decisions').find().toArray();
    expect(chosen).toHaveLength(2);
    await resyncAll();
    expect(await stack.db.collection('decisions').countDocuments()).toBe(0);
    const titles = await Promise.all(
      chosen.map(async ({ _id }) => {
        const link = await stack.store.get(_id.split('#')[0] ?? '');
        expect(link).toMatchObject({ status: 'linked', conflicts: [] });
        return [
          zendesk.records.get(link?.sides.zendesk?.ref ?? '')?.values['subject'],
          pms.records.get(link?.sides.pms?.ref ?? '')?.values['title'],
        ];
      }),
    );
    expect(titles).toEqual([
      ['as Zendesk has it', 'as Zendesk has it'],
      ['made of both', 'made of both'],
    ]);
  });

  test('held-back messages are delivered, and a planned follow-up is written once', async () => {
    const [held] = await stack.store.control.heldBack('CommentToProject', 9);
    await pauseOrResume(stack.client, stack.taskQueue, 'resume', 'CommentToProject');
    await until(async () => (await stack.store.control.heldBack('CommentToProject', 9)).length === 0);
    await until(async () => (await stack.store.get(held?.key ?? ''))?.status === 'linked');
    expect(zendesk.all('followUp')).toEqual([]);
    await resyncAll();
    await resyncAll();
    expect(zendesk.all('followUp')).toHaveLength(1);
    expect((await links()).filter(({ intent }) => intent)).toEqual([]);
  });

  test('hints of webhooks are read', async () => {
    expect(await stack.store.hints.count('pms')).toBe(1);
    const workflowId = `${stack.taskQueue}-hints`;
    await stack.client.workflow.signalWithStart(readHints, {
      workflowId,
      taskQueue: stack.taskQueue,
      args: ['pms'],
      signal: hintsCame,
    });
    await stack.client.workflow.getHandle(workflowId).result();
    expect(await stack.store.hints.count('pms')).toBe(0);
    expect(pms.calls).toContain('read');
    await stack.quiet();
  });

  test('a half-written page of a backfill is completed', async () => {
    const context = { ...stack.context, now: () => MEANWHILE };
    const held = (await links()).filter(({ intent }) => intent?.hold?.by === 'run/4/0');
    expect(held).toHaveLength(3);
    const activities = backfillSystemActivities(context, 'zendesk');
    const page = { run: 'run', page: 4 };
    const outcome = await new MockActivityEnvironment().run(() => activities.writeBackfillPage(page));
    expect(outcome).toMatchObject({ state: 'done', tallies: { TicketToProject: { created: { pms: 3 } } } });
    for (const { _id } of held)
      expect(await stack.store.get(_id)).toMatchObject({ status: 'linked', intent: null });
    await stack.quiet();
  });
});

test('an older release next to a newer one leaves the newer documents alone', async () => {
  const later = new Schema([
    ...MIGRATIONS,
    {
      from: SCHEMA.version,
      name: 'links have colours',
      documents: { links: (link) => ({ ...link, colour: link['colour'] ?? 'blue' }) },
    },
  ]);
  await begin({});
  const ticket = zendesk.add('ticket', { subject: 'a', description: 'd' });
  await stack.hint('TicketToProject', ticket.ref);
  // The newer release starts, and migrates the documents that it reads.
  const next = await startStack(
    testServers(),
    mapping,
    { zendesk, pms },
    { beside: stack.taskQueue, schema: later },
  );
  await migrateStore(stack.db, { dryRun: false, schema: later });
  await next.stop();
  const stored = () =>
    stack.db
      .collection<{ _id: string; v: number; colour: string; rev: number }>('links')
      .findOne({ _id: keyOf(ticket) });
  const migrated = await stored();
  expect(migrated).toMatchObject({ v: SCHEMA.version + 1, colour: 'blue' });

  // Only the older release runs: the pair waits visibly.
  zendesk.edit(ticket.ref, { subject: 'b' });
  await stack.context.signalPair(keyOf(ticket), { hints: [], force: true, hops: 0, lane: 'interactive' });
  const reason = async () => ((await stored()) as unknown as Link | null)?.reason;
  await until(async () => (await reason())?.code === 'retry_later');
  expect((await reason())?.text).toContain(`found version ${SCHEMA.version + 1}`);
  expect(await stored()).toMatchObject({ v: SCHEMA.version + 1, colour: 'blue', rev: migrated?.rev });
  expect(projectsOf(ticket)[0]?.values['title']).toBe('a');

  const again = await startStack(
    testServers(),
    mapping,
    { zendesk, pms },
    { beside: stack.taskQueue, schema: later },
  );
  await until(() => projectsOf(ticket)[0]?.values['title'] === 'b');
  await stack.quiet();
  expect(await stored()).toMatchObject({ v: SCHEMA.version + 1, colour: 'blue', reason: null });
  await again.stop();
});
