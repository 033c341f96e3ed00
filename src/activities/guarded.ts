import type { CanonicalKey } from '../sync/canonicalKey';
import type { ActivityContext } from './activityContext';
import { asFailure } from './failures';
import { whileAlive } from './heartbeats';
import type { Lane } from '../sync/lane';

/**
 * Runs the work of an activity, with its own copy of the context. @param key of the pair; null if it concerns no pair
 */
export type Guarded = <T>(
  key: CanonicalKey | null,
  work: (context: ActivityContext) => Promise<T>,
) => Promise<T>;

/**
 * Wraps every activity: sets its lane, sends heartbeats, converts errors for Temporal, and keeps to one mapping even if
 * the service replaces its mapping meanwhile.
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
