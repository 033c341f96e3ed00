import { blankWrite, newLink, type Link } from '../../src/sync/link';
import { notTakenOf } from '../../src/sync/notTaken';
import { differingRows, isEcho } from '../../src/sync/planner';
import { SIDES, type Json, type Side, type Values } from '../../src/sync/record';
import { refusedRows } from '../../src/sync/rules/taken';
import { NO_REFERENCES, World, testMapping } from '../support/world';

/**
 * Not taken is not agreed: a value that a side refused or ignored is kept next to the agreement, and offered again.
 */

const mapping = testMapping([
  { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both', winner: 'latest' },
  {
    zendesk: 'status',
    pms: 'state',
    type: 'enum',
    direction: 'both',
    transform: 'enum',
    winner: 'latest',
    table: { new: 'todo', open: 'doing', solved: 'done' },
  },
  { zendesk: 'assignee', pms: 'assignee', type: 'person', direction: 'both', transform: 'person' },
  { zendesk: 'due_at', pms: 'dueDate', type: 'date', direction: 'both', winner: 'latest' },
  { zendesk: 'severity', pms: 'severity', type: 'string', direction: 'both', winner: 'latest' },
  { zendesk: 'kind', pms: 'kind', type: 'string', direction: 'both', winner: 'zendesk' },
  { zendesk: 'tags', pms: 'labels', type: 'string[]', direction: 'both', transform: 'tags' },
]);
const table = mapping.entities.TicketToProject;

function linked(values: Values = {}): World {
  const world = World.of(mapping, 'zendesk', { subject: 's', status: 'new', ...values });
  world.settle();
  world.writes = [];
  return world;
}
const shownOn = (world: World, side: Side, property: string): Json | undefined =>
  world.records[side]?.values[property];
const aside = (world: World, row: string) => notTakenOf(world.link ?? {}, row);
/** Every value of these properties is dropped without an error. */
const ignoring =
  (world: World, ...properties: string[]) =>
  (side: Side, values: Values): Values =>
    Object.fromEntries(
      Object.entries(values).map(([name, value]) => [
        name,
        side === 'zendesk' && properties.includes(name) ? (shownOn(world, side, name) ?? null) : value,
      ]),
    );
/** A ticket without an assignee is not solved; the refusal concerns the status. */
const needsAssignee = (world: World) => (side: Side, values: Values) =>
  side === 'zendesk' && values['status'] === 'solved' && shownOn(world, side, 'assignee') === null
    ? ['status']
    : null;

test('a value that a creation left out does not keep the pair busy: its echoes are dropped', () => {
  const world = World.of(mapping, 'zendesk', { subject: 's', assignee: 'ann@a.example' });
  world.leavesOut = { assignee: 'nobody has this address' };
  world.onWrite = (side, values) => (side === 'pms' ? { ...values, assignee: null } : values);
  world.settle();
  expect(aside(world, 'assignee')).toMatchObject({ side: 'pms', offered: 'ann@a.example' });
  const echoes = () =>
    SIDES.map((side) => {
      if (!world.link || !world.records[side]) throw new Error('no pair');
      return isEcho(mapping, table, world.link, world.records[side], NO_REFERENCES);
    });
  expect(echoes()).toEqual([true, true]);
  world.edit('pms', { title: 'edited' });
  expect(echoes()).toEqual([true, false]);
  world.settle();
  if (!world.link?.notTaken) throw new Error('all was taken');
  world.link = { ...world.link, notTaken: world.link.notTaken.map((each) => ({ ...each, due: true })) };
  expect(echoes()).toEqual([false, false]);
});

test('a person whom a side does not know is offered again by a resync, and not after each edit', () => {
  const world = World.of(mapping, 'zendesk', { subject: 's', assignee: 'ann@a.example' });
  world.leavesOut = { assignee: 'nobody has this address' };
  world.onWrite = (side, values) => (side === 'pms' ? { ...values, assignee: null } : values);
  world.settle();
  world.writes = [];
  world.edit('zendesk', { subject: 't' });
  world.settle();
  world.edit('pms', { title: 'u' });
  world.settle();
  expect(world.writes.map(({ side, values }) => [side, values])).toEqual([
    ['pms', { title: 't' }],
    ['zendesk', { subject: 'u' }],
  ]);
  // The side knows the person now.
  world.leavesOut = null;
  world.onWrite = (_, values) => values;
  world.resync();
  expect(shownOn(world, 'pms', 'assignee')).toBe('ann@a.example');
  expect(world.link?.notTaken).toBeUndefined();
});

describe('F10: a refusal that names a property', () => {
  test('sets its row aside, with the API’s message, and writes all other rows', () => {
    const world = linked();
    world.refuses = needsAssignee(world);
    world.edit('pms', { state: 'done', title: 'told' });
    world.settle();
    expect(world.records.zendesk?.values).toMatchObject({ subject: 'told', status: 'new' });
    expect(aside(world, 'state')).toMatchObject({
      side: 'zendesk',
      offered: 'done',
      shown: 'todo',
      why: 'refused',
      words: 'refused status',
    });
    expect(world.link).toMatchObject({ status: 'linked', reason: { code: 'not_taken' } });
    expect(world.link?.snapshot).toMatchObject({ title: 'told', state: 'todo' });
  });

  test('blocks no other row, and is offered once for a change of either record', () => {
    const world = linked();
    world.refuses = needsAssignee(world);
    world.edit('pms', { state: 'done' });
    world.settle();
    expect(world.writes).toHaveLength(1);
    world.settle();
    world.settle(['pms']);
    expect(world.writes).toHaveLength(1);
    world.edit('zendesk', { subject: 'the agent’s' });
    world.settle();
    expect(world.records.pms?.values).toMatchObject({ title: 'the agent’s', state: 'done' });
    // Once with the refused status, once without.
    expect(world.writes.filter(({ side }) => side === 'zendesk')).toHaveLength(2);
    world.settle();
    expect(world.writes.filter(({ side }) => side === 'zendesk')).toHaveLength(2);
  });

  test('is taken once its cause is gone, and no value that the side set meanwhile overwrites it', () => {
    const world = linked();
    world.refuses = needsAssignee(world);
    world.edit('pms', { state: 'done' });
    world.settle();
    // Assigning a new ticket opens it.
    world.edit('zendesk', { assignee: 'ann@example.com', status: 'open' });
    world.settle();
    expect(world.records.zendesk?.values).toMatchObject({ status: 'solved', assignee: 'ann@example.com' });
    expect(world.records.pms?.values).toMatchObject({ state: 'done', assignee: 'ann@example.com' });
    expect(world.link?.notTaken).toBeUndefined();
    expect(world.link).toMatchObject({
      reason: null,
      history: [{ row: 'state', side: 'zendesk', lost: 'doing' }],
    });
  });

  test('does not change the other side when the refusing side edits the row', () => {
    const world = linked();
    world.refuses = (side, values) => (side === 'zendesk' && 'status' in values ? ['status'] : null);
    world.edit('pms', { state: 'done' });
    world.settle();
    world.edit('zendesk', { status: 'open' });
    world.settle();
    expect([shownOn(world, 'zendesk', 'status'), shownOn(world, 'pms', 'state')]).toEqual(['open', 'done']);
    expect(aside(world, 'state')).toMatchObject({ offered: 'done', shown: 'doing' });
    expect(world.link?.history).toEqual([]);
  });

  test('yields to an edit of the declared winner, and the history keeps it', () => {
    const world = linked({ kind: 'a' });
    world.refuses = (side, values) => (side === 'zendesk' && 'kind' in values ? ['kind'] : null);
    world.edit('pms', { kind: 'b' });
    world.settle();
    world.edit('zendesk', { kind: 'c' });
    world.settle();
    expect(shownOn(world, 'pms', 'kind')).toBe('c');
    expect(world.link?.history).toMatchObject([{ row: 'kind', side: 'pms', lost: 'b', kept: 'c' }]);
    expect(world.link?.notTaken).toBeUndefined();
  });

  test('is decided by the mapping’s winner if both sides edit the row meanwhile', () => {
    const world = linked();
    world.refuses = needsAssignee(world);
    world.edit('pms', { state: 'done' });
    world.settle();
    world.edit('zendesk', { status: 'open' });
    world.edit('pms', { state: 'todo' });
    world.settle();
    expect([shownOn(world, 'zendesk', 'status'), shownOn(world, 'pms', 'state')]).toEqual(['new', 'todo']);
    expect(world.link?.notTaken).toBeUndefined();
    expect(world.link?.history).toMatchObject([{ side: 'zendesk', lost: 'doing', kept: 'todo' }]);
  });

  test('is agreed again after a person withdraws the edit', () => {
    const world = linked();
    world.refuses = needsAssignee(world);
    world.edit('pms', { state: 'done' });
    world.settle();
    world.edit('pms', { state: 'todo' });
    world.settle();
    expect(world.link).toMatchObject({ reason: null, history: [] });
    expect(world.link?.notTaken).toBeUndefined();
  });

  test('does not stop the create of a record, and the row is written later', () => {
    const world = World.of(mapping, 'pms', { title: 's', state: 'done', labels: ['a'] });
    world.refuses = needsAssignee(world);
    world.refuses = (side, values) =>
      side === 'zendesk' && values['status'] === 'solved' && world.records.zendesk?.values['assignee'] == null
        ? ['status']
        : null;
    world.settle();
    expect(world.records.zendesk?.values).toMatchObject({ subject: 's', status: null, tags: ['a'] });
    expect(aside(world, 'state')).toMatchObject({ offered: 'done', shown: null });
    const calls = world.writes.length;
    world.settle();
    expect(world.writes).toHaveLength(calls);
    world.edit('zendesk', { assignee: 'ann@example.com' });
    world.settle();
    expect(shownOn(world, 'zendesk', 'status')).toBe('solved');
    expect(shownOn(world, 'pms', 'state')).toBe('done');
    expect(world.link?.notTaken).toBeUndefined();
  });
});

test('stops the create of a comment if it is the text, which could not be added later', () => {
  const comments = testMapping([
    {
      zendesk: 'body',
      pms: 'text',
      type: 'text',
      direction: 'both',
      winner: 'zendesk',
      fixedOn: 'zendesk',
      onEdit: 'followUp',
    },
    { zendesk: 'note', pms: 'memo', type: 'string', direction: 'both', winner: 'latest' },
  ]).entities.TicketToProject;
  const write = { ...blankWrite('zendesk', 'create'), rows: ['text', 'memo'] };
  const refusal = { code: 'too_long', fields: ['body'] } as const;
  const link = newLink('TicketToProject/pms:project:1', 'TicketToProject', 'm', '2024-05-01T00:00:00.000Z');
  expect(refusedRows(comments, write, refusal, link)).toEqual([]);
  expect(refusedRows(comments, write, { ...refusal, fields: ['note'] }, link)).toEqual(['memo']);
  expect(refusedRows(comments, { ...write, op: 'update' }, refusal, link)).toEqual(['text']);
});

describe('F9, F11: a write that is accepted and changes nothing', () => {
  test('F17: a person whom the side refuses is left out, and the link has the reason', () => {
    const world = linked();
    world.onWrite = ignoring(world, 'assignee');
    world.leavesOut = { assignee: 'Assignee: x.@legacy.example is not an address' };
    world.edit('pms', { assignee: 'x.@legacy.example', title: 'told' });
    world.settle();
    expect(world.records.zendesk?.values).toMatchObject({ subject: 'told' });
    expect(aside(world, 'assignee')).toMatchObject({
      why: 'refused',
      side: 'zendesk',
      words: 'Assignee: x.@legacy.example is not an address',
    });
  });

  test('a person whom the other side does not know is not taken, and the link names the person', () => {
    const world = linked();
    world.onWrite = ignoring(world, 'assignee');
    world.edit('pms', { assignee: 'new@example.com', title: 't' });
    world.settle();
    expect(shownOn(world, 'zendesk', 'subject')).toBe('t');
    expect(aside(world, 'assignee')).toMatchObject({
      why: 'ignored',
      offered: 'new@example.com',
      shown: null,
    });
    expect(aside(world, 'assignee')?.words).toContain('the person is unknown there');
    expect(shownOn(world, 'pms', 'assignee')).toBe('new@example.com');
  });

  test('a value that was not taken is offered again at a resync', () => {
    const world = linked();
    world.onWrite = ignoring(world, 'assignee');
    world.edit('pms', { assignee: 'new@example.com' });
    world.settle();
    world.resync();
    expect(world.writes).toHaveLength(2);
    expect(aside(world, 'assignee')?.due).toBeUndefined();
    world.onWrite = (_, values) => values;
    world.resync();
    expect(shownOn(world, 'zendesk', 'assignee')).toBe('new@example.com');
    expect(world.link?.notTaken).toBeUndefined();
  });

  test('a due date that comes before its type is offered again with the next change', () => {
    const world = linked({ kind: 'question' });
    world.onWrite = (side, values) =>
      side === 'zendesk' && 'due_at' in values && (values['kind'] ?? shownOn(world, side, 'kind')) !== 'task'
        ? { ...values, due_at: null }
        : values;
    world.edit('pms', { dueDate: '2027-01-01' });
    world.settle();
    expect(aside(world, 'dueDate')).toMatchObject({ offered: '2027-01-01', shown: null });
    world.edit('pms', { kind: 'task' });
    world.settle();
    expect(shownOn(world, 'zendesk', 'due_at')).toBe('2027-01-01');
    expect(world.link?.notTaken).toBeUndefined();
  });

  test('an option that the other side does not have: both sides keep their values', () => {
    const world = linked({ severity: 's1' });
    world.onWrite = ignoring(world, 'severity');
    world.edit('pms', { severity: 's9' });
    world.settle();
    world.edit('zendesk', { subject: 'other' });
    world.settle();
    expect([shownOn(world, 'zendesk', 'severity'), shownOn(world, 'pms', 'severity')]).toEqual(['s1', 's9']);
    expect(world.link?.snapshot).toMatchObject({ severity: 's1' });
  });

  test('an empty value after an unknown option is not synced, and the next choice is not cleared', () => {
    const world = linked({ severity: 's1' });
    world.onWrite = (side, values) =>
      side === 'zendesk' && values['severity'] === 's9' ? { ...values, severity: null } : values;
    world.edit('pms', { severity: 's9' });
    world.settle();
    expect(aside(world, 'severity')).toMatchObject({ why: 'emptied', offered: 's9', shown: null });
    world.edit('zendesk', { subject: 'other' });
    world.settle();
    world.edit('zendesk', { severity: 's2' });
    world.settle();
    expect([shownOn(world, 'zendesk', 'severity'), shownOn(world, 'pms', 'severity')]).toEqual(['s2', 's9']);
    world.edit('pms', { severity: 's3' });
    world.settle();
    expect([shownOn(world, 'zendesk', 'severity'), shownOn(world, 'pms', 'severity')]).toEqual(['s3', 's3']);
  });

  test('an API that ignores null: the other rows sync, and the value is not agreed', () => {
    const world = World.of(mapping, 'pms', { title: 's', severity: 's1' });
    world.settle();
    world.onWrite = (side, values) =>
      side === 'zendesk'
        ? Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null))
        : values;
    world.edit('pms', { severity: null, title: 't' });
    world.settle();
    expect(world.records.zendesk?.values).toMatchObject({ subject: 't', severity: 's1' });
    expect(aside(world, 'severity')).toMatchObject({ why: 'ignored', offered: null, shown: 's1' });
  });

  test('a value that the side shortened counts as taken', () => {
    const world = linked();
    world.onWrite = (side, values) => (side === 'zendesk' ? { ...values, subject: 'abc' } : values);
    world.edit('pms', { title: 'abcdef' });
    world.settle();
    expect(world.link?.notTaken).toBeUndefined();
    world.onWrite = (_, values) => values;
    world.edit('zendesk', { subject: 'mine' });
    world.settle();
    expect(shownOn(world, 'pms', 'title')).toBe('mine');
  });

  test('values that were not taken are not found as changes again', () => {
    const world = linked();
    world.onWrite = ignoring(world, 'assignee');
    world.edit('pms', { assignee: 'new@example.com' });
    world.settle();
    for (const record of Object.values(world.records))
      expect(differingRows(mapping, table, world.link as Link, record, NO_REFERENCES)).toEqual([]);
  });
});

