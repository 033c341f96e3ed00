import { continueAsNew, defineQuery, proxyActivities, setHandler } from '@temporalio/workflow';
import type { BrakeActivities, HoldProgress } from '../activities/types';
import type { HoldId } from '../sync/holds';
import { isLong } from './length';
import { PRIORITY } from '../sync/taskQueues';
import { untilDone } from './untilDone';

/** How far a hold's pairs have been told. */
export const holdProgress = defineQuery<HoldProgress>('holdProgress');

const PAGE = 100;

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
    const left = await untilDone(keys.length, () => countHeld({ hold, keys }));
    progress = { ...progress, told: progress.told + keys.length, left: progress.left + left, after: last };
    if (isLong()) return continueAsNew<typeof endHold>(hold, how, progress);
  }
  await finishEnd({ hold, how, left: progress.left });
  return progress;
}
