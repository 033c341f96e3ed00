import {
  WithStartWorkflowOperation,
  WorkflowIdConflictPolicy,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { pino } from 'pino';
import type { Link } from '../../src/sync/link';
import type { RecordRef } from '../../src/sync/record';
import { NeedsHuman } from '../../src/systems/errors';
import { pairCommands, type PairCommands } from '../../src/workers/pairSignals';
import { resolveConflict, resync } from '../../src/workflows/pair';
import { MemorySystem } from '../support/memorySystem';
import { testServers } from '../support/servers';
import { startStack, type Stack } from '../support/stack';
import { testMapping } from '../support/world';

/** Decisions of people, by signal and by Update, on a real Temporal server and a real link store. */

const ROWS = [
  { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both', winner: 'latest' },
  { zendesk: 'note', pms: 'note', type: 'text', direction: 'both', winner: 'manual' },
  { zendesk: 'memo', pms: 'memo', type: 'text', direction: 'both', winner: 'manual' },
];
const MATCH = { match: [{ zendesk: 'subject', pms: 'title' }] };

let stack: Stack;
let zendesk: MemorySystem;
let pms: MemorySystem;
let commands: PairCommands;
/** Log lines from level warn on. */
let logged: string[];

async function begin(extra: Record<string, unknown> = {}): Promise<void> {
  zendesk = new MemorySystem('zendesk', false);
  pms = new MemorySystem('pms', true);
  const mapping = testMapping(ROWS, extra);
  stack = await startStack(testServers(), mapping, { zendesk, pms });
  logged = [];
  stack.context.log = pino({ level: 'warn' }, { write: (line) => void logged.push(line) });
  commands = pairCommands(stack.client, stack.taskQueue, mapping);
}
afterEach(async () => stack.stop());

const keyOf = (ref: RecordRef) => `TicketToProject/${ref.side}:${ref.kind}:${ref.id}`;
const textOf = (ref: RecordRef) => `${ref.side}:${ref.kind}:${ref.id}`;
const valuesOf = (system: MemorySystem, ref: RecordRef) => system.records.get(textOf(ref))?.values ?? {};
async function linkOf(key: string): Promise<Link> {
  const link = await stack.store.get(key);
  if (!link) throw new Error(`${key} has no link`);
  return link;
}
/** The error that the caller of a refused Update gets. */
async function refusal(update: Promise<unknown>): Promise<string> {
  try {
    await update;
  } catch (error) {
    if (!(error instanceof WorkflowUpdateFailedError)) throw error;
    let cause: Error | undefined = error.cause;
    while (cause?.cause instanceof Error) cause = cause.cause;
    return cause?.message ?? '';
  }
  throw new Error('it was not refused');
}
const writes = () =>
  [...zendesk.calls, ...pms.calls].filter((call) =>
    ['create', 'update', 'archive', 'followUp'].includes(call),
  );

describe('conflicts of properties', () => {
  let ticket: RecordRef;
  let project: RecordRef;
  let key: string;

  beforeEach(async () => {
    await begin();
    ticket = zendesk.add('ticket', { subject: 's', note: 'n', memo: 'm' }).ref;
    await stack.settle();
    project = (pms.all('project')[0] as { ref: RecordRef }).ref;
    key = keyOf(ticket);
    zendesk.edit(ticket, { note: 'z note', memo: 'z memo', subject: 'new' });
    pms.edit(project, { note: 'p note', memo: 'p memo' });
    await stack.settle();
  });

  test('park only these properties, show both values, and let the other rows sync', async () => {
    expect(await linkOf(key)).toMatchObject({
      status: 'conflict',
      reason: { code: 'conflict', text: 'both sides changed note, memo', nextAttempt: null },
      conflicts: [
        { row: 'note', zendesk: 'z note', pms: 'p note' },
        { row: 'memo', zendesk: 'z memo', pms: 'p memo' },
      ],
    });
    expect(valuesOf(pms, project)['title']).toBe('new');
  });

  test('issue 22: are logged once, by the names of the rows and without a value', async () => {
    await commands.resync(key);
    await stack.settle();
    const conflictLines = logged.filter((line) => line.includes('left to a person'));
    expect(conflictLines).toHaveLength(1);
    expect(JSON.parse(conflictLines[0] ?? '')).toMatchObject({
      ...{ level: 40, key, status: 'conflict', code: 'conflict', rows: ['note', 'memo'] },
    });
    expect(conflictLines[0]).not.toMatch(/z note|p memo/);
  });

  test('are decided one by one by an Update, which returns the state of the pair', async () => {
    const first = await commands.resolve(key, { row: 'note', choice: 'pms' });
    expect(first).toMatchObject({ key, status: 'conflict', reason: 'both sides changed memo' });
    expect(valuesOf(zendesk, ticket)).toMatchObject({ note: 'p note', memo: 'z memo' });
    const second = await commands.resolve(key, { row: 'memo', choice: 'zendesk' });
    expect(second).toMatchObject({ status: 'linked', reason: null });
    expect(valuesOf(pms, project)).toMatchObject({ note: 'p note', memo: 'z memo' });
    expect((await linkOf(key)).history).toMatchObject([
      { row: 'note', side: 'zendesk', lost: 'z note', kept: 'p note', rule: 'a person chose pms' },
      { row: 'memo', side: 'pms', lost: 'p memo', kept: 'z memo', rule: 'a person chose zendesk' },
    ]);
  });

  test('A12: a decision during an earlier one is refused with a message', async () => {
    const update = pms.update.bind(pms);
    let later: Promise<string> | undefined;
    pms.update = async (...given) => {
      if (!later) {
        later = refusal(commands.resolve(key, { row: 'note', choice: 'pms' }));
        for (;;) {
          const { rows } = await stack.store.decisions.of(key, ['note']);
          if (rows.get('note')?.choice === 'pms') break;
        }
      }
      return update(...given);
    };
    const earlier = await commands.resolve(key, { row: 'note', choice: 'zendesk' });
    expect(earlier).toMatchObject({ status: 'conflict', reason: 'both sides changed memo' });
    expect(await (later ?? Promise.resolve(''))).toMatch(
      /another decision was carried out meanwhile, .* no conflict on "note"/,
    );
    expect(valuesOf(pms, project)['note']).toBe('z note');
    expect((await stack.store.decisions.of(key, ['note', 'memo'])).rows.size).toBe(0);
  });

  test('are decided by a signal as well', async () => {
    await stack.client.workflow.signalWithStart('TicketToProject', {
      workflowId: key,
      taskQueue: stack.taskQueue,
      args: [key],
      signal: resolveConflict,
      signalArgs: [{ row: 'note', choice: 'zendesk' }],
    });
    expect(await stack.client.workflow.getHandle(key).result()).toMatchObject({ status: 'conflict' });
    expect(valuesOf(pms, project)).toMatchObject({ note: 'z note', memo: 'p memo' });
  });

  test('a merged value is written to both sides, and no workflow history contains it', async () => {
    await stack.store.decisions.keep(key, { row: 'note', choice: 'merged', value: 'a very secret merge' });
    await commands.resolve(key, { row: 'note', choice: 'merged' });
    expect(valuesOf(zendesk, ticket)['note']).toBe('a very secret merge');
    expect(valuesOf(pms, project)['note']).toBe('a very secret merge');
    expect((await linkOf(key)).history.map(({ side, lost }) => [side, lost])).toEqual([
      ['zendesk', 'z note'],
      ['pms', 'p note'],
    ]);
    expect((await stack.store.decisions.of(key, ['note'])).rows.size).toBe(0);
    const history = await stack.client.workflow.getHandle(key).fetchHistory();
    const plain = Buffer.from('a very secret merge').toString('base64').slice(0, 20);
    expect(JSON.stringify(history)).not.toContain(plain);
    expect(JSON.stringify(history)).not.toContain('secret');
  });

  test('a decision survives a refused write: a retry writes it', async () => {
    let refuse = true;
    pms.fault = (when, call) => {
      if (when === 'before' && call === 'update' && refuse)
        throw new NeedsHuman('invalid_field', 'too long', 'note');
    };
    expect(await commands.resolve(key, { row: 'note', choice: 'zendesk' })).toMatchObject({
      status: 'conflict',
      reason: 'both sides changed memo',
    });
    expect((await linkOf(key)).notTaken).toMatchObject([{ row: 'note', side: 'pms', offered: 'z note' }]);
    refuse = false;
    expect(await commands.resync(key)).toMatchObject({
      status: 'conflict',
      reason: 'both sides changed memo',
    });
    expect(valuesOf(pms, project)['note']).toBe('z note');
  });

  test('end by themselves when people set both sides to one value', async () => {
    pms.edit(project, { note: 'z note' });
    zendesk.edit(ticket, { memo: 'p memo' });
    await stack.settle();
    expect(await linkOf(key)).toMatchObject({ status: 'linked', conflicts: [], history: [], reason: null });
  });

  test.each<[string, () => Promise<unknown>, RegExp]>([
    [
      'a row without a conflict',
      () => commands.resolve(key, { row: 'title', choice: 'pms' }),
      /has no conflict on "title"; it has one on note, memo/,
    ],
    [
      'an unknown choice',
      () => commands.resolve(key, { row: 'note', choice: 'latest' as 'pms' }),
      /found \{"row":"note","choice":"latest"\}, expected \{"row": "title", "choice": "zendesk" \| "pms" \| "merged"\}/,
    ],
    [
      'a merged value that nobody stored',
      () => commands.resolve(key, { row: 'note', choice: 'merged' }),
      /no merged value is stored for "note"/,
    ],
    [
      'another counterpart for a linked pair',
      () => commands.resolve(key, { counterpart: 'pms:project:other' }),
      /is linked to pms:project:\d+; unlink it first/,
    ],
  ])('an Update is refused for %s', async (_, update, expected) => {
    const before = writes().length;
    expect(await refusal(update())).toMatch(expected);
    expect(writes()).toHaveLength(before);
    expect((await linkOf(key)).conflicts).toHaveLength(2);
  });

  test('a malformed signal changes nothing, and the workflow keeps running', async () => {
    await stack.client.workflow.signalWithStart('TicketToProject', {
      workflowId: key,
      taskQueue: stack.taskQueue,
      args: [key],
      signal: resolveConflict,
      signalArgs: [{ nonsense: true } as unknown as { counterpart: 'none' }],
    });
    expect(await stack.client.workflow.getHandle(key).result()).toMatchObject({ status: 'conflict' });
    expect((await linkOf(key)).conflicts).toHaveLength(2);
  });
});

describe('resync', () => {
  test('works as a signal and as an Update, with and without a running workflow', async () => {
    await begin();
    const ticket = zendesk.add('ticket', { subject: 's' }).ref;
    await stack.settle();
    const project = (pms.all('project')[0] as { ref: RecordRef }).ref;
    // No event and no poll reports this edit.
    pms.edit(project, { title: 'quiet' });
    expect(await commands.resync(keyOf(ticket))).toMatchObject({ status: 'linked', pms: project.id });
    expect(valuesOf(zendesk, ticket)['subject']).toBe('quiet');

    pms.edit(project, { title: 'quieter' });
    await stack.client.workflow.signalWithStart('TicketToProject', {
      workflowId: keyOf(ticket),
      taskQueue: stack.taskQueue,
      args: [keyOf(ticket)],
      signal: resync,
    });
    // The Update joins the workflow that the signal started.
    expect(await commands.resync(keyOf(ticket))).toMatchObject({ status: 'linked' });
    await stack.client.workflow.getHandle(keyOf(ticket)).result();
    expect(valuesOf(zendesk, ticket)['subject']).toBe('quieter');
  });

  test('of a record that does not exist returns that as the reason', async () => {
    await begin();
    expect(await commands.resync('TicketToProject/zendesk:ticket:404404')).toMatchObject({
      status: 'unknown',
      reason: 'zendesk:ticket:404404 does not exist',
    });
  });

  test('accepts no input', async () => {
    await begin();
    const ticket = zendesk.add('ticket', { subject: 's' }).ref;
    const update = stack.client.workflow.executeUpdateWithStart('resync', {
      startWorkflowOperation: new WithStartWorkflowOperation('TicketToProject', {
        workflowId: keyOf(ticket),
        taskQueue: stack.taskQueue,
        args: [keyOf(ticket)],
        workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
      }),
      args: [{ force: true }],
    });
    expect(await refusal(update)).toMatch(/resync: found \{"force":true\}, expected no input/);
  });
});

describe('conflicts of whole pairs', () => {
  test('several records match: a person chooses one, and the others are not touched', async () => {
    await begin(MATCH);
    const [first, second] = [pms.add('project', { title: 'same' }), pms.add('project', { title: 'same' })];
    const ticket = zendesk.add('ticket', { subject: 'same', note: 'n' }).ref;
    const summary = await stack.hint('TicketToProject', ticket, {
      hints: [{ ref: textOf(ticket), version: null }],
    });
    expect(summary.status).toBe('conflict');
    expect(await linkOf(keyOf(ticket))).toMatchObject({
      reason: { code: 'ambiguous_match' },
      candidates: [textOf(first.ref), textOf(second.ref)],
    });
    expect(await commands.resolve(keyOf(ticket), { counterpart: textOf(second.ref) })).toMatchObject({
      status: 'linked',
      pms: second.ref.id,
    });
    expect(valuesOf(pms, second.ref)['note']).toBe('n');
    expect(valuesOf(pms, first.ref)['note']).toBeUndefined();
    expect(pms.all('project')).toHaveLength(2);
    expect((await linkOf(keyOf(ticket))).candidates).toEqual([]);
  });

  test('several records match: a person asks for a new one', async () => {
    await begin(MATCH);
    pms.add('project', { title: 'same' });
    pms.add('project', { title: 'same' });
    const ticket = zendesk.add('ticket', { subject: 'same' }).ref;
    await stack.hint('TicketToProject', ticket, { hints: [{ ref: textOf(ticket), version: null }] });
    expect(await commands.resolve(keyOf(ticket), { counterpart: 'create' })).toMatchObject({
      status: 'linked',
    });
    expect(pms.all('project').map((record) => record.backRef)).toEqual([null, null, textOf(ticket)]);
  });

  test('a new record whose name must be unique is refused with a reason, and not retried without end', async () => {
    await begin(MATCH);
    pms.uniqueProperties.push('title');
    const only = pms.add('project', { title: 'same' }).ref;
    const twins = [
      zendesk.add('ticket', { subject: 'same' }).ref,
      zendesk.add('ticket', { subject: 'same' }).ref,
    ];
    const [first, second] = twins as [RecordRef, RecordRef];
    await stack.settle();
    expect((await linkOf(keyOf(first))).candidates).toEqual([textOf(only)]);
    expect(await commands.resolve(keyOf(first), { counterpart: 'create' })).toMatchObject({
      status: 'quarantined',
    });
    expect((await linkOf(keyOf(first))).reason).toMatchObject({
      code: 'duplicate_value',
      text: expect.stringContaining(`title is taken by ${textOf(only)}`) as unknown,
    });
    // Once the name is free, a retry still has the person's request.
    pms.edit(only, { title: 'renamed' });
    expect(await commands.resync(keyOf(first))).toMatchObject({ status: 'linked' });
    expect(pms.all('project')).toHaveLength(2);
    expect((await linkOf(keyOf(second))).status).toBe('conflict');
  });

  test('a chosen record that is deleted or taken is not linked; the pair is in conflict again', async () => {
    await begin(MATCH);
    const [first, second] = [pms.add('project', { title: 'same' }), pms.add('project', { title: 'same' })];
    const ticket = zendesk.add('ticket', { subject: 'same' }).ref;
    const other = zendesk.add('ticket', { subject: 'other' }).ref;
    await stack.hint('TicketToProject', ticket, { hints: [{ ref: textOf(ticket), version: null }] });
    await stack.hint('TicketToProject', other, { hints: [{ ref: textOf(other), version: null }] });
    const taken = (
      pms.all('project').find((record) => record.backRef === textOf(other)) as { ref: RecordRef }
    ).ref;
    expect(await refusal(commands.resolve(keyOf(ticket), { counterpart: textOf(taken) }))).toMatch(
      new RegExp(`${textOf(taken)} belongs to ${keyOf(other)}; unlink that first`),
    );
    await stack.client.workflow.getHandle(keyOf(ticket)).result();
    pms.records.delete(textOf(first.ref));
    expect(await commands.resolve(keyOf(ticket), { counterpart: textOf(first.ref) })).toMatchObject({
      status: 'conflict',
      reason: expect.stringContaining(`${textOf(first.ref)}, which was chosen for`) as unknown,
    });
    expect((await linkOf(keyOf(ticket))).candidates).toEqual([textOf(second.ref)]);
    expect(await commands.resolve(keyOf(ticket), { counterpart: textOf(second.ref) })).toMatchObject({
      status: 'linked',
    });
  });

  test('a record that names a linked record as its counterpart gets its own counterpart', async () => {
    await begin();
    const ticket = zendesk.add('ticket', { subject: 's' }).ref;
    await stack.settle();
    const project = (pms.all('project')[0] as { ref: RecordRef }).ref;
    const stray = pms.add('project', { title: 'copy' }, { backRef: textOf(ticket) }).ref;
    await stack.settle();
    expect(await linkOf(keyOf(stray))).toMatchObject({ status: 'conflict', reason: { code: 'stray' } });
    expect(await commands.resolve(keyOf(stray), { counterpart: 'create' })).toMatchObject({
      status: 'linked',
    });
    await stack.settle();
    expect(zendesk.all('ticket').map((record) => record.values['subject'])).toEqual(['s', 'copy']);
    expect((await linkOf(keyOf(ticket))).sides.pms?.ref).toBe(textOf(project));
    pms.edit(stray, { title: 'edited' });
    await stack.settle();
    await stack.settle();
    const own = zendesk.all('ticket').find((record) => record.values['subject'] === 'edited');
    // The first write corrected its wrong back-reference, so that a rebuild finds the right pair.
    zendesk.edit((own as { ref: RecordRef }).ref, { subject: 'answered' });
    await stack.settle();
    expect(pms.records.get(textOf(stray))?.values['title']).toBe('answered');
    expect(pms.records.get(textOf(stray))?.backRef).toBe(textOf((own as { ref: RecordRef }).ref));
  });

  test('such a record waits for no decision after it is deleted', async () => {
    await begin();
    const ticket = zendesk.add('ticket', { subject: 's' }).ref;
    await stack.settle();
    const stray = pms.add('project', { title: 'copy' }, { backRef: textOf(ticket) }).ref;
    await stack.settle();
    expect(await linkOf(keyOf(stray))).toMatchObject({ status: 'conflict', reason: { code: 'stray' } });
    pms.edit(stray, {}, { state: 'deleted' });
    await stack.settle();
    expect(await linkOf(keyOf(stray))).toMatchObject({ status: 'tombstone' });
    expect(await linkOf(keyOf(ticket))).toMatchObject({ status: 'linked' });
  });

  test('several records carry the back-reference of a lost create: a person chooses one', async () => {
    zendesk = new MemorySystem('zendesk', false);
    pms = new MemorySystem('pms', false);
    const mapping = testMapping(ROWS);
    const ticket = zendesk.add('ticket', { subject: 's' }, { createdAt: '2001-01-01T00:00:00.000Z' }).ref;
    const twins = ['a', 'b'].map((title) => pms.add('project', { title }, { backRef: textOf(ticket) }).ref);
    stack = await startStack(testServers(), mapping, { zendesk, pms });
    commands = pairCommands(stack.client, stack.taskQueue, mapping);
    const [chosen] = twins as [RecordRef, RecordRef];
    await stack.hint('TicketToProject', ticket, { hints: [{ ref: textOf(ticket), version: null }] });
    expect(await linkOf(keyOf(ticket))).toMatchObject({
      status: 'conflict',
      reason: { code: 'several_counterparts' },
      candidates: twins.map(textOf),
    });
    expect(await commands.resolve(keyOf(ticket), { counterpart: textOf(chosen) })).toMatchObject({
      status: 'linked',
    });
    expect(pms.all('project')).toHaveLength(2);
  });
});

describe('unlink and link', () => {
  let ticket: RecordRef;
  let project: RecordRef;
  let key: string;

  beforeEach(async () => {
    await begin(MATCH);
    ticket = zendesk.add('ticket', { subject: 's', note: 'n' }).ref;
    await stack.settle();
    project = (pms.all('project')[0] as { ref: RecordRef }).ref;
    key = keyOf(ticket);
    expect(await commands.resolve(key, { counterpart: 'none' })).toMatchObject({ status: 'tombstone' });
  });

  test('an unlinked pair does not sync, is not linked again automatically, and gets no duplicates', async () => {
    const before = writes().length;
    zendesk.edit(ticket, { subject: 'z' });
    pms.edit(project, { title: 'p' });
    await stack.settle();
    expect(await commands.resync(key)).toMatchObject({ status: 'tombstone', reason: 'a person unlinked it' });
    await commands.resync(keyOf(project));
    await stack.settle();
    expect(writes()).toHaveLength(before);
    expect([valuesOf(zendesk, ticket)['subject'], valuesOf(pms, project)['title']]).toEqual(['z', 'p']);
    expect(await linkOf(key)).toMatchObject({ unlinked: true, reason: { code: 'unlinked' } });
    expect([zendesk.all('ticket').length, pms.all('project').length]).toEqual([1, 1]);
  });

  test('a pair that is linked again merges both sides against the snapshot', async () => {
    zendesk.edit(ticket, { subject: 'edited meanwhile' });
    pms.edit(project, { note: 'edited, too' });
    expect(await commands.resolve(key, { counterpart: textOf(project) })).toMatchObject({ status: 'linked' });
    expect(valuesOf(pms, project)).toMatchObject({ title: 'edited meanwhile', note: 'edited, too' });
    expect(valuesOf(zendesk, ticket)).toMatchObject({ subject: 'edited meanwhile', note: 'edited, too' });
    zendesk.edit(ticket, { subject: 'in sync again' });
    await stack.settle();
    expect(valuesOf(pms, project)['title']).toBe('in sync again');
  });

  test('a record that is linked to another one releases the former one', async () => {
    const other = pms.add('project', { title: 'other' }).ref;
    expect(await commands.resolve(key, { counterpart: textOf(other) })).toMatchObject({
      status: 'linked',
      pms: other.id,
    });
    expect(await stack.store.claims.owners([textOf(project), textOf(other)])).toEqual(
      new Map([[textOf(other), key]]),
    );
  });

  test('a person can keep a record without a counterpart', async () => {
    const single = zendesk.add('ticket', { subject: 'internal' }).ref;
    await commands.resolve(keyOf(single), { counterpart: 'none' });
    zendesk.edit(single, { note: 'x' });
    pms.add('project', { title: 'internal' });
    await stack.settle();
    await stack.settle();
    expect((await linkOf(keyOf(single))).sides).toEqual({});
    expect(pms.all('project').every((record) => record.backRef !== textOf(single))).toBe(true);
  });
});

describe('a new record in place of a deleted one', () => {
  beforeEach(() => begin());
  const soleOf = (system: MemorySystem, kind: string): RecordRef => {
    const [found, ...more] = system.all(kind);
    if (!found || more.length > 0) throw new Error(`expected one ${kind}`);
    return found.ref;
  };

  test('is created from the other record, with its values, and the pair continues with it', async () => {
    const ticket = zendesk.add('ticket', { subject: 's', note: 'n' }).ref;
    await stack.settle();
    const former = soleOf(pms, 'project');
    pms.records.delete(textOf(former));
    zendesk.edit(ticket, { note: 'edited since' });
    await stack.settle();
    expect(await commands.resync(keyOf(ticket))).toMatchObject({
      reason: expect.stringContaining('not found') as string,
    });
    expect(pms.all('project')).toEqual([]);
    expect(await commands.resolve(keyOf(ticket), { counterpart: 'create' })).toMatchObject({
      status: 'linked',
    });
    const made = soleOf(pms, 'project');
    expect(made.id).not.toBe(former.id);
    expect(valuesOf(pms, made)).toMatchObject({ title: 's', note: 'edited since' });
    expect(await stack.store.claims.owners([textOf(former), textOf(made)])).toEqual(
      new Map([[textOf(made), keyOf(ticket)]]),
    );
    pms.edit(made, { title: 'goes on' });
    await stack.settle();
    expect(valuesOf(zendesk, ticket)['subject']).toBe('goes on');
  });

  test('is created by the other record’s pair if the pair began with the deleted record', async () => {
    const former = pms.add('project', { title: 't', note: 'n' }).ref;
    await stack.settle();
    const ticket = soleOf(zendesk, 'ticket');
    pms.records.delete(textOf(former));
    await commands.resync(keyOf(former));
    expect(await commands.resolve(keyOf(former), { counterpart: 'create' })).toMatchObject({
      status: 'handed over',
    });
    await stack.settle();
    const made = soleOf(pms, 'project');
    expect(valuesOf(pms, made)).toMatchObject({ title: 't', note: 'n' });
    expect(await linkOf(keyOf(ticket))).toMatchObject({
      status: 'linked',
      sides: { pms: { ref: textOf(made) } },
    });
    expect(await stack.store.get(keyOf(former))).toBeNull();
    expect([zendesk.all('ticket').length, pms.all('project').length]).toEqual([1, 1]);
    zendesk.edit(ticket, { subject: 'goes on' });
    await stack.settle();
    expect(valuesOf(pms, made)['title']).toBe('goes on');
    expect(zendesk.records.get(textOf(ticket))?.backRef).toBe(textOf(made));
  });

  test('can be requested by a person even after the pair ended', async () => {
    const ticket = zendesk.add('ticket', { subject: 's' }).ref;
    await stack.settle();
    const former = soleOf(pms, 'project');
    pms.edit(former, {}, { state: 'deleted' });
    await stack.settle();
    expect(await linkOf(keyOf(ticket))).toMatchObject({ status: 'tombstone' });
    // While the PMS still shows it as deleted, it can be restored there.
    const shown = await commands.resolve(keyOf(ticket), { counterpart: 'create' });
    expect(shown).toMatchObject({
      status: 'tombstone',
      reason: expect.stringContaining('deleted') as string,
    });
    pms.records.delete(textOf(former));
    await commands.resync(keyOf(ticket));
    expect(pms.all('project')).toEqual([]);
    expect(await commands.resolve(keyOf(ticket), { counterpart: 'create' })).toMatchObject({
      status: 'linked',
    });
    expect(valuesOf(pms, soleOf(pms, 'project'))['title']).toBe('s');
  });

  test('is refused if the record exists, or exists again', async () => {
    const ticket = zendesk.add('ticket', { subject: 's' }).ref;
    await stack.settle();
    const project = soleOf(pms, 'project');
    const record = pms.records.get(textOf(project));
    const create = () => refusal(commands.resolve(keyOf(ticket), { counterpart: 'create' }));
    expect(await create()).toContain('unlink it first');
    pms.records.delete(textOf(project));
    await commands.resync(keyOf(ticket));
    if (record) pms.records.set(textOf(project), record);
    expect(await create()).toContain('unlink it first');
    expect(pms.all('project')).toHaveLength(1);
    const { ids } = await stack.store.decisions.of(keyOf(ticket), []);
    expect([...(ids ?? [])]).toEqual([]);
  });
});