describe('a set', () => {
  test('an element that returns after one exchange is not taken, and not exchanged without end', () => {
    const world = linked({ tags: ['a', 'b'] });
    // A trigger adds `b` whenever the ticket is updated.
    world.onWrite = (side, values) =>
      side === 'zendesk' && Array.isArray(values['tags'])
        ? { ...values, tags: [...new Set([...(values['tags'] as string[]), 'b'])] }
        : values;
    world.edit('pms', { labels: ['a'] });
    world.settle();
    expect(aside(world, 'labels')).toMatchObject({ byElement: true, offered: ['a'], shown: ['a', 'b'] });
    world.settle();
    expect(world.writes).toHaveLength(1);
    expect([shownOn(world, 'zendesk', 'tags'), shownOn(world, 'pms', 'labels')]).toEqual([['a', 'b'], ['a']]);
    // Other elements sync.
    world.edit('zendesk', { tags: ['a', 'b', 'c'] });
    world.settle();
    expect(shownOn(world, 'pms', 'labels')).toEqual(['a', 'c']);
  });

  test('an element that the side drops is offered again at a resync', () => {
    const world = linked({ tags: ['a'] });
    world.onWrite = (side, values) =>
      side === 'zendesk' && Array.isArray(values['tags'])
        ? { ...values, tags: values['tags'].filter((each) => each !== 'x') }
        : values;
    world.edit('pms', { labels: ['a', 'x'] });
    world.settle();
    expect(aside(world, 'labels')).toMatchObject({ offered: ['a', 'x'], shown: ['a'] });
    world.onWrite = (_, values) => values;
    world.resync();
    expect(shownOn(world, 'zendesk', 'tags')).toEqual(['a', 'x']);
    expect(world.link?.notTaken).toBeUndefined();
  });

  test('a refused set is set aside as a whole', () => {
    const world = linked({ tags: ['a'] });
    world.refuses = (side, values) => (side === 'zendesk' && 'tags' in values ? ['tags'] : null);
    world.edit('pms', { labels: ['a', 'x'], title: 't' });
    world.settle();
    expect(shownOn(world, 'zendesk', 'subject')).toBe('t');
    expect(aside(world, 'labels')).toMatchObject({ why: 'refused', offered: ['a', 'x'], shown: ['a'] });
    world.refuses = () => null;
    world.edit('zendesk', { tags: ['a', 'y'] });
    world.settle();
    expect(shownOn(world, 'zendesk', 'tags')).toEqual(['a', 'x', 'y']);
    expect(shownOn(world, 'pms', 'labels')).toEqual(['a', 'x', 'y']);
  });
});

