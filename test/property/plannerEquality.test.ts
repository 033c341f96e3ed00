import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import * as now from '../../src/sync/planner';
import { parseCanonicalKey, refKey } from '../../src/sync/canonicalKey';
import { SIDES, type SyncRecord } from '../../src/sync/record';
import * as before from '../support/oldPlanner/plan';
import { Counts } from '../support/plannerStates/counts';
import type { Asked } from '../support/plannerStates/asked';
import { askedStates } from '../support/plannerStates/generated';
import { readRecording } from '../support/plannerStates/recorded';

/**
 * The planner as a table plans just what the planner that it replaced did. The old one goes, with this file, once the
 * two are to differ.
 */

const RUNS = 6_000;
/** Of a kind that the weights give at least forty times; less than this is no matter of chance. */
const RARE = 12;
/** At least so many recorded states are of each kind … */
const FEW = 4;
/** … but for what a service comes to by a person's word, or for a moment, or by a mistake in the data. */
const SELDOM_RECORDED = [
  ...['detached', 'switching', 'chosenUnread', 'chosenEnded'].map((phase) => `phase ${phase}`),
  ...['outside', 'unmapped', 'contested', 'orphaned'].map((phase) => `phase ${phase}`),
  ...['unmapped', 'replace'].map((effect) => `effect ${effect}`),
  ...['ignore', 'part', 'rest', 'quarantine'].map((plan) => `plan ${plan}`),
  'write archive',
  'met intentDropped',
];

type Planner = Pick<
  typeof now,
  | 'planPair'
  | 'isEcho'
  | 'isKnownChange'
  | 'differingRows'
  | 'compareAnswer'
  | 'unexpectedValues'
  | 'filterReason'
  | 'referencesOf'
>;

/** All that a planner says of a state. */
function sayings(planner: Planner, { state, mapping }: Asked): unknown {
  const { link, references } = state;
  const table = mapping.entities[parseCanonicalKey(state.key).entity];
  const plan = planner.planPair(state, mapping);
  const records = SIDES.flatMap((side) => state.observed[side]?.record ?? []);
  const intent = plan.do === 'write' || plan.do === 'bury' ? plan.intent : null;
  const ofRecord = (record: SyncRecord) => ({
    filtered: planner.filterReason(table, record),
    references: planner.referencesOf(mapping, table, record),
    ...(link && {
      echo: planner.isEcho(mapping, table, link, record, references),
      differing: planner.differingRows(mapping, table, link, record, references),
      known: [true, false].map((exact) =>
        planner.isKnownChange(mapping, link, { ref: refKey(record.ref), order: record.order, exact }),
      ),
    }),
    answers: intent?.writes
      .filter(({ side }) => side === record.ref.side)
      .map((write) => ({
        compared: planner.compareAnswer(mapping, table, write, record, intent.next, references),
        unexpected: planner.unexpectedValues(mapping, table, write, record.values, references),
      })),
  });
  return { plan, records: records.map(ofRecord) };
}

function expectSame(asked: Asked): void {
  const [old, table] = [sayings(before, asked), sayings(now, asked)];
  if (!isDeepStrictEqual(table, old)) expect(table).toEqual(old);
}

test('both planners say the same of generated states, of which none is of a kind rarely met', () => {
  const counts = new Counts();
  fc.assert(
    fc.property(askedStates, (asked) => {
      expectSame(asked);
      counts.add(asked, now.planPair(asked.state, asked.mapping));
    }),
    { numRuns: RUNS },
  );
  process.stderr.write(`${RUNS} generated states\n${counts.toString()}\n`);
  expect(counts.below(RARE)).toEqual([]);
});

test('both planners say the same of recorded states', () => {
  const recording = readRecording(path.resolve(__dirname, '../fixtures/plannerStates.jsonl'));
  const counts = new Counts();
  for (const asked of recording) {
    expectSame(asked);
    counts.add(asked, now.planPair(asked.state, asked.mapping));
  }
  process.stderr.write(`${recording.length} recorded states\n${counts.toString()}\n`);
  expect(counts.below(FEW, SELDOM_RECORDED)).toEqual([]);
});
