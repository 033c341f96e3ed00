import { watch, type Look } from '../../src/checks/verify/watch';

/** verify stops waiting for a row sooner once the other rows of the same write have arrived. */

const patience = { timeoutMs: 1_000, lookMs: 10, signal: new AbortController().signal };

/** A side on which `row` never arrives, and `early` existed before. */
const never = () =>
  Promise.resolve(
    new Map<string, Look>([
      ['early', { arrived: true, found: null }],
      ['row', { arrived: false, found: null }],
    ]),
  );

test('values from before the write do not shorten the wait for the others', async () => {
  const wanted = ['early', 'row'];
  const found = async (stale: string[]) =>
    (await watch({ wanted, stale: new Set(stale) }, never, patience)).get('row')?.seconds ?? 0;
  const shortened = await found([]);
  expect(await found(['early'])).toBeGreaterThan(2 * shortened);
});
