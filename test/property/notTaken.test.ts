import fc from 'fast-check';
import type { PropertyRow } from '../../src/sync/mapping';
import { notTakenOf } from '../../src/sync/notTaken';
import { SIDES, otherSide, type Json, type Side, type Values } from '../../src/sync/record';
import { sameValue } from '../../src/sync/values';
import { World, testMapping } from '../support/world';

/** Histories of edits against systems that refuse or ignore what they are sent. */

const mapping = testMapping([
  { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both', winner: 'latest' },
  { zendesk: 'note', pms: 'memo', type: 'string', direction: 'both', winner: 'pms' },
  { zendesk: 'kind', pms: 'sort', type: 'string', direction: 'both', winner: 'zendesk' },
  { zendesk: 'tags', pms: 'labels', type: 'string[]', direction: 'both', transform: 'tags' },
]);
const { rows } = mapping.entities.TicketToProject;

type Mood = 'takes' | 'names' | 'refuses' | 'ignores' | 'empties';
const step = fc.record({
  side: fc.constantFrom(...SIDES),
  row: fc.nat(3),
  value: fc.constantFrom('a', 'b', 'c', null),
  also: fc.boolean(),
  mood: fc.constantFrom<Mood>('takes', 'names', 'refuses', 'ignores', 'empties'),
  bad: fc.nat(3),
  resync: fc.nat(4).map((drawn) => drawn === 4),
});

const nothingOf = (row: PropertyRow | undefined): Json => (row?.type === 'string[]' ? [] : null);
const shownOn = (world: World, side: Side, row: PropertyRow): Json =>
  world.records[side]?.values[row[side] ?? ''] ?? nothingOf(row);

/** From now on, systems treat one row in a special way. */
function setMood(world: World, mood: Mood, place: number): void {
  const row = rows[place];
  const own = (side: Side) => row?.[side] ?? '';
  world.refuses = (side, values) => {
    if (!(own(side) in values) || (mood !== 'names' && mood !== 'refuses')) return null;
    return mood === 'names' ? [own(side)] : [];
  };
  world.onWrite = (side, values): Values => {
    const property = own(side);
    if (!(property in values) || (mood !== 'ignores' && mood !== 'empties')) return values;
    const before = world.records[side]?.values[property] ?? null;
    return { ...values, [property]: mood === 'ignores' ? before : nothingOf(row) };
  };
}

test('whatever is refused or ignored, a pair settles or waits, and no edit is lost without a trace', () => {
  let met = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) => {
      const world = World.of(mapping, 'zendesk', { subject: 'a', tags: ['a'] });
      world.settle();
      // An edit that reverts a pending edit is no change.
      let settled = { ...world.records };
      for (const { side, row, value, also, mood, bad, resync } of steps) {
        setMood(world, mood, bad);
        const property = rows[row]?.[side] ?? '';
        const edited: Json =
          property === 'tags' || property === 'labels' ? (value === null ? [] : [value]) : value;
        const other = rows[(row + 1) % 3]?.[side] ?? '';
        world.waits = false;
        const isChange = !sameValue(settled[side]?.values[property], edited);
        world.edit(side, { [property]: edited, ...(also && { [other]: 'd' }) });
        if (resync) world.resync();
        else world.settle();
        if (world.waits) continue;
        settled = { ...world.records };
        met += world.link?.notTaken?.length ?? 0;
        if (isChange) expectTraced(world, side, property, edited);
      }
      // Once every value is taken, both sides agree again.
      setMood(world, 'takes', 0);
      world.waits = false;
      world.resync();
      for (const row of rows)
        expect([row.id, shownOn(world, 'pms', row)]).toEqual([row.id, shownOn(world, 'zendesk', row)]);
      expect(world.link?.notTaken).toBeUndefined();
    }),
    { numRuns: 2_000 },
  );
  expect(met).toBeGreaterThan(200);
});

/** An edit is on both sides, in the history, or not taken with a reason. */
function expectTraced(world: World, side: Side, property: string, edited: Json): void {
  const row = rows.find((each) => each[side] === property);
  if (!row) throw new Error(property);
  const there = shownOn(world, otherSide(side), row);
  const here = shownOn(world, side, row);
  const aside = notTakenOf(world.link ?? {}, row.id);
  const inHistory = world.link?.history.some(
    ({ row: lost, lost: value }) => lost === row.id && sameValue(value, edited),
  );
  if (!sameValue(here, there)) expect(aside?.words).toMatch(/./);
  if (!aside && row.type !== 'string[]' && !sameValue(here, edited)) expect(inHistory).toBe(true);
}
