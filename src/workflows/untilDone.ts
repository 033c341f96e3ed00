import { sleep } from '@temporalio/workflow';

/** After so many looks without progress, a page is left: its pairs wait for a person, or are paused. */
const UNCHANGED_LOOKS_AT_MOST = 5;

/**
 * Waits until the pairs of a page are done, and looks every two seconds.
 *
 * @param pairs the number of pairs of the page
 * @param count counts those that are not done yet
 * @returns the number of pairs that are not done and make no progress
 */
export async function untilDone(pairs: number, count: () => Promise<number>): Promise<number> {
  let before = pairs;
  for (let unchanged = 0; ;) {
    const left = await count();
    if (left === 0) return 0;
    unchanged = left < before ? 0 : unchanged + 1;
    if (unchanged >= UNCHANGED_LOOKS_AT_MOST) return left;
    before = left;
    await sleep('2 seconds');
  }
}
