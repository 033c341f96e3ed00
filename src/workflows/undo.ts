import { continueAsNew, defineQuery, proxyActivities, setHandler, sleep } from '@temporalio/workflow';
import type { UndoActivities, UndoProgress } from '../activities/types';
import { isLong } from './length';
import { PRIORITY } from '../sync/taskQueues';

/** The progress of an undo. */
export const undoProgress = defineQuery<UndoProgress>('undoProgress');

const PAGE = 100;
/** A page that has not changed for this many looks is left: some six minutes, in which any rate limit has begun anew. */
const STILL_AT_MOST = 40;
const SLEEP_AT_MOST = 10;
/** Looks without a change after which the rest of a page is told once more. */
const TOLD_AGAIN: ReadonlySet<number> = new Set([3, 20]);

const { beginUndo, tellUndo, countUndo, leaveUndo, endUndo } = proxyActivities<UndoActivities>({
  startToCloseTimeout: '30 minutes',
  heartbeatTimeout: '15 seconds',
  retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
  priority: PRIORITY.background,
});

/**
 * Puts back what the sync wrote: holds the rows, tells the pairs page by page, each of which puts back its own values with
 * its own workflow, and lets the rows go. What there is to do is in the link store, under the undo's id.
 */
export async function undo(
  id: string,
  progress: UndoProgress = { told: 0, left: 0, after: null, state: 'gathering' },
): Promise<UndoProgress> {
  setHandler(undoProgress, () => progress);
  if (progress.state === 'gathering') {
    await beginUndo({ id });
    progress = { ...progress, state: 'working' };
  }
  for (;;) {
    const { keys, after } = await tellUndo({ id, after: progress.after, limit: PAGE });
    if (after === null) break;
    const left = await untilDone(id, progress.after, keys);
    progress = { ...progress, told: progress.told + keys.length, left: progress.left + left, after };
    if (isLong()) await continueAsNew<typeof undo>(id, progress);
  }
  await endUndo({ id });
  progress = { ...progress, state: 'done' };
  return progress;
}

/** @param begin the key after which the page begins @returns how many pairs of the page did not answer */
async function untilDone(id: string, begin: string | null, keys: string[]): Promise<number> {
  if (keys.length === 0) return 0;
  let before = keys.length;
  for (let still = 0; ;) {
    const left = await countUndo({ id, keys });
    if (left === 0) return 0;
    still = left < before ? 0 : still + 1;
    if (still >= STILL_AT_MOST) {
      await leaveUndo({ id, keys });
      return left;
    }
    before = left;
    // One that was done, and whose worker died before it could say so, says it now.
    if (TOLD_AGAIN.has(still)) await tellUndo({ id, after: begin, limit: left });
    await sleep(Math.min(still + 1, SLEEP_AT_MOST) * 1_000);
  }
}
