import fc from 'fast-check';
import { comparedRows, type PropertyRow } from '../../src/sync/mapping';
import { mergeRow } from '../../src/sync/merge';
import type { MergeInput, MergeResult } from '../../src/sync/mergeResult';
import { SIDES, otherSide, type Json, type Side, type Values } from '../../src/sync/record';
import { elementsOf } from '../../src/sync/heldSets';
import { isSet } from '../../src/sync/rules/sets';
import { sameValue, toCanonical } from '../../src/sync/values';
import { NO_REFERENCES, World, testMapping } from '../support/world';

/** The table of these tests: every transform without other records, in every direction. */
const ROWS = [
  { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both', winner: 'latest' },
  { zendesk: 'body', pms: 'text', type: 'text', direction: 'both', winner: 'pms' },
  { zendesk: 'count', pms: 'amount', type: 'integer', direction: 'both', winner: 'zendesk' },
  {
    zendesk: 'tags',
    pms: 'labels',
    type: 'string[]',
    direction: 'both',
    transform: 'tags',
    winner: 'latest',
  },
  {
    zendesk: 'status',
    pms: 'state',
    type: 'enum',
    direction: 'both',
    transform: 'enum',
    winner: 'latest',
    table: { new: 'todo', open: 'doing', pending: 'waiting', hold: 'waiting', solved: 'done' },
  },
  { zendesk: 'channel', pms: 'source', type: 'string', direction: 'toPms' },
  { zendesk: 'estimate', pms: 'hours', type: 'decimal', direction: 'toZendesk' },
  { zendesk: 'due_at', pms: 'due', type: 'datetime', direction: 'both', winner: 'latest' },
  { zendesk: 'flag', pms: 'flag', type: 'boolean', direction: 'both', winner: 'manual', default: false },
];
const mapping = testMapping(ROWS);
const table = mapping.entities.TicketToProject;

const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.constantFrom('', ' padded ', 'a\r\nb', 'ünïcode 🎉', 'שלום', '<b>x</b>'),
);
const nullable = <T extends Json>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<Json> =>
  fc.option(arbitrary, { nil: null });
const time = fc
  .integer({ min: 1_500_000_000, max: 1_800_000_000 })
  .map((seconds) => new Date(seconds * 1000).toISOString());
const shared = {
  integer: nullable(fc.integer({ min: -1000, max: 1000 })),
  tags: fc.array(fc.constantFrom('A', 'b', 'two words', 'c'), { maxLength: 4 }) as fc.Arbitrary<Json>,
  decimal: nullable(fc.integer({ min: 0, max: 400 }).map((quarter) => quarter / 4)),
};
const values: Record<Side, fc.Arbitrary<Values>> = {
  zendesk: fc.record({
    subject: nullable(text),
    body: nullable(text),
    count: shared.integer,
    tags: shared.tags,
    status: fc.constantFrom<Json>('new', 'open', 'pending', 'hold', 'solved'),
    channel: nullable(text),
    estimate: shared.decimal,
    due_at: nullable(time),
    flag: fc.constantFrom<Json>(true, false, null),
  }),
  pms: fc.record({
    title: nullable(text),
    text: nullable(text),
    amount: shared.integer,
    labels: shared.tags,
    state: fc.constantFrom<Json>('todo', 'doing', 'waiting', 'done'),
    source: nullable(text),
    hours: shared.decimal,
    due: nullable(time),
    flag: fc.constantFrom<Json>(true, false, null),
  }),
};
const side = fc.constantFrom<Side>('zendesk', 'pms');

function canonical(world: World, on: Side, row: PropertyRow): Json {
  const property = row[on];
  const raw = property === null ? null : world.records[on]?.values[property];
  const result = toCanonical(row, on, raw, NO_REFERENCES, () => table.kind);
  if (!result.ok) throw new Error(`${row.id} on ${on} is not canonical`);
  return result.value;
}