describe('F10: a refusal that names no property', () => {
  const refusing = (property: string) => (side: Side, values: Values) =>
    side === 'zendesk' && property in values ? [] : null;

  test('is narrowed down in three calls at most, and the row is set aside', () => {
    const world = linked();
    world.refuses = refusing('severity');
    world.edit('pms', { title: 't', severity: 's9', kind: 'k' });
    world.settle();
    expect(world.writes).toHaveLength(4);
    expect(world.records.zendesk?.values).toMatchObject({ subject: 't', kind: 'k', severity: null });
    expect(aside(world, 'severity')).toMatchObject({ why: 'refused', offered: 's9' });
    expect(world.link?.notTaken).toHaveLength(1);
  });

  test('lets the pair wait if that finds no row, and no value is lost', () => {
    const world = linked();
    world.refuses = refusing('severity');
    world.edit('pms', { title: 't', severity: 's9', dueDate: '2027-01-01', kind: 'k' });
    world.settle();
    expect(world.waits).toBe(true);
    expect(world.writes).toHaveLength(4);
    expect(world.records.zendesk?.values).toMatchObject({ subject: 't', due_at: '2027-01-01' });
    expect(world.link?.notTaken).toMatchObject([
      { row: 'severity', offered: 's9', due: true },
      { row: 'kind', offered: 'k', due: true },
    ]);
    world.refuses = () => null;
    world.waits = false;
    world.settle(['zendesk']);
    expect(world.link?.notTaken).toBeUndefined();
    expect(world.records.zendesk?.values).toMatchObject({
      subject: 't',
      severity: 's9',
      due_at: '2027-01-01',
      kind: 'k',
    });
  });
});

