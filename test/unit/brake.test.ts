import { changeOf, holdId, type BrakeHold, type HeldChange, type HoldState } from '../../src/sync/holds';
import { notTakenOf } from '../../src/sync/notTaken';
import { isEcho } from '../../src/sync/planner';
import { bindingsOf } from '../../src/sync/rules/sameFields';
import type { SyncRecord, Values } from '../../src/sync/record';
import { examine } from '../../src/sync/reconcileVerdict';
import { NOW, NO_REFERENCES, World, testMapping } from '../support/world';

/** Issue 21, the brake: a held change is neither written nor agreed on nor lost. */

const mapping = testMapping([
  { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both', winner: 'latest' },
  { zendesk: 'priority', pms: 'priority', type: 'string', direction: 'both', winner: 'zendesk' },
  { zendesk: 'note', pms: 'note', type: 'text', direction: 'both', winner: 'manual' },
  { zendesk: 'tags', pms: 'labels', type: 'string[]', direction: 'both', transform: 'tags' },
]);
const table = mapping.entities.TicketToProject;

const hold = (
  kind: HeldChange['kind'],
  row: string | null,
  over: Partial<BrakeHold> = {},
  state: HoldState = 'held',
): BrakeHold => {
  const change: HeldChange = { entity: 'TicketToProject', kind, row, side: 'pms' };
  return {
    ...{ ...change, id: holdId(change), state, by: 'brake', cause: 'many changes', since: NOW, examples: [] },
    counts: { pairs: 20, linked: 50, allowed: 10 },
    ...over,
  };
};
function linked(values: Values = {}): World {
  const world = World.of(mapping, 'zendesk', {
    ...{ subject: 's', priority: 'high', note: 'n', tags: ['a', 'b'] },
    ...values,
  });
  world.settle();
  world.writes = [];
  return world;
}
const written = ({ writes }: World) => writes.map(({ side, values }) => [side, values]);
const shown = ({ records }: World, side: 'zendesk' | 'pms') => (records[side] as SyncRecord).values;

describe('a row that is held', () => {
  const emptied = () => {
    const world = linked();
    world.holds = [hold('emptied', 'priority')];
    world.edit('zendesk', { priority: null, subject: 'edited' });
    world.settle();
    return world;
  };

  test('is neither written nor agreed on, while other rows continue', () => {
    const world = emptied();
    expect(written(world)).toEqual([['pms', { title: 'edited' }]]);
    expect(world.link).toMatchObject({
      status: 'linked',
      snapshot: { priority: 'high', title: 'edited' },
      braked: [{ hold: 'TicketToProject/emptied/priority/pms', row: 'priority' }],
      reason: { code: 'brake', text: expect.stringContaining('priority') as string },
    });
  });

  test('is still held at the next turn, and writes nothing', () => {
    const world = emptied();
    const before = world.link;
    world.writes = [];
    world.settle();
    expect(written(world)).toEqual([]);
    expect(world.link).toEqual(before);
  });

  test('is written after the hold is released', () => {
    const world = emptied();
    world.writes = [];
    world.holds = [hold('emptied', 'priority', {}, 'releasing')];
    world.settle();
    expect(written(world)).toEqual([['pms', { priority: null }]]);
    expect(world.link).toMatchObject({ snapshot: { priority: null }, reason: null });
    expect(world.link).not.toHaveProperty('braked');
  });

  test('is not overwritten by an edit of the other side that was made without reading it', () => {
    const world = emptied();
    world.writes = [];
    world.edit('pms', { priority: 'low' });
    // Only the PMS was seen: the pair reads both.
    world.settle(['pms']);
    // Both sides changed it, and the winner's side is empty: that is held, and neither value is lost.
    expect(written(world)).toEqual([]);
    expect([shown(world, 'zendesk')['priority'], shown(world, 'pms')['priority']]).toEqual([null, 'low']);
  });

  test('is not held any more after a person sets a value again', () => {
    const world = emptied();
    world.edit('zendesk', { priority: 'high' });
    world.settle();
    expect(world.link).not.toHaveProperty('braked');
    expect(world.link?.reason).toBeNull();
    expect(shown(world, 'pms')['priority']).toBe('high');
  });

  test('is neither an echo nor a finding of a reconcile', () => {
    const world = emptied();
    const { link, records } = world;
    if (!link || !records.zendesk) throw new Error('not linked');
    expect(isEcho(mapping, table, link, records.zendesk, NO_REFERENCES)).toBe(false);
    expect(examine(mapping, table, link, records.zendesk, NO_REFERENCES).kind).toBe('unsettled');
    const drifted = { ...records.zendesk, values: { ...records.zendesk.values, subject: 'unseen' } };
    expect(examine(mapping, table, link, drifted, NO_REFERENCES).kind).toBe('drifted');
  });

  test('an emptied row is held in one direction only, and other values are written', () => {
    const world = linked();
    world.holds = [hold('emptied', 'priority')];
    world.edit('pms', { priority: null });
    world.settle();
    expect(written(world)).toEqual([['zendesk', { priority: null }]]);
    world.writes = [];
    world.edit('zendesk', { priority: 'low' });
    world.settle();
    expect(written(world)).toEqual([['pms', { priority: 'low' }]]);
  });

  test('does not hold a person’s decision about the row', () => {
    const world = linked();
    world.edit('zendesk', { note: 'x' });
    world.edit('pms', { note: 'y' });
    world.settle();
    expect(world.link?.status).toBe('conflict');
    world.holds = [hold('replaced', 'note')];
    world.decisions = {
      rows: new Map([['note', { row: 'note', choice: 'zendesk' as const }]]),
      counterpart: null,
    };
    world.settle();
    expect(shown(world, 'pms')['note']).toBe('x');
  });

  test('is not held by a hold for the row’s former fields', () => {
    const world = linked();
    world.holds = [hold('emptied', 'priority', { bound: 'former' })];
    world.edit('zendesk', { priority: null });
    world.settle();
    expect(written(world)).toEqual([['pms', { priority: null }]]);
    const still = linked();
    still.holds = [hold('emptied', 'priority', { bound: bindingsOf(table)['priority'] ?? '' })];
    still.edit('zendesk', { priority: null });
    still.settle();
    expect(written(still)).toEqual([]);
  });

  test('is held by kind "written" also if it fills a property, on either side', () => {
    const world = linked({ priority: null });
    world.holds = [hold('written', 'priority', { side: null, by: 'undo' })];
    world.edit('pms', { priority: 'low' });
    world.settle();
    expect(written(world)).toEqual([]);
    world.holds = [];
    world.settle();
    expect(written(world)).toEqual([['zendesk', { priority: 'low' }]]);
  });

  test('of a set: removals are held, additions are not', () => {
    const world = linked();
    world.holds = [hold('replaced', 'labels'), hold('emptied', 'labels')];
    world.edit('zendesk', { tags: ['a', 'b', 'c'] });
    world.settle();
    expect(shown(world, 'pms')['labels']).toEqual(['a', 'b', 'c']);
    world.edit('zendesk', { tags: [] });
    world.settle();
    expect(shown(world, 'pms')['labels']).toEqual(['a', 'b', 'c']);
    world.holds = [];
    world.settle();
    expect(shown(world, 'pms')['labels']).toEqual([]);
  });
});

describe('a change that is discarded', () => {
  const discarded = (kind: HeldChange['kind'], row: string, values: Values) => {
    const world = linked();
    world.holds = [hold(kind, row)];
    world.edit('zendesk', values);
    world.settle();
    world.holds = [hold(kind, row, {}, 'discarding')];
    world.settle();
    world.holds = [];
    world.writes = [];
    return world;
  };

  test('keeps both values as not taken, and does not offer the change again with another edit, resync or reconcile', () => {
    const world = discarded('emptied', 'priority', { priority: null });
    expect(notTakenOf(world.link ?? {}, 'priority')).toMatchObject({
      ...{ side: 'pms', offered: null, shown: 'high', why: 'discarded' },
    });
    expect(world.link).not.toHaveProperty('braked');
    world.edit('zendesk', { subject: 'another' });
    world.settle();
    world.resync();
    expect(written(world)).toEqual([['pms', { title: 'another' }]]);
    expect(world.link?.reason?.code).toBe('not_taken');
    const { link, records } = world;
    if (!link || !records.pms) throw new Error('not linked');
    expect(examine(mapping, table, link, records.pms, NO_REFERENCES).kind).toBe('agrees');
  });

  test.each(['zendesk', 'pms'] as const)('allows the next edit on %s', (side) => {
    const world = discarded('replaced', 'priority', { priority: 'low' });
    world.edit(side, { priority: 'urgent' });
    world.settle();
    expect([shown(world, 'zendesk')['priority'], shown(world, 'pms')['priority']]).toEqual([
      'urgent',
      'urgent',
    ]);
    expect(world.link?.reason).toBeNull();
  });

  test('of a set: the elements stay different, and only the next edit is synced', () => {
    const world = discarded('emptied', 'labels', { tags: [] });
    expect([shown(world, 'zendesk')['tags'], shown(world, 'pms')['labels']]).toEqual([[], ['a', 'b']]);
    world.edit('zendesk', { tags: ['c'] });
    world.settle();
    expect(shown(world, 'pms')['labels']).toEqual(['a', 'b', 'c']);
    expect(shown(world, 'zendesk')['tags']).toEqual(['c']);
  });
});

test.each([
  [null, 'a', 'filled'],
  ['a', null, 'emptied'],
  ['a', '', 'emptied'],
  ['a', 'b', 'replaced'],
  ['a', 'a', null],
  [null, null, null],
  [false, null, 'emptied'],
  [0, 1, 'replaced'],
  [['a'], ['a', 'b'], 'filled'],
  [['a', 'b'], ['a'], 'replaced'],
  [['a'], [], 'emptied'],
  [['a'], null, 'emptied'],
  [[], null, null],
])('from %j to %j a value is %s', (before, after, change) => {
  expect(changeOf(before, after)).toBe(change);
});