/** Rows that differ between the two records without being parked. */
function disagreements(world: World): string[] {
  const parked = new Set(world.link?.conflicts.map((conflict) => conflict.row));
  return comparedRows(table)
    .filter((row) => !parked.has(row.id))
    .filter((row) => !sameValue(canonical(world, 'zendesk', row), canonical(world, 'pms', row)))
    .map((row) => row.id);
}

/** A pair that was created from one side and then edited on any side. */
const history = fc.record({
  origin: side,
  zendesk: values.zendesk,
  pms: values.pms,
  edits: fc.array(
    fc.oneof(
      fc.record({ on: fc.constant<Side>('zendesk'), values: values.zendesk }),
      fc.record({ on: fc.constant<Side>('pms'), values: values.pms }),
    ),
    { maxLength: 4 },
  ),
});

function replay(run: {
  origin: Side;
  zendesk: Values;
  pms: Values;
  edits: { on: Side; values: Values }[];
}): World {
  const world = World.of(mapping, run.origin, run[run.origin]);
  world.settle();
  world.settle();
  for (const edit of run.edits) {
    world.edit(edit.on, edit.values);
    world.settle();
  }
  return world;
}

describe('planner', () => {
  test('two sides agree after one round, whoever edited what', () => {
    fc.assert(
      fc.property(history, values.zendesk, values.pms, (run, zendesk, pms) => {
        const world = replay(run);
        world.edit('zendesk', zendesk);
        world.edit('pms', pms);
        world.settle();
        expect(disagreements(world)).toEqual([]);
      }),
    );
  });

  test('an echo plans nothing: after a round, our own writes are seen again and change nothing', () => {
    fc.assert(
      fc.property(history, (run) => {
        const world = replay(run);
        world.settle();
        const before = world.writes.length;
        const revision = JSON.stringify(world.link);
        for (const observed of [['zendesk'], ['pms'], ['zendesk', 'pms']] as Side[][]) {
          expect(world.settle(observed).do).toBe('settled');
        }
        expect(world.writes).toHaveLength(before);
        expect(JSON.stringify(world.link)).toBe(revision);
      }),
    );
  });

  test('a plan carried out twice changes nothing the second time', () => {
    fc.assert(
      fc.property(history, values.zendesk, (run, edit) => {
        const world = replay(run);
        const stale = world.link;
        world.edit('zendesk', edit);
        world.settle();
        const records = JSON.stringify(world.records);
        const writes = world.writes.length;
        // The crash came after the writes and before the commit, so the link does not know them.
        world.link = stale;
        world.settle();
        expect(world.writes.slice(writes)).toEqual([]);
        expect(JSON.stringify(world.records)).toBe(records);
        expect(disagreements(world)).toEqual([]);
      }),
    );
  });

  test('one change on one side costs one write on the other, and none on its own', () => {
    fc.assert(
      fc.property(history, text, (run, subject) => {
        const world = replay(run);
        world.settle();
        const before = canonical(world, 'pms', table.rows[0] as PropertyRow);
        const writes = world.writes.length;
        world.edit('zendesk', { subject });
        world.settle(['zendesk']);
        const changed = !sameValue(before, canonical(world, 'zendesk', table.rows[0] as PropertyRow));
        expect(world.writes.slice(writes).map((write) => write.side)).toEqual(changed ? ['pms'] : []);
      }),
    );
  });

  test('an edit is either on both sides, or overruled and kept in the history, or parked', () => {
    fc.assert(
      fc.property(history, values.zendesk, values.pms, (run, zendesk, pms) => {
        const world = replay(run);
        world.settle();
        const before = new Map(
          comparedRows(table).map((row) => [
            row.id,
            { zendesk: canonical(world, 'zendesk', row), pms: canonical(world, 'pms', row) },
          ]),
        );
        world.edit('zendesk', zendesk);
        world.edit('pms', pms);
        const edited = new Map(
          comparedRows(table).map((row) => [
            row.id,
            { zendesk: canonical(world, 'zendesk', row), pms: canonical(world, 'pms', row) },
          ]),
        );
        world.settle();
        for (const row of comparedRows(table)) {
          for (const on of SIDES) {
            const value = edited.get(row.id)?.[on] ?? null;
            if (sameValue(value, before.get(row.id)?.[on])) continue;
            if (isSet(row)) {
              expectElements(world, row, before.get(row.id), edited.get(row.id));
              continue;
            }
            const there = SIDES.every((each) => sameValue(canonical(world, each, row), value));
            const kept = world.link?.history.some(
              (entry) => entry.row === row.id && sameValue(entry.lost, value),
            );
            const parked = world.link?.conflicts.some(
              (conflict) => conflict.row === row.id && sameValue(conflict[on], value),
            );
            expect(there || kept || parked).toBe(true);
          }
        }
      }),
    );
  });
});