test('a residue of an earlier release is offered again at a resync, unless the side shortened the value', () => {
  const world = linked();
  const { zendesk } = (world.link as Link).sides;
  if (zendesk) zendesk.residue = { assignee: null, title: 'ab' };
  const snapshot = { ...world.link?.snapshot, assignee: 'new@example.com', title: 'abc' };
  world.link = { ...(world.link as Link), snapshot };
  world.edit('pms', { assignee: 'new@example.com', title: 'abc' });
  world.edit('zendesk', { subject: 'ab' });
  world.resync();
  expect(world.writes.map(({ values }) => values)).toEqual([{ assignee: 'new@example.com' }]);
  expect(shownOn(world, 'zendesk', 'assignee')).toBe('new@example.com');
});

describe('a value that a side sets by itself, when none was written', () => {
  const filling = (world: World) => {
    world.onWrite = (side, values) =>
      side === 'zendesk' && (values['kind'] ?? null) === null && (values['kind'] === null || !world.link)
        ? { ...values, kind: 'usual' }
        : values;
  };

  test('syncs to the other side, at the create of a record and after a person cleared the value', () => {
    const created = World.of(mapping, 'pms', { title: 's', state: 'todo', kind: null });
    filling(created);
    created.settle();
    created.settle();
    expect([shownOn(created, 'zendesk', 'kind'), shownOn(created, 'pms', 'kind')]).toEqual([
      'usual',
      'usual',
    ]);

    const cleared = linked({ kind: 'odd' });
    filling(cleared);
    cleared.edit('pms', { kind: null });
    cleared.settle();
    cleared.settle();
    expect([shownOn(cleared, 'zendesk', 'kind'), shownOn(cleared, 'pms', 'kind')]).toEqual([
      'usual',
      'usual',
    ]);
  });

  test('is not synced if it is a person: the integration’s own user is nobody’s choice', () => {
    const world = World.of(mapping, 'pms', { title: 's', state: 'todo', assignee: null });
    world.onWrite = (side, values) =>
      side === 'zendesk' && !world.link ? { ...values, assignee: 'sync@acme.example' } : values;
    world.settle();
    world.settle();
    expect(shownOn(world, 'pms', 'assignee')).toBeNull();
  });

  test('stays if a person clears it again: the empty value is kept as not taken', () => {
    const world = linked({ kind: 'usual' });
    filling(world);
    for (let times = 0; times < 2; times += 1) {
      world.edit('pms', { kind: null });
      world.settle();
      world.settle();
      expect([shownOn(world, 'zendesk', 'kind'), shownOn(world, 'pms', 'kind')]).toEqual(['usual', null]);
      expect(aside(world, 'kind')).toMatchObject({ offered: null, shown: 'usual', why: 'ignored' });
    }
  });
});
