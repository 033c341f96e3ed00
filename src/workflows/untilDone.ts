import { sleep } from '@temporalio/workflow';

/** A page that has not changed for this many looks is given up: its pairs wait for a person, or are paused. */
const STILL_AT_MOST = 5;

/**
 * Looks at a page of pairs every two seconds.
 * @param count how many of them are not done yet @returns how many are not, and do not change
 */
export async function untilDone(pairs: number, count: () => Promise<number>): Promise<number> {
  let before = pairs;
  for (let still = 0; ;) {
    const left = await count();
    if (left === 0) return 0;
    still = left < before ? 0 : still + 1;
    if (still >= STILL_AT_MOST) return left;
    before = left;
    await sleep('2 seconds');
  }
}
