import { continueAsNew, defineQuery, proxyActivities, setHandler, sleep } from '@temporalio/workflow';
import type { UndoActivities, UndoProgress } from '../activities/types';
import { isHistoryLong } from './historyLength';
import { PRIORITY } from '../sync/taskQueues';

/** The progress of an undo. */
export const undoProgress = defineQuery<UndoProgress>('undoProgress');

const PAGE = 100;
/** After so many looks without progress, a page is left: some six minutes, in which every rate limit has been reset. */
const UNCHANGED_LOOKS_AT_MOST = 40;
const SLEEP_SECONDS_AT_MOST = 10;
/** After so many looks without progress, the rest of a page is signalled once more. */
const SIGNAL_AGAIN_AFTER: ReadonlySet<number> = new Set([3, 20]);

const { beginUndo, tellUndo, countUndo, leaveUndo, endUndo } = proxyActivities<UndoActivities>({
  startToCloseTimeout: '30 minutes',
  heartbeatTimeout: '15 seconds',
  retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
  priority: PRIORITY.background,
});

/**
 * Undoes writes of the sync: holds the rows, signals the pairs page by page, and ends the hold. Each pair puts its
 * values back in its own workflow. The link store has the values to put back, under the undo's id.
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
    const left = await untilPageDone(id, progress.after, keys);
    progress = { ...progress, told: progress.told + keys.length, left: progress.left + left, after };
    if (isHistoryLong()) await continueAsNew<typeof undo>(id, progress);
  }
  await endUndo({ id });
  progress = { ...progress, state: 'done' };
  return progress;
}

/** Waits until the pairs of a page are done. @param begin the key before the page @returns the number of pairs left */
async function untilPageDone(id: string, begin: string | null, keys: string[]): Promise<number> {
  if (keys.length === 0) return 0;
  let before = keys.length;
  for (let unchanged = 0; ;) {
    const left = await countUndo({ id, keys });
    if (left === 0) return 0;
    unchanged = left < before ? 0 : unchanged + 1;
    if (unchanged >= UNCHANGED_LOOKS_AT_MOST) {
      await leaveUndo({ id, keys });
      return left;
    }
    before = left;
    // A pair may be done although its worker died before it could report this: it reports it now.
    if (SIGNAL_AGAIN_AFTER.has(unchanged)) await tellUndo({ id, after: begin, limit: left });
    await sleep(Math.min(unchanged + 1, SLEEP_SECONDS_AT_MOST) * 1_000);
  }
}
