import fc from 'fast-check';
import { type Json, type Side, SIDES, otherSide } from '../../src/sync/record';
import { NO_DECISIONS, decisionsOf, type Decision } from '../../src/sync/resolution';
import { World, testMapping } from '../support/world';

/** Conflicts that only a person decides, planned and written by the pure core. */

const mapping = testMapping([
  { zendesk: 'note', pms: 'note', type: 'text', direction: 'both', winner: 'manual' },
  { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both', winner: 'latest' },
]);
const word = fc.constantFrom('a', 'b', 'c', 'd');
const side = fc.constantFrom<Side>('zendesk', 'pms');
const PROPERTY: Record<Side, string> = { zendesk: 'note', pms: 'note' };

interface Run {
  origin: Side;
  z: string;
  p: string;
  edits: { on: Side; value: string; together: boolean }[];
}

/** A linked pair whose sides then got different notes, and any number of edits after that. */
const history: fc.Arbitrary<Run> = fc
  .record({
    origin: side,
    z: word,
    p: word,
    edits: fc.array(fc.record({ on: side, value: word, together: fc.boolean() }), { maxLength: 5 }),
  })
  .filter(({ z, p }) => z !== p);

function conflicting(run: Run): World {
  const world = World.of(mapping, run.origin, {
    note: 'first',
    [run.origin === 'pms' ? 'title' : 'subject']: 's',
  });
  world.settle();
  world.settle();
  world.edit('zendesk', { note: run.z });
  world.edit('pms', { note: run.p });
  world.settle();
  return world;
}

const noteOn = (world: World, on: Side): Json => world.records[on]?.values[PROPERTY[on]] ?? null;
const parked = (world: World) => world.link?.conflicts ?? [];
const lostOn = (world: World, on: Side): Json[] =>
  (world.link?.history ?? []).filter((entry) => entry.side === on).map((entry) => entry.lost);

describe('a conflict that only a person decides', () => {
  test('neither value moves, whichever side edits it again, until both are equal', () => {
    fc.assert(
      fc.property(history, (run) => {
        const world = conflicting(run);
        const now = { zendesk: run.z, pms: run.p };
        for (const { on, value, together } of run.edits) {
          now[on] = value;
          world.edit(on, { note: value });
          world.settle(together ? SIDES : [on]);
          const differ = now.zendesk !== now.pms;
          if (!differ) {
            // It ended by itself; from here on, an edit is an ordinary change.
            expect(parked(world)).toEqual([]);
            expect(world.link?.status).toBe('linked');
            return;
          }
          expect(parked(world)).toMatchObject([{ row: 'note', ...now }]);
          expect([noteOn(world, 'zendesk'), noteOn(world, 'pms')]).toEqual([now.zendesk, now.pms]);
        }
        expect(world.link?.history).toEqual([]);
      }),
    );
  });

  test('a decision writes its value to both sides, and the history keeps the overruled value', () => {
    const decision = fc.oneof(
      side.map((choice): Decision => ({ row: 'note', choice })),
      word.map((value): Decision => ({ row: 'note', choice: 'merged', value })),
    );
    fc.assert(
      fc.property(
        history,
        decision,
        fc.constantFrom<readonly Side[]>(SIDES, []),
        (run, decided, observed) => {
          const world = conflicting(run);
          const before = { zendesk: noteOn(world, 'zendesk'), pms: noteOn(world, 'pms') };
          world.decisions = decisionsOf([decided]);
          world.settle(observed);
          if (!('choice' in decided)) throw new Error('a decision on a row');
          const value = decided.choice === 'merged' ? decided.value : before[decided.choice];
          expect([noteOn(world, 'zendesk'), noteOn(world, 'pms')]).toEqual([value, value]);
          expect(parked(world)).toEqual([]);
          expect(world.link?.status).toBe('linked');
          for (const on of SIDES) {
            expect(lostOn(world, on)).toEqual(before[on] === value ? [] : [before[on]]);
          }
          // Nothing more is planned, even if the decision were still stored.
          const writes = world.writes.length;
          world.settle();
          world.decisions = NO_DECISIONS;
          world.settle();
          expect(world.writes).toHaveLength(writes);
        },
      ),
    );
  });

  test('the rest of the record continues to sync, and a decision does not change it', () => {
    fc.assert(
      fc.property(history, side, word, (run, choice, title) => {
        const world = conflicting(run);
        world.edit('zendesk', { subject: title });
        world.settle();
        expect(world.records.pms?.values['title']).toBe(title);
        expect(parked(world)).toHaveLength(1);
        world.decisions = decisionsOf([{ row: 'note', choice }]);
        world.settle();
        expect(world.records.pms?.values['title']).toBe(title);
        expect(world.records.zendesk?.values['subject']).toBe(title);
      }),
    );
  });

  test('a decision writes to the losing side only', () => {
    fc.assert(
      fc.property(history, side, (run, choice) => {
        const world = conflicting(run);
        const writes = world.writes.length;
        world.decisions = decisionsOf([{ row: 'note', choice }]);
        world.settle();
        expect(world.writes.slice(writes).map((write) => write.side)).toEqual([otherSide(choice)]);
      }),
    );
  });

  test.each<[Side | 'latest', string]>([
    ['zendesk', 'z'],
    ['pms', 'p'],
    ['latest', 'p'],
  ])('a mapping that now names %s the winner ends the conflict', (winner, expected) => {
    const world = conflicting({ origin: 'zendesk', z: 'z', p: 'p', edits: [] });
    const next = testMapping([
      { zendesk: 'note', pms: 'note', type: 'text', direction: 'both', winner },
      { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both', winner: 'latest' },
    ]);
    const later = new World(next, world.key);
    later.link = world.link;
    later.records = world.records;
    later.settle();
    expect([noteOn(later, 'zendesk'), noteOn(later, 'pms')]).toEqual([expected, expected]);
    expect(later.link?.history).toMatchObject([{ row: 'note', lost: expected === 'z' ? 'p' : 'z' }]);
  });
});
