import { continueAsNew, defineQuery, proxyActivities, setHandler, sleep } from '@temporalio/workflow';
import type { RemapActivities, RemapProgress } from '../activities/types';
import { isLong } from './length';

/** The progress of a remap. */
export const remapProgress = defineQuery<RemapProgress>('remapProgress');

const PAGE = 100;
/** A page that has not changed for this many looks is given up: its pairs wait for a person or a parent. */
const STILL_AT_MOST = 5;

const { beginRemap, remapPage, countOutdated } = proxyActivities<RemapActivities>({
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: '15 seconds',
  retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
});

/**
 * Applies a mapping to all pairs: walks the links that were synced with another mapping, page by page, and signals each
 * pair to read both its records again. A page begins when the previous one is done, to leave capacity for people's edits.
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
    const left = await untilDone(version, keys);
    progress = { ...progress, told: progress.told + keys.length, left: progress.left + left, after: last };
    if (isLong()) return continueAsNew<typeof remap>(version, progress);
  }
}

/** @returns how many pairs of the page do not have the mapping, and do not change */
async function untilDone(version: string, keys: string[]): Promise<number> {
  let before = keys.length;
  for (let still = 0; ;) {
    const left = await countOutdated({ version, keys });
    if (left === 0) return 0;
    still = left < before ? 0 : still + 1;
    if (still >= STILL_AT_MOST) return left;
    before = left;
    await sleep('2 seconds');
  }
}
