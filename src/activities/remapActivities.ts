import type { CanonicalKey } from '../sync/canonicalKey';
import { RetryLater } from '../systems/errors';
import type { ActivityContext } from './activityContext';
import { inParallel } from '../systems/inParallel';
import { judgeCounted } from './countedHolds';
import { guardedBy } from './guarded';
import type { RemapActivities } from './types';

const SIGNALS_AT_ONCE = 10;
const MAPPING_RETRY_MS = 2_000;

/**
 * Refuses to plan a pair that was synced with a newer mapping than this worker has. The worker's file will follow.
 * @throws RetryLater
 */
export async function expectKnownMapping(
  { store, mapping }: Pick<ActivityContext, 'store' | 'mapping'>,
  version: string,
): Promise<void> {
  if (version === mapping.version || !(await store.mappings.isNewer(version, mapping.version))) return;
  throw new RetryLater(
    `mapping ${version} is in use, and this worker still has ${mapping.version}; waits for its mapping file`,
    { retryAfterMs: MAPPING_RETRY_MS, unknownOutcome: false },
  );
}

/** Activities of the remap workflow. */
export function remapActivities(live: ActivityContext): RemapActivities {
  const guarded = guardedBy(live, 'background');
  return {
    beginRemap: ({ version }) =>
      guarded(null, async ({ store, mapping }) => {
        if (mapping.version === version) {
          await store.mappings.replace(version);
          return;
        }
        throw new RetryLater(
          `mapping ${version} is to be applied, and this worker has ${mapping.version}; waits for its mapping file`,
          { retryAfterMs: MAPPING_RETRY_MS, unknownOutcome: false },
        );
      }),

    remapPage: ({ version, after, limit }) =>
      guarded(null, async (context) => {
        const { store, mapping, signalPair } = context;
        if (mapping.version !== version && (await store.mappings.isNewer(mapping.version, version)))
          return { keys: [], superseded: true };
        const keys = await store.keysOfOtherMapping(version, after, limit);
        if (keys.length === 0) await judgeCounted(context);
        await inParallel(keys, SIGNALS_AT_ONCE, (key) =>
          signalPair(key, { hints: [], force: true, hops: 0, causes: [`remap:${version}`] }),
        );
        return { keys, superseded: false };
      }),

    countOutdated: ({ version, keys }: { version: string; keys: CanonicalKey[] }) =>
      guarded(null, async ({ store }) => {
        const links = await store.getMany(keys);
        return [...links.values()].filter((link) => link.mappingVersion !== version).length;
      }),
  };
}
