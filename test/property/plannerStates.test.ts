import path from 'node:path';
import fc from 'fast-check';
import { planPair } from '../../src/sync/planner';
import { Counts } from '../support/plannerStates/counts';
import { askedStates } from '../support/plannerStates/generated';
import { readRecording } from '../support/plannerStates/recorded';

/**
 * The generated and recorded states for the planner's properties include every phase, effect, plan and write, and the
 * planner has an answer to each.
 */

const RUNS = 6_000;
/** The weights give each kind at least forty times, so a lower count than this is not chance. */
const RARE = 12;
/** The minimum number of recorded states of each kind … */
const FEW = 4;
/** … except for kinds that a person's decision, a short moment or an error in the data causes. */
const SELDOM_RECORDED = [
  ...['detached', 'switching', 'chosenUnread', 'chosenEnded'].map((phase) => `phase ${phase}`),
  ...['outside', 'unmapped', 'contested', 'orphaned', 'absent'].map((phase) => `phase ${phase}`),
  ...['unmapped', 'replace', 'differ', 'combine', 'rests', 'lapse', 'keep', 'keepOffer', 'brake'].map(
    (effect) => `effect ${effect}`,
  ),
  ...['ignore', 'part', 'rest', 'quarantine', 'absent', 'brake'].map((plan) => `plan ${plan}`),
  'write archive',
  ...['met intentDropped', 'met rebound', 'met notTaken'],
];

test('generated states include every kind, and none of them rarely', () => {
  const counts = new Counts();
  fc.assert(
    fc.property(askedStates, (asked) => {
      counts.add(asked, planPair(asked.state, asked.mapping));
    }),
    { numRuns: RUNS },
  );
  process.stderr.write(`${RUNS} generated states\n${counts.toString()}\n`);
  expect(counts.below(RARE)).toEqual([]);
});

test('recorded states include every kind', () => {
  const recording = readRecording(path.resolve(__dirname, '../fixtures/plannerStates.jsonl'));
  const counts = new Counts();
  for (const asked of recording) {
    counts.add(asked, planPair(asked.state, asked.mapping));
  }
  process.stderr.write(`${recording.length} recorded states\n${counts.toString()}\n`);
  expect(counts.below(FEW, SELDOM_RECORDED)).toEqual([]);
});
