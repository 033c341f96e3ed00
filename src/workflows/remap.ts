import { continueAsNew, defineQuery, proxyActivities, setHandler } from '@temporalio/workflow';
import type { RemapActivities, RemapProgress } from '../activities/types';
import { isHistoryLong } from './historyLength';
import { untilDone } from './untilDone';

/** The progress of a remap. */
export const remapProgress = defineQuery<RemapProgress>('remapProgress');

const PAGE = 100;

const { beginRemap, remapPage, countOutdated } = proxyActivities<RemapActivities>({
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: '15 seconds',
  retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
});

/**
 * Applies a mapping to all pairs: walks the links that were synced with another mapping, page by page, and signals each
 * pair to read both its records again. A page begins when the previous one is done, to leave capacity for people's
 * edits.
 */
export async function remap(
  version: string,
  progress: RemapProgress = { version, told: 0, left: 0, after: null, state: 'running' },
): Promise<RemapProgress> {
  setHandler(remapProgress, () => progress);
  if (progress.after === null) await beginRemap({ version });
  for (;;) {
    const { keys, superseded } = await remapPage({ version, after: progress.after, limit: PAGE });
    if (superseded) return { ...progress, state: 'superseded' };
    const last = keys.at(-1);
    if (last === undefined) return { ...progress, state: 'done' };
    const left = await untilDone(keys.length, () => countOutdated({ version, keys }));
    progress = { ...progress, told: progress.told + keys.length, left: progress.left + left, after: last };
    if (isHistoryLong()) return continueAsNew<typeof remap>(version, progress);
  }
}
