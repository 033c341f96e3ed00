import { continueAsNew, defineQuery, proxyActivities, setHandler, sleep } from '@temporalio/workflow';
import type { RemapActivities, RemapProgress } from '../activities/types';
import { isLong } from './length';

/** How far a remap has come. */
export const remapProgress = defineQuery<RemapProgress>('remapProgress');

const PAGE = 100;
/** Looks at a page that has not moved for this many times end; what is left waits for a person or a parent. */
const STILL_AT_MOST = 5;

const { beginRemap, remapPage, countOutdated } = proxyActivities<RemapActivities>({
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: '15 seconds',
  retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
});

/**
 * Brings all pairs to a mapping: walks the links that were synced by another one, page by page, and has each pair read
 * both its records again. The next page begins when the one before is done, so that people's edits find room.
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

/** @returns how many pairs of the page are not at the mapping, and do not move */
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
