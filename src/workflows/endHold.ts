import { continueAsNew, defineQuery, proxyActivities, setHandler } from '@temporalio/workflow';
import type { BrakeActivities, HoldProgress } from '../activities/types';
import type { HoldId } from '../sync/holds';
import { isHistoryLong } from './historyLength';
import { PRIORITY } from '../sync/taskQueues';
import { untilDone } from './untilDone';

/** The progress of the end of a hold. */
export const holdProgress = defineQuery<HoldProgress>('holdProgress');

const PAGE = 100;

const { beginEnd, tellHeld, countHeld, finishEnd } = proxyActivities<BrakeActivities>({
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: '15 seconds',
  retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
  priority: PRIORITY.background,
});

/**
 * Ends a hold of the brake as a person decided. It signals the hold's pairs, page by page, to read both records again.
 * The pairs then carry the held changes out (`releasing`), or keep both values as not taken (`discarding`).
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
    if (isHistoryLong()) return continueAsNew<typeof endHold>(hold, how, progress);
  }
  await finishEnd({ hold, how, left: progress.left });
  return progress;
}
