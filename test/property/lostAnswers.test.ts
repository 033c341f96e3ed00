import fc from 'fast-check';
import { planPair } from '../../src/sync/planner';
import { Counts } from '../support/plannerStates/counts';
import { Play, histories, type History } from '../support/lossy/history';
import { FATES } from '../support/lossy/moments';
import { MAPPING } from '../support/lossy/rows';
import { faultsOf } from '../support/lossy/witness';

/**
 * Histories of edits, writes whose answers are lost, plans that are given up, and lost link stores, as far as one pair and
 * the pure core go. To look further: `LOSSY_RUNS=200000 LOSSY_SEED=1 npx jest test/property/lostAnswers.test.ts`.
 */

const RUNS = Number(process.env['LOSSY_RUNS'] ?? 2_000);
const SEED = Number(process.env['LOSSY_SEED'] ?? 31);
/** Plans are counted in one of so many histories, because the kinds of a plan take longer to tell than to plan. */
const COUNTED = 4;
/** What is less often met in {@link RUNS} histories is rare. */
const RARE = 12;
const PLANS_MET = [
  ...['resuming', 'creating', 'unread', 'merging'].map((phase) => `phase ${phase}`),
  ...['unchanged', 'agree', 'recover', 'park', 'followUp', 'carry', 'overrule', 'combine'].map(
    (effect) => `effect ${effect}`,
  ),
  ...['parked', 'attempted', 'unconfirmed', 'notTaken', 'residue', 'firstMeeting', 'oneSideSeen'].map(
    (circumstance) => `met ${circumstance}`,
  ),
  ...['met intentDropped', 'write create', 'write update', 'write followUp', 'plan read', 'plan settled'],
];

/** How often each step and each fate of a write occurred, and the outcomes that are hard to come by. */
class Met {
  readonly plans = new Counts();
  private readonly events = new Map<string, number>();

  add(name: string): void {
    this.events.set(name, (this.events.get(name) ?? 0) + 1);
  }

  addPlay({ steps }: History, { pair, decided }: Play): void {
    for (const step of steps) this.add(step.do);
    for (const fate of pair.fates) this.add(`fate ${fate}`);
    if (pair.wasMade) this.add('made');
    if (pair.lostLinks.length > 0) this.add('lost links');
    if (pair.unknownRemovals.size > 0) this.add('unknown removal');
    if (decided.size > 0) this.add('decided');
    if ((pair.link?.history.length ?? 0) > 0) this.add('overruled');
  }

  rare(): string[] {
    const steps = ['edit', 'poll', 'turn', 'resync', 'decide', 'loseLinks', 'restoreLinks'];
    const outcomes = ['made', 'lost links', 'unknown removal', 'decided', 'overruled'];
    const names = [...steps, ...outcomes, ...FATES.map((fate) => `fate ${fate}`)];
    const rare = names.filter((name) => (this.events.get(name) ?? 0) < RARE);
    const rarePlans = this.plans.below(RARE).map((line) => line.slice(0, line.indexOf(':')));
    return [...rare, ...rarePlans.filter((name) => PLANS_MET.includes(name))];
  }

  toString(): string {
    const events = [...this.events].sort().map(([name, count]) => `${name} ${count}`);
    return `  ${events.join(', ')}\n${this.plans.toString()}`;
  }
}

test('whatever answer is lost, a pair settles, and no edit is lost without a trace or comes back', () => {
  const met = new Met();
  let played = 0;
  fc.assert(
    fc.property(histories, (history) => {
      const play = new Play(history);
      played += 1;
      if (played % COUNTED === 0)
        play.pair.onPlan = (state) => met.plans.add({ state, mapping: MAPPING }, planPair(state, MAPPING));
      for (const step of history.steps) play.step(step);
      expect(play.settle()).toBeLessThan(8);
      expect(faultsOf(play)).toEqual([]);
      met.addPlay(history, play);
    }),
    { numRuns: RUNS, seed: SEED },
  );
  process.stderr.write(`${RUNS} histories\n${met.toString()}\n`);
  expect(met.rare()).toEqual([]);
});
