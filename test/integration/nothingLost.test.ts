import { parseRef, refKey } from '../../src/sync/canonicalKey';
import type { Link } from '../../src/sync/link';
import type { RecordRef, SyncRecord } from '../../src/sync/record';
import { backfill, reconcile } from '../../src/workflows';
import type { ReconcileReport } from '../../src/sync/findings';
import { MemorySystem, lostAnswer } from '../support/memorySystem';
import { testServers } from '../support/servers';
import { startStack, type Stack } from '../support/stack';
import { testMapping } from '../support/world';

/** Problems of a side, a turn or a record lose no edit. */

const mapping = testMapping([
  { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both', winner: 'latest' },
  { zendesk: 'note', pms: 'note', type: 'text', direction: 'both', winner: 'latest' },
]);

let stack: Stack;
let zendesk: MemorySystem;
let pms: MemorySystem;

beforeEach(async () => {
  zendesk = new MemorySystem('zendesk', false);
  pms = new MemorySystem('pms', true);
  stack = await startStack(testServers(), mapping, { zendesk, pms });
});
afterEach(async () => stack.stop());

const keyOf = (ref: RecordRef) => `TicketToProject/${refKey(ref)}`;
async function linkOf(ref: RecordRef): Promise<Link> {
  const link = await stack.store.get(keyOf(ref));
  if (!link) throw new Error(`${keyOf(ref)} has no link`);
  return link;
}
const project = (): SyncRecord => {
  const [only] = pms.all('project');
  if (!only) throw new Error('no project');
  return only;
};
async function linkedTicket(subject = 's'): Promise<RecordRef> {
  const { ref } = zendesk.add('ticket', { subject });
  await stack.settle();
  expect((await linkOf(ref)).status).toBe('linked');
  return ref;
}
const walkAll = async (): Promise<ReconcileReport> => {
  const report = await stack.client.workflow.execute(reconcile, {
    workflowId: `${stack.taskQueue}-reconcile-${Math.random()}`,
    taskQueue: stack.taskQueue,
    args: [{ full: true }],
  });
  await stack.quiet();
  return report;
};

describe('A4: a PMS whose order goes backwards', () => {
  async function restoredTo(values: Record<string, string>): Promise<RecordRef> {
    const ticket = await linkedTicket();
    const before = project();
    for (let n = 0; n < 5; n += 1) pms.edit(before.ref, { note: `edit ${n}` });
    await stack.settle();
    expect((await linkOf(ticket)).sides.pms?.order).toBe(6);
    pms.restore([{ ...before, values: { ...before.values, ...values } }]);
    return ticket;
  }

  test('is synced by its change stream, including later edits', async () => {
    const ticket = await restoredTo({ title: 'as it was' });
    await stack.settle();
    expect(zendesk.records.get(refKey(ticket))?.values).toMatchObject({ subject: 'as it was' });
    pms.edit(project().ref, { title: 'edited since' });
    await stack.settle();
    expect(zendesk.records.get(refKey(ticket))?.values).toMatchObject({ subject: 'edited since' });
    zendesk.edit(ticket, { note: 'from Zendesk' });
    await stack.settle();
    expect(project().values['note']).toBe('from Zendesk');
  });

  test('is noticed by a reconcile if no stream reports it', async () => {
    const ticket = await restoredTo({ title: 'as it was' });
    const report = await walkAll();
    expect(report.findings.TicketToProject).toMatchObject({ drifted: 1 });
    expect(zendesk.records.get(refKey(ticket))?.values).toMatchObject({ subject: 'as it was' });
    expect((await walkAll()).findings.TicketToProject).toMatchObject({ drifted: 0 });
  });

  test('an edit to a restored record, with the same order as an earlier edit, is processed', async () => {
    const ticket = await restoredTo({ title: 's', note: 'edit 4' });
    await stack.settle();
    pms.edit(project().ref, { title: 'edited since' });
    await stack.settle();
    expect(zendesk.records.get(refKey(ticket))?.values).toMatchObject({ subject: 'edited since' });
  });
});

describe('A5: a side whose lists are empty', () => {
  async function threeTickets(): Promise<RecordRef[]> {
    const refs = ['a', 'b', 'c'].map((subject) => zendesk.add('ticket', { subject }).ref);
    await stack.settle();
    return refs;
  }
  const statuses = async (refs: RecordRef[]) =>
    Promise.all(refs.map(async (ref) => (await linkOf(ref)).status));

  test('ends no pair during one reconcile, and loses no edit', async () => {
    const refs = await threeTickets();
    const shown = [...pms.records.values()];
    pms.records.clear();
    await walkAll();
    expect(await statuses(refs)).toEqual(['linked', 'linked', 'linked']);
    expect((await linkOf(refs[0] as RecordRef)).reason).toMatchObject({ code: 'absent' });
    zendesk.edit(refs[0] as RecordRef, { subject: 'meanwhile' });
    await stack.settle();
    for (const record of shown) pms.records.set(refKey(record.ref), record);
    expect((await walkAll()).findings.TicketToProject).toMatchObject({ returned: 3 });
    expect((await linkOf(refs[1] as RecordRef)).reason).toBeNull();
    const titles = pms.all('project').map(({ values }) => values['title']);
    expect(titles).toHaveLength(3);
    expect(titles).toEqual(expect.arrayContaining(['meanwhile', 'b', 'c']));
    expect((await walkAll()).findings.TicketToProject).toMatchObject({ agrees: 6, returned: 0 });
  });

  test('ends them during two, and records that return are revived', async () => {
    const refs = await threeTickets();
    const shown = [...pms.records.values()];
    pms.records.clear();
    await walkAll();
    await walkAll();
    expect(await statuses(refs)).toEqual(['tombstone', 'tombstone', 'tombstone']);
    for (const record of shown) pms.records.set(refKey(record.ref), record);
    expect((await walkAll()).findings.TicketToProject).toMatchObject({ returned: 3 });
    expect(await statuses(refs)).toEqual(['linked', 'linked', 'linked']);
  });

  test('the end of a record that its stream reports counts at once', async () => {
    const [first] = await threeTickets();
    const gone = (await linkOf(first as RecordRef)).sides.pms?.ref ?? '';
    pms.records.delete(gone);
    const changes = pms.changes.bind(pms);
    pms.changes = async (...given) => ({ ...(await changes(...given)), gone: [parseRef(gone)] });
    await stack.settle();
    expect((await statuses([first as RecordRef]))[0]).toBe('tombstone');
  });
});

describe('A7: a turn that fails', () => {
  test('keeps the changes that arrived meanwhile', async () => {
    const ticket = await linkedTicket();
    const update = pms.update.bind(pms);
    let first = true;
    pms.update = async (...given) => {
      if (!first) return update(...given);
      first = false;
      zendesk.edit(ticket, { note: 'came meanwhile' });
      const hints = [{ ref: refKey(ticket), version: null }];
      await stack.context.signalPair(keyOf(ticket), { hints, force: false, hops: 0 });
      throw new TypeError('a bug of ours');
    };
    zendesk.edit(ticket, { subject: 'fails once' });
    await stack.settle();
    expect(project().values).toMatchObject({ title: 'fails once', note: 'came meanwhile' });
    expect(await linkOf(ticket)).toMatchObject({ status: 'linked', reason: null });
  });

  test('is visible, and the next turn finds its changes', async () => {
    const ticket = await linkedTicket();
    pms.fault = (when, call) => {
      if (when === 'before' && call === 'read') throw new TypeError('a bug of ours');
    };
    zendesk.fault = pms.fault;
    zendesk.edit(ticket, { subject: 'told to a turn that fails' });
    const hints = [{ ref: refKey(ticket), version: null }];
    await stack.context.signalPair(keyOf(ticket), { hints, force: false, hops: 0 });
    await expect(stack.quiet()).rejects.toThrow();
    expect((await linkOf(ticket)).reason?.code).toBe('bug');
    expect(await stack.store.countByCode('bug')).toBe(1);
    pms.fault = zendesk.fault = () => undefined;
    // An event of the other record, because the event of the edited record is lost.
    pms.edit(project().ref, { note: 'from the PMS' });
    await stack.context.signalPair(keyOf(ticket), {
      hints: [{ ref: refKey(project().ref), version: null }],
      force: false,
      hops: 0,
    });
    await stack.quiet();
    expect(project().values).toMatchObject({ title: 'told to a turn that fails' });
    expect(await stack.store.countByCode('bug')).toBe(0);
  });

  test('is visible for a pair without a link, too', async () => {
    pms.fault = (when, call) => {
      if (when === 'before' && call === 'findByBackRef') throw new TypeError('a bug of ours');
    };
    stack.context.systems.pms.uniqueBackRef = () => {
      throw new TypeError('a bug of ours');
    };
    const { ref } = zendesk.add('ticket', { subject: 'new' });
    await expect(stack.settle()).rejects.toThrow();
    expect(await linkOf(ref)).toMatchObject({ reason: { code: 'bug' } });
  });
});

test('A7: a failed page of a backfill is visible until the next backfill', async () => {
  zendesk.walk = async () => {
    throw new TypeError('a bug of ours');
  };
  const run = () =>
    stack.client.workflow.execute(backfill, {
      workflowId: `${stack.taskQueue}-backfill-${Math.random()}`,
      taskQueue: stack.taskQueue,
    });
  expect((await run()).failed).not.toEqual([]);
  const listed = await stack.store.aside.list(null, 10);
  expect(listed.map(({ what, kind }) => [what, kind])).toContainEqual([
    expect.stringMatching(/^backfill: zendesk ticket, page \d and those after it$/),
    'page',
  ]);
  zendesk.walk = async () => ({ records: [], cursor: null });
  expect((await run()).failed).toEqual([]);
  expect(await stack.store.aside.count()).toBe(0);
});

test('A10: a create that completes after its time-out creates one record', async () => {
  const create = zendesk.create.bind(zendesk);
  let isFirst = true;
  zendesk.lateMs = 2_000;
  zendesk.create = async (...given) => {
    if (!isFirst) return create(...given);
    isFirst = false;
    setTimeout(() => void create(...given), 500);
    throw lostAnswer();
  };
  pms.add('project', { title: 'made late' });
  await stack.settle();
  await stack.settle();
  expect(zendesk.all('ticket')).toHaveLength(1);
});

test('A18: a pair that constantly gets changes continues as new before its history is too long', async () => {
  const ticket = await linkedTicket();
  const update = pms.update.bind(pms);
  const handle = stack.client.workflow.getHandle(keyOf(ticket));
  const hints = [{ ref: refKey(ticket), version: null }];
  const runs = new Set<string>();
  let turns = 0;
  pms.update = async (...given) => {
    const { runId, historyLength } = await handle.describe();
    runs.add(runId);
    expect(historyLength).toBeLessThan(2_000);
    turns += 1;
    if (runs.size < 2) {
      zendesk.edit(ticket, { subject: `edit ${turns}` });
      await stack.context.signalPair(keyOf(ticket), { hints, force: true, hops: 0 });
    }
    return update(...given);
  };
  zendesk.edit(ticket, { subject: 'the first' });
  await stack.context.signalPair(keyOf(ticket), { hints, force: true, hops: 0 });
  await stack.quiet();
  expect(runs.size).toBe(2);
  expect(project().values['title']).toBe(zendesk.records.get(refKey(ticket))?.values['subject']);
}, 180_000);

describe('A9: a record that cannot be parsed', () => {
  test('is set aside with its reason, and the stream continues', async () => {
    const changes = zendesk.changes.bind(zendesk);
    const bad = { side: 'zendesk', kind: 'ticket', id: '7' } as const;
    zendesk.changes = async (stream, cursor) => {
      const page = await changes(stream, cursor);
      const unreadable = [{ ref: bad, name: refKey(bad), reason: 'tickets: updated_at: invalid', bytes: 99 }];
      return cursor === null ? { ...page, unreadable } : page;
    };
    const ticket = await linkedTicket();
    expect(await stack.store.aside.list(null, 10)).toMatchObject([
      { what: 'zendesk:ticket:7', kind: 'record', reason: 'tickets: updated_at: invalid', bytes: 99 },
    ]);
    zendesk.edit(ticket, { subject: 'goes on' });
    await stack.settle();
    expect(project().values['title']).toBe('goes on');
    await stack.store.aside.drop(await stack.store.aside.list(null, 10));
    expect(await stack.store.aside.count()).toBe(0);
  });

  test('because of a bug of ours blocks no other record of its page', async () => {
    const subjects = ['one', 'two', 'three', 'four'];
    const [, second] = subjects.map((subject) => zendesk.add('ticket', { subject }));
    const { observations } = stack.store;
    const keep = observations.keep.bind(observations);
    observations.keep = async (records, ...rest) => {
      if (records.some(({ values }) => values['subject'] === 'two')) throw new TypeError('a bug of ours');
      return keep(records, ...rest);
    };
    await stack.settle();
    const titles = pms.all('project').map(({ values }) => JSON.stringify(values['title']));
    expect(titles.sort()).toEqual(['"four"', '"one"', '"three"']);
    const [aside] = await stack.store.aside.list(null, 10);
    expect(aside).toMatchObject({ what: second && refKey(second.ref) });
    expect(aside?.reason).toMatch(/^bug: /);
  });
});
