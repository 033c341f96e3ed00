import { continueAsNew, defineQuery, proxyActivities, setHandler, sleep } from '@temporalio/workflow';
import type { BrakeActivities, HoldProgress } from '../activities/types';
import type { HoldId } from '../sync/holds';
import { isLong } from './length';
import { PRIORITY } from '../sync/taskQueues';

/** How far a hold's pairs have been told. */
export const holdProgress = defineQuery<HoldProgress>('holdProgress');

const PAGE = 100;
/** A page that has not changed for this many looks is given up: its pairs wait for a person, or are paused. */
const STILL_AT_MOST = 5;

const { beginEnd, tellHeld, countHeld, finishEnd } = proxyActivities<BrakeActivities>({
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: '15 seconds',
  retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
  priority: PRIORITY.background,
});

/**
 * Ends a hold of the brake as a person says: its pairs are told, page by page, to read both their records again. They
 * then go on with what was held, or keep both values as not taken.
 */
export async function endHold(
  hold: HoldId,
  how: HoldProgress['how'],
  progress: HoldProgress = { hold, how, told: 0, left: 0, after: null },
): Promise<HoldProgress> {
  setHandler(holdProgress, () => progress);
  if (progress.after === null) await beginEnd({ hold, how });
  for (;;) {
    const keys = await tellHeld({ hold, after: progress.after, limit: PAGE });
    const last = keys.at(-1);
    if (last === undefined) break;
    const left = await untilDone(hold, keys);
    progress = { ...progress, told: progress.told + keys.length, left: progress.left + left, after: last };
    if (isLong()) return continueAsNew<typeof endHold>(hold, how, progress);
  }
  await finishEnd({ hold, how, left: progress.left });
  return progress;
}

/** @returns how many pairs of the page are still marked, and do not change */
async function untilDone(hold: HoldId, keys: string[]): Promise<number> {
  let before = keys.length;
  for (let still = 0; ;) {
    const left = await countHeld({ hold, keys });
    if (left === 0) return 0;
    still = left < before ? 0 : still + 1;
    if (still >= STILL_AT_MOST) return left;
    before = left;
    await sleep('2 seconds');
  }
}
