import { dispatchChanges } from '../../src/activities/dispatch';
import type { Link } from '../../src/sync/link';
import type { RecordRef, SyncRecord } from '../../src/sync/record';
import { NeedsHuman } from '../../src/systems/errors';
import { pairCommands, type PairCommands } from '../../src/workers/pairSignals';
import { MemorySystem } from '../support/memorySystem';
import { testServers } from '../support/servers';
import { startStack, type Stack } from '../support/stack';
import { testMapping } from '../support/world';

/** Records that cannot be synced: they are parked with a reason, block no other pair, and are retried. */

const ROWS = [
  { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both', winner: 'latest' },
  { zendesk: 'note', pms: 'note', type: 'text', direction: 'both', winner: 'latest' },
  { zendesk: 'about', pms: 'about', type: 'text', direction: 'both', fixedOn: 'zendesk', onEdit: 'followUp' },
  {
    zendesk: 'status',
    pms: 'state',
    type: 'enum',
    direction: 'both',
    transform: 'enum',
    winner: 'latest',
    table: { open: 'doing', solved: 'done' },
  },
];
const mapping = testMapping(ROWS, { match: [{ zendesk: 'subject', pms: 'title' }] });

let stack: Stack;
let zendesk: MemorySystem;
let pms: MemorySystem;
let commands: PairCommands;
/** Calls of the PMS that are refused, such as `update`. */
let refused: Set<string>;

beforeEach(async () => {
  zendesk = new MemorySystem('zendesk', false);
  pms = new MemorySystem('pms', true);
  refused = new Set();
  pms.fault = (when, call) => {
    if (when === 'before' && refused.has(call)) throw new NeedsHuman('invalid_field', 'too long', 'title');
  };
  stack = await startStack(testServers(), mapping, { zendesk, pms });
  commands = pairCommands(stack.client, stack.taskQueue, mapping);
});
afterEach(async () => stack.stop());

const keyOf = (ref: RecordRef) => `TicketToProject/${ref.side}:${ref.kind}:${ref.id}`;
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
async function linkedTicket(): Promise<RecordRef> {
  const { ref } = zendesk.add('ticket', { subject: 's', about: 'a', status: 'open' });
  await stack.settle();
  expect((await linkOf(ref)).status).toBe('linked');
  return ref;
}

/** The state of a pair whose title the PMS refused. */
const notTaken = {
  status: 'linked',
  intent: null,
  reason: { code: 'not_taken', text: 'the PMS did not take title: too long' },
  notTaken: [
    { row: 'title', side: 'pms', why: 'refused', offered: 'refused', shown: 's', words: 'too long' },
  ],
};

describe('a refused write', () => {
  test('is parked with its reason and blocks no other pair', async () => {
    refused.add('create');
    const bad = zendesk.add('ticket', { subject: 'bad' }).ref;
    await stack.settle();
    refused.clear();
    const good = zendesk.add('ticket', { subject: 'good' }).ref;
    await stack.settle();
    expect(await linkOf(bad)).toMatchObject({
      status: 'quarantined',
      intent: null,
      reason: { code: 'invalid_field', text: 'too long (title)', nextAttempt: null },
    });
    expect((await linkOf(good)).status).toBe('linked');
  });

  test('is not lost: the next change of the same record writes it, too', async () => {
    const ticket = await linkedTicket();
    refused.add('update');
    zendesk.edit(ticket, { subject: 'refused' });
    await stack.settle();
    expect(await linkOf(ticket)).toMatchObject(notTaken);
    refused.clear();
    zendesk.edit(ticket, { note: 'next' });
    await stack.settle();
    expect((await linkOf(ticket)).status).toBe('linked');
    expect(project().values).toMatchObject({ title: 'refused', note: 'next' });
  });

  test('is written with the next change of the other record, which loses nothing either', async () => {
    const ticket = await linkedTicket();
    refused.add('update');
    zendesk.edit(ticket, { subject: 'refused' });
    await stack.settle();
    refused.clear();
    pms.edit(project().ref, { note: 'from the other side' });
    await stack.settle();
    await stack.settle();
    expect((await linkOf(ticket)).status).toBe('linked');
    expect(project().values).toMatchObject({ title: 'refused', note: 'from the other side' });
    expect(zendesk.records.get(`zendesk:ticket:${ticket.id}`)?.values['note']).toBe('from the other side');
  });

  test('is not repeated when its own event arrives again without a change', async () => {
    const ticket = await linkedTicket();
    refused.add('update');
    const edited = zendesk.edit(ticket, { subject: 'refused' });
    await stack.settle();
    const updates = () => pms.calls.filter((call) => call === 'update').length;
    const before = updates();
    const ref = `zendesk:ticket:${ticket.id}`;
    await stack.hint('TicketToProject', ticket, { hints: [{ ref, version: edited.version }] });
    expect(updates()).toBe(before);
  });

  test('is written by a resync, and if that fails, the link shows since when', async () => {
    const ticket = await linkedTicket();
    refused.add('update');
    zendesk.edit(ticket, { subject: 'refused' });
    await stack.settle();
    const first = (await linkOf(ticket)).reason;
    expect(await commands.resync(keyOf(ticket))).toMatchObject({ status: 'linked' });
    expect(await linkOf(ticket)).toMatchObject(notTaken);
    expect((await linkOf(ticket)).reason).toEqual(first);
    refused.clear();
    expect(await commands.resync(keyOf(ticket))).toMatchObject({ status: 'linked', reason: null });
    expect(project().values['title']).toBe('refused');
  });

  test('does not repeat a follow-up that was written before it', async () => {
    const ticket = await linkedTicket();
    refused.add('update');
    pms.edit(project().ref, { about: 'told differently' });
    zendesk.edit(ticket, { subject: 'refused' });
    await stack.hint('TicketToProject', ticket, { force: true });
    expect(await linkOf(ticket)).toMatchObject(notTaken);
    refused.clear();
    await commands.resync(keyOf(ticket));
    await stack.settle();
    expect(zendesk.all('followUp')).toHaveLength(1);
    expect(project().values).toMatchObject({ title: 'refused', about: 'told differently' });
  });
});

describe('a value that is missing in the mapping', () => {
  test('on a new record: the pair is parked, and synced after the record gets another value', async () => {
    const { ref } = zendesk.add('ticket', { subject: 's', status: 'on fire' });
    await stack.settle();
    expect(await linkOf(ref)).toMatchObject({
      status: 'quarantined',
      reason: {
        code: 'unmapped_value',
        text: 'zendesk property "status": found "on fire", expected one of open, solved (the row\'s table)',
      },
    });
    expect(pms.all('project')).toEqual([]);
    zendesk.edit(ref, { status: 'open' });
    await stack.settle();
    expect((await linkOf(ref)).status).toBe('linked');
    expect(project().values['state']).toBe('doing');
  });

  test('on a linked record: the pair waits, and edits of the other side are not lost', async () => {
    const ticket = await linkedTicket();
    pms.edit(project().ref, { state: 'paused', title: 'new title' });
    await stack.settle();
    expect((await linkOf(ticket)).reason).toMatchObject({
      code: 'unmapped_value',
      text: 'pms property "state": found "paused", expected one of doing, done (the row\'s table)',
    });
    zendesk.edit(ticket, { note: 'meanwhile' });
    await stack.settle();
    pms.edit(project().ref, { state: 'done' });
    await stack.settle();
    await stack.settle();
    expect(zendesk.records.get(`zendesk:ticket:${ticket.id}`)?.values).toMatchObject({
      subject: 'new title',
      status: 'solved',
    });
    expect(project().values['note']).toBe('meanwhile');
  });
});

test('a quarantined write is not repeated for a record that was seen before it', async () => {
  const ticket = await linkedTicket();
  pms.fault = (when, call) => {
    if (when === 'before' && call === 'update') throw new NeedsHuman('closed_ticket', 'closed');
  };
  const edited = zendesk.edit(ticket, { subject: 'refused' });
  await stack.settle();
  expect(await linkOf(ticket)).toMatchObject({ status: 'quarantined', reason: { code: 'closed_ticket' } });
  const dispatch = (record: SyncRecord) => dispatchChanges(stack.context, { records: [record], gone: [] });
  // An export lists its latest event with each poll.
  expect(await dispatch(edited)).toBe(0);
  pms.fault = () => undefined;
  expect(await dispatch(zendesk.edit(ticket, { note: 'more' }))).toBe(1);
  await stack.settle();
  expect(project().values).toMatchObject({ title: 'refused', note: 'more' });
  const link = await linkOf(ticket);
  expect(link.status).toBe('linked');
  expect(link.refusedOn).toBeUndefined();
});

test.each(['read', 'findByProperty'])('a record whose %s cannot be parsed is parked, too', async (call) => {
  pms.fault = (when, called) => {
    if (when === 'before' && called === call && refused.has(call))
      throw new NeedsHuman('unexpected_response', 'the answer has no id');
  };
  refused.add(call);
  const { ref } = zendesk.add('ticket', { subject: 's' });
  if (call === 'read') {
    await stack.settle();
    expect(await commands.resync(keyOf(ref))).toMatchObject({ status: 'quarantined' });
  } else await stack.settle();
  expect(await linkOf(ref)).toMatchObject({
    status: 'quarantined',
    reason: { code: 'unexpected_response', text: 'the answer has no id' },
  });
  refused.clear();
  expect(await commands.resync(keyOf(ref))).toMatchObject({ status: 'linked' });
});
