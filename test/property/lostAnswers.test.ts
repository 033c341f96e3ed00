import fc from 'fast-check';
import { Play, histories } from '../support/lossy/history';
import { faultsOf } from '../support/lossy/witness';

const RUNS = Number(process.env['LOSSY_RUNS'] ?? 3_000);
const SEED = process.env['LOSSY_SEED'];

test('whatever answer is lost, no edit is lost without a trace', () => {
  fc.assert(
    fc.property(histories, (history) => {
      const play = new Play(history);
      history.steps.forEach((step) => play.step(step));
      play.settle();
      expect(faultsOf(play)).toEqual([]);
    }),
    { numRuns: RUNS, ...(SEED !== undefined && { seed: Number(SEED) }) },
  );
});