/**
 * Elements added by either side are on both, and elements removed by either side are on none, unless the other side
 * added them.
 */
function expectElements(
  world: World,
  row: PropertyRow,
  before: Record<Side, Json> | undefined,
  edited: Record<Side, Json> | undefined,
): void {
  const moved = (from: typeof before, to: typeof before) =>
    SIDES.flatMap((on) => elementsOf(to?.[on]).filter((each) => !elementsOf(from?.[on]).includes(each)));
  const added = moved(before, edited);
  const removed = moved(edited, before).filter((each) => !added.includes(each));
  for (const on of SIDES) {
    const there = elementsOf(canonical(world, on, row));
    expect(there).toEqual(expect.arrayContaining(added));
    expect(there.filter((each) => removed.includes(each))).toEqual([]);
  }
}

describe('merge', () => {
  const mirrored = (row: PropertyRow): PropertyRow => ({
    ...row,
    zendesk: row.pms,
    pms: row.zendesk,
    direction: row.direction === 'both' ? 'both' : row.direction === 'toPms' ? 'toZendesk' : 'toPms',
    winner: row.winner === 'zendesk' ? 'pms' : row.winner === 'pms' ? 'zendesk' : row.winner,
    fixed: row.fixed && { ...row.fixed, side: otherSide(row.fixed.side) },
  });
  const swap = <T>(both: Record<Side, T>): Record<Side, T> => ({ zendesk: both.pms, pms: both.zendesk });
  const mirroredResult = (result: MergeResult): MergeResult =>
    'from' in result ? { ...result, from: otherSide(result.from) } : result;

  test('is symmetric: exchanging the sides exchanges the result', () => {
    const small = fc.constantFrom<Json>(null, 'a', 'b', 'c');
    const pair = fc.record({ zendesk: small, pms: small });
    fc.assert(
      fc.property(
        fc.constantFrom<PropertyRow['direction']>('both', 'toPms', 'toZendesk'),
        fc.constantFrom<PropertyRow['winner']>('zendesk', 'pms', 'latest', 'manual'),
        fc.option(
          fc.record({ side, onEdit: fc.constantFrom<'followUp' | 'overrule'>('followUp', 'overrule') }),
          { nil: null },
        ),
        fc.option(pair, { nil: null }),
        pair,
        // A rule decides equal times for one side; all other times must be symmetric.
        fc.tuple(fc.nat(9), fc.nat(9)).filter(([a, b]) => a !== b),
        (direction, winner, fixed, base, current, [a, b]) => {
          const [first] = table.rows;
          if (!first) throw new Error('no row');
          const row: PropertyRow = { ...first, direction, winner, fixed: fixed && { ...fixed, except: [] } };
          const input: MergeInput = { base, current, changedAt: { zendesk: a, pms: b } };
          const there = mergeRow(row, input);
          const back = mergeRow(mirrored(row), {
            base: base && swap(base),
            current: swap(current),
            changedAt: swap(input.changedAt),
          });
          expect(strip(back)).toEqual(strip(mirroredResult(there)));
        },
      ),
    );
  });

  /** Texts of rules are for people; they name sides. */
  function strip(result: MergeResult): unknown {
    return 'rule' in result ? { ...result, rule: '' } : result;
  }
});
