import type { CanonicalKey } from '../sync/canonicalKey';
import type { ActivityContext } from './activityContext';
import { asFailure } from './failures';
import { whileAlive } from './heartbeats';
import type { Lane } from '../sync/lane';

/** Runs an activity's work for a pair, or for none, with a context of its own. */
export type Guarded = <T>(
  key: CanonicalKey | null,
  work: (context: ActivityContext) => Promise<T>,
) => Promise<T>;

/**
 * What every activity has around it: its lane, heartbeats while it works, errors as Temporal understands them, and one
 * mapping from its beginning to its end, though the service's may be replaced meanwhile.
 */
export function guardedBy(live: ActivityContext, lane: Lane): Guarded {
  return async (key, work) => {
    const context = { ...live };
    try {
      return await whileAlive(lane, () => work(context));
    } catch (error) {
      throw await asFailure(context, key, error);
    }
  };
}
