import { pino } from 'pino';
import { Brake } from '../../src/activities/brake';
import { SyncMetrics } from '../../src/activities/metrics';
import type { LinkStore } from '../../src/links/linkStore';
import {
  BRAKE_DEFAULTS,
  allowedOf,
  countedChanges,
  emptiedRows,
  type BrakeMeasure,
  type CountedChange,
} from '../../src/sync/brake';
import type { BrakeHold, HoldId } from '../../src/sync/holds';
import type { Link } from '../../src/sync/link';
import { planPair, type Observation, type PairState } from '../../src/sync/planner';
import type { Side, SyncRecord, Values } from '../../src/sync/record';
import { NOW, NO_REFERENCES, World, testMapping } from '../support/world';

/** Issue 21, the brake: what is counted, and when too many changes are of one kind. */

const mapping = testMapping([
  { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both', winner: 'latest' },
  { zendesk: 'note', pms: 'note', type: 'text', direction: 'both', winner: 'zendesk' },
  {
    ...{ zendesk: 'status', pms: 'state', type: 'enum', direction: 'both', transform: 'enum' },
    ...{ winner: 'latest', table: { open: 'doing', closed: 'done' } },
  },
  { zendesk: 'tags', pms: 'labels', type: 'string[]', direction: 'both', transform: 'tags' },
]);
const table = mapping.entities.TicketToProject;

describe('how many pairs may change in the same way', () => {
  test.each<[BrakeMeasure, number, number]>([
    ['ends', 0, 10],
    ['ends', 50, 10],
    ['ends', 1_000, 100],
    ['ends', 1_000_000, 2_000],
    ['archives', 50, 10],
    ['archives', 1_000_000, 1_000],
    ['emptied', 50, 10],
    ['emptied', 2_000, 100],
    ['emptied', 1_000_000, 1_000],
    ['replaced', 50, 25],
    ['replaced', 1_000, 500],
    ['replaced', 1_000_000, 20_000],
    ['remapped', 50, 10],
    ['remapped', 500, 25],
    ['remapped', 1_000_000, 1_000],
  ])('%s, with %i linked pairs: %i', (measure, linked, allowed) => {
    const threshold = BRAKE_DEFAULTS.thresholds[measure];
    expect(threshold && allowedOf(threshold, linked)).toBe(allowed);
  });
});

function linked(values: Values = {}): World {
  const world = World.of(mapping, 'zendesk', {
    ...{ subject: 's', note: 'n', status: 'open', tags: ['a', 'b'] },
    ...values,
  });
  world.settle();
  return world;
}

function stateOf(world: World, over: Partial<PairState> = {}): PairState {
  const seen = (side: Side) => ({ record: world.records[side] as SyncRecord, fresh: true });
  return {
    ...{ key: world.key, link: world.link, observed: { zendesk: seen('zendesk'), pms: seen('pms') } },
    ...{ references: NO_REFERENCES, hops: 0, linksSince: NOW, now: NOW },
    ...over,
  };
}
/** The counted changes of a plan, in short form. */
function counted(state: PairState, by = mapping): string[] {
  const changes = countedChanges(planPair(state, by), { state, table: by.entities.TicketToProject });
  return changes.map(
    ({ change, measure, cause }) => `${measure} ${change.row ?? '*'} ${change.side} ${cause}`,
  );
}
const afterEdit = (side: Side, values: Values) => {
  const world = linked();
  world.edit(side, values);
  return counted(stateOf(world));
};

describe('which changes of a plan are counted', () => {
  test.each<[string, Side, Values, string[]]>([
    ['a value that was cleared', 'zendesk', { note: null }, ['emptied note pms side answered with less']],
    ['a text that was replaced', 'pms', { title: 't' }, ['replaced title zendesk many changes']],
    [
      'elements of a set that were removed',
      'pms',
      { labels: ['a'] },
      ['replaced labels zendesk many changes'],
    ],
    ['all elements', 'pms', { labels: [] }, ['emptied labels zendesk side answered with less']],
    ['elements that were added', 'pms', { labels: ['a', 'b', 'c'] }, []],
    ['a ticket that is closed does not count: automations close many', 'zendesk', { status: 'closed' }, []],
  ])('%s', (_, side, values, expected) => {
    expect(afterEdit(side, values)).toEqual(expected);
  });

  test('a value that fills an empty property is not counted', () => {
    const world = linked({ note: null });
    world.edit('pms', { note: 'first' });
    expect(counted(stateOf(world))).toEqual([]);
  });

  test('a property that is missing in the answer suggests that its field was deleted', () => {
    const world = linked();
    const record = { ...(world.records.zendesk as SyncRecord), version: '900', order: 900 };
    record.values = Object.fromEntries(Object.entries(record.values).filter(([name]) => name !== 'note'));
    delete record.complete;
    world.records.zendesk = record;
    expect(counted(stateOf(world))).toEqual(['emptied note pms field gone']);
  });

  test('the end of a record counts if it is absent or deleted, and not if it was redacted', () => {
    const world = linked();
    const gone = stateOf(world, { observed: { zendesk: { record: null, fresh: true } } });
    expect(counted(gone)).toEqual(['ends * pms records not found']);
    const ended = (state: SyncRecord['state']) =>
      stateOf(world, {
        observed: { zendesk: { record: { ...(world.records.zendesk as SyncRecord), state }, fresh: true } },
      });
    expect(counted(ended('deleted'))).toEqual(['ends * pms many changes']);
    expect(counted(ended('redacted'))).toEqual([]);
    const archiving = { ...table, onDelete: 'archive' as const };
    const strict = { ...mapping, entities: { ...mapping.entities, TicketToProject: archiving } };
    expect(counted(ended('deleted'), strict)).toEqual(['archives * pms many changes']);
    // An end that was counted is not counted again.
    expect(counted({ ...gone, link: { ...(world.link as Link), status: 'tombstone' } })).toEqual([]);
  });

  test('the end of a pair whose records are both deleted changes no record, and is not counted', () => {
    const world = linked();
    const gone = { record: null, fresh: true } as const;
    const deleted = (side: Side) => ({
      record: { ...(world.records[side] as SyncRecord), state: 'deleted' as const },
      fresh: true,
    });
    const observed = (zendesk: Observation, pms: Observation) =>
      stateOf(world, { observed: { zendesk, pms } });
    const unproven = { ...gone, unproven: true } as const;
    for (const state of [
      observed(deleted('zendesk'), deleted('pms')),
      observed(gone, gone),
      // A record is read without a report of its end. Its counterpart ended by its own side's report.
      observed(deleted('zendesk'), unproven),
      observed(unproven, deleted('pms')),
    ]) {
      expect(planPair(state, mapping)).toMatchObject({ do: 'bury', intent: null });
      expect(counted(state)).toEqual([]);
    }
    // Nothing reports the end of either.
    expect(planPair(observed(unproven, unproven), mapping).do).toBe('absent');
    const archiving = { ...table, onDelete: 'archive' as const };
    const strict = { ...mapping, entities: { ...mapping.entities, TicketToProject: archiving } };
    expect(planPair(observed(deleted('zendesk'), deleted('pms')), strict)).toMatchObject({ intent: null });
  });

  test('an end shows whether the other record was just read', () => {
    const world = linked();
    const changes = (fresh: boolean) => {
      const pms = { record: world.records.pms as SyncRecord, fresh };
      const state = stateOf(world, { observed: { zendesk: { record: null, fresh: true }, pms } });
      return countedChanges(planPair(state, mapping), { state, table });
    };
    expect(changes(false)).toMatchObject([{ unread: 'pms:project:P-1' }]);
    expect(changes(true)[0]).not.toHaveProperty('unread');
  });

  test('a row’s first meeting after a change of the mapping counts separately; the first meeting of a pair never counts', () => {
    const world = linked();
    world.edit('pms', { note: 'another' });
    const link = world.link as Link;
    const rebound = { ...link, bound: { ...link.bound, note: 'former' } };
    expect(counted(stateOf(world, { link: rebound }))).toEqual(['remapped note pms mapping changed']);
    expect(counted(stateOf(world, { link: { ...link, snapshot: null } }))).toEqual([]);
  });

  test('a resumed plan was counted before', () => {
    const world = linked();
    world.edit('zendesk', { note: null });
    const state = stateOf(world);
    const plan = planPair(state, mapping);
    if (plan.do !== 'write') throw new Error('nothing is written');
    const resumed = { ...state, link: { ...(world.link as Link), intent: plan.intent } };
    expect(countedChanges(plan, { state: resumed, table })).toEqual([]);
  });

  test('a walk finds the emptied rows before it notifies their pairs', () => {
    const world = linked();
    world.edit('zendesk', { note: null, tags: [], subject: 'another' });
    const { records, link } = world;
    const found = emptiedRows(mapping, table, link as Link, records.zendesk as SyncRecord, NO_REFERENCES);
    expect(found.map(({ change }) => `${change.kind} ${change.row} ${change.side}`)).toEqual([
      'emptied note pms',
      'emptied labels pms',
    ]);
  });
});

/** Runs other work a number of times meanwhile. */
async function pauses(times: number): Promise<void> {
  for (let n = 0; n < times; n += 1) await new Promise(setImmediate);
}

/** A link store with only holds and counts. Several workers may share it. */
class Counting {
  holds: BrakeHold[] = [];
  slots = new Map<number, Map<HoldId, number>>();
  commands = 0;
  linked = 50;
  otherMapping = 0;

  store(): ConstructorParameters<typeof Brake>[0]['store'] {
    const sum = (slots: number[]) => {
      const total = new Map<HoldId, number>();
      for (const slot of slots)
        for (const [id, n] of this.slots.get(slot) ?? []) total.set(id, (total.get(id) ?? 0) + n);
      return total;
    };
    const stored = {
      countLinked: () => Promise.resolve(this.linked),
      countOfOtherMapping: () => Promise.resolve(this.otherMapping),
      holds: {
        of: () => Promise.resolve(this.holds),
        begin: (hold: BrakeHold) => {
          const isNew = !this.holds.some(({ id }) => id === hold.id);
          if (isNew) this.holds.push(hold);
          return Promise.resolve(isNew);
        },
      },
      changeCounts: {
        add: async (slot: number, counts: ReadonlyMap<HoldId, number>) => {
          this.commands += 1;
          await pauses(2);
          const kept = this.slots.get(slot) ?? new Map<HoldId, number>();
          for (const [id, n] of counts) kept.set(id, (kept.get(id) ?? 0) + n);
          this.slots.set(slot, kept);
          const all = sum([slot]);
          await pauses(2);
          return all;
        },
        since: async (from: number, except?: number) => {
          this.commands += 1;
          const all = sum([...this.slots.keys()].filter((slot) => slot >= from && slot !== except));
          await pauses(2);
          return all;
        },
        dropBefore: () => Promise.resolve(),
      },
    };
    return stored as unknown as Pick<LinkStore, 'holds' | 'changeCounts'> &
      ConstructorParameters<typeof Brake>[0]['store'];
  }

  worker(now: () => Date = () => new Date(NOW)): Brake {
    const log = pino({ level: 'silent' });
    return new Brake({ store: this.store(), log, metrics: new SyncMetrics(), now }, BRAKE_DEFAULTS);
  }
}

const emptying: CountedChange = {
  change: { entity: 'TicketToProject', kind: 'emptied', row: 'note', side: 'pms' },
  measure: 'emptied',
  cause: 'side answered with less',
};
const remapping: CountedChange = {
  change: { entity: 'TicketToProject', kind: 'replaced', row: 'note', side: 'pms' },
  ...{ measure: 'remapped', cause: 'mapping changed', bound: 'b2' },
};
const keyOf = (n: number) => `TicketToProject/zendesk:ticket:${n}`;
/** @returns the number of pairs that continued before the first was held */
async function plansUntilHeld(
  brake: Brake,
  counting: Counting,
  from = 0,
  change = emptying,
): Promise<number> {
  for (let n = 0; n < 3_000; n += 1)
    if (await brake.count(keyOf(from + n), [change], counting.holds, mapping.version)) return n;
  return Infinity;
}

describe('when too many pairs change', () => {
  test.each([
    [50, 10],
    [1_000, 50],
    [1_000_000, 1_000],
  ])('of %i pairs, %i may be emptied, and the next one begins a hold', async (pairs, allowed) => {
    const counting = new Counting();
    counting.linked = pairs;
    expect(await plansUntilHeld(counting.worker(), counting)).toBe(allowed);
    expect(counting.holds).toEqual([
      {
        ...{ ...emptying.change, id: 'TicketToProject/emptied/note/pms', state: 'held', by: 'brake' },
        ...{ cause: 'side answered with less', since: NOW },
        counts: { pairs: allowed + 1, linked: pairs, allowed },
        examples: expect.arrayContaining([keyOf(allowed)]) as string[],
      },
    ]);
    expect(counting.holds[0]?.examples).toHaveLength(10);
  });

  test('of many pairs planned at the same time, no more are allowed', async () => {
    const counting = new Counting();
    const brake = counting.worker();
    const held = await Promise.all(
      Array.from({ length: 50 }, async (_, n) => {
        await pauses(n % 7);
        return brake.count(keyOf(n), [emptying], [], mapping.version);
      }),
    );
    expect(held.filter((each) => !each)).toHaveLength(10);
  });

  test('a hold that does not concern a plan is not begun again and again', async () => {
    const counting = new Counting();
    const brake = counting.worker();
    await plansUntilHeld(brake, counting);
    expect(await brake.count(keyOf(77), [emptying], counting.holds, mapping.version)).toBeNull();
  });

  test('one pair counts once, however often it changes or is planned', async () => {
    const counting = new Counting();
    const brake = counting.worker();
    for (let n = 0; n < 100; n += 1)
      expect(await brake.count(keyOf(1), [emptying], [], mapping.version)).toBeNull();
    expect(counting.holds).toEqual([]);
  });

  test('two workers count together, and a third that starts continues their count', async () => {
    const counting = new Counting();
    const [one, two] = [counting.worker(), counting.worker()];
    for (let n = 0; n < 4; n += 1) await one.count(keyOf(n), [emptying], [], mapping.version);
    for (let n = 4; n < 8; n += 1) await two.count(keyOf(n), [emptying], [], mapping.version);
    await Promise.all([one.stop(), two.stop()]);
    expect(await plansUntilHeld(counting.worker(), counting, 8)).toBe(2);
  });

  test('before one end too many is held, the other record is read', async () => {
    const counting = new Counting();
    const brake = counting.worker();
    const end = (n: number, isRead: boolean): CountedChange => ({
      change: { entity: 'TicketToProject', kind: 'ends', row: null, side: 'pms' },
      ...{ measure: 'ends', cause: 'many changes', ...(!isRead && { unread: `pms:project:${n}` }) },
    });
    const count = (n: number, isRead = false) =>
      brake.count(keyOf(n), [end(n, isRead)], counting.holds, mapping.version);
    for (let n = 0; n < 10; n += 1) expect(await count(n)).toBeNull();
    // For these, the other record was deleted as well: they are not counted, and nothing is ever held.
    for (let n = 10; n < 50; n += 1) expect(await count(n)).toEqual({ read: `pms:project:${n}` });
    expect(counting.holds).toEqual([]);
    // A pair that was counted before does not count again.
    expect(await count(3)).toBeNull();
    expect(await count(50, true)).toBe('hold');
    expect(counting.holds).toMatchObject([
      { kind: 'ends', counts: { pairs: 11 }, examples: expect.arrayContaining([keyOf(50)]) as string[] },
    ]);
  });

  test('of many ends at the same time, all are read before one is held', async () => {
    const counting = new Counting();
    const brake = counting.worker();
    const end: CountedChange = {
      change: { entity: 'TicketToProject', kind: 'ends', row: null, side: 'pms' },
      ...{ measure: 'ends', cause: 'many changes' },
    };
    const count = (n: number, more: Partial<CountedChange>) =>
      brake.count(keyOf(n), [{ ...end, ...more }], [], mapping.version);
    const pairs = Array.from({ length: 40 }, (_, n) => n);
    const first = await Promise.all(pairs.map((n) => count(n, { unread: `pms:project:${n}` })));
    expect(counting.holds).toEqual([]);
    const continued = first.filter((each) => each === null).length;
    expect(continued).toBeLessThanOrEqual(10);
    // Pairs that need a read are not counted before it. For some, the other record exists.
    for (const n of pairs.slice(continued - 10 || 40)) expect(await count(n, {})).toBeNull();
    expect(counting.holds).toEqual([]);
    await brake.stop();
    const kept = [...counting.slots.values()].flatMap((slot) => [...slot.values()]);
    expect(kept.reduce((sum, each) => sum + each, 0)).toBe(10);
  });

  test('changes older than the window are not counted', async () => {
    const counting = new Counting();
    let at = Date.parse(NOW);
    const brake = counting.worker(() => new Date(at));
    for (let n = 0; n < 10; n += 1) await brake.count(keyOf(n), [emptying], [], mapping.version);
    at += 61 * 60_000;
    expect(await plansUntilHeld(brake, counting, 10)).toBe(10);
  });

  test('many changes need few database commands', async () => {
    const counting = new Counting();
    counting.linked = 1_000_000;
    const brake = counting.worker();
    for (let n = 0; n < 900; n += 1) await brake.count(keyOf(n), [emptying], [], mapping.version);
    await brake.stop();
    expect(counting.commands).toBeLessThan(20);
    expect(counting.holds).toEqual([]);
  });

  test('pairs are not counted against a hold that a person has just ended', async () => {
    const counting = new Counting();
    const brake = counting.worker();
    await plansUntilHeld(brake, counting);
    const ended = counting.holds.map((hold) => ({ ...hold, state: 'releasing' as const }));
    for (let n = 100; n < 200; n += 1)
      expect(await brake.count(keyOf(n), [emptying], ended, mapping.version)).toBeNull();
  });

  test('once a hold has ended, the same pairs are counted again', async () => {
    const counting = new Counting();
    const brake = counting.worker();
    await plansUntilHeld(brake, counting);
    await brake.stop();
    // The state after the hold has ended.
    counting.holds = [];
    for (const counts of counting.slots.values()) counts.clear();
    expect(await plansUntilHeld(brake, counting)).toBe(10);
  });

  test('a page with too many changes begins a hold before any pair is notified', async () => {
    const counting = new Counting();
    const page = (many: number) =>
      Array.from({ length: many }, (_, n) => ({ key: keyOf(n), changes: [emptying] }));
    const brake = counting.worker();
    await brake.foresee(page(10));
    expect(counting.holds).toEqual([]);
    await brake.foresee(page(11));
    expect(counting.holds).toMatchObject([{ state: 'held', counts: { pairs: 11 } }]);
  });

  test('a changed mapping that may concern many pairs begins a hold with its first pair, until all are counted', async () => {
    const counting = new Counting();
    counting.otherMapping = 50;
    expect(await plansUntilHeld(counting.worker(), counting, 0, remapping)).toBe(0);
    expect(counting.holds).toMatchObject([
      { state: 'counting', bound: 'b2', cause: 'mapping changed', counts: { pairs: 50, allowed: 10 } },
    ]);
  });

  test('a changed mapping that concerns few pairs is allowed, and its pairs are counted as they are planned', async () => {
    const counting = new Counting();
    counting.otherMapping = 9;
    expect(await plansUntilHeld(counting.worker(), counting, 0, remapping)).toBe(10);
    expect(counting.holds).toMatchObject([{ state: 'held', cause: 'mapping changed' }]);
  });
});
