import { ApplicationFailure } from '@temporalio/common';
import { parseCanonicalKey, type CanonicalKey } from '../sync/canonicalKey';
import { malformed, refusalOf, type Resolution } from '../sync/resolution';
import type { ActivityContext } from './activityContext';

/**
 * Keeps what a person decided where the pair's next turn finds it. The link itself is not touched: only the pair's
 * own turns write it.
 * @throws ApplicationFailure `Refused`, with the reason for that person
 */
export async function keepDecision(
  { store, mapping }: Pick<ActivityContext, 'store' | 'mapping'>,
  key: CanonicalKey,
  resolution: Resolution,
): Promise<void> {
  const { entity } = parseCanonicalKey(key);
  const link = await store.get(key);
  const why =
    malformed(resolution) ??
    refusalOf(key, link, mapping.entities[entity], resolution) ??
    (await takenElsewhere(store, key, resolution));
  if (why !== null) throw refused(why);
  if (!('row' in resolution)) return store.decisions.keep(key, resolution);
  const { row, choice, by } = resolution;
  if (choice !== 'merged') return store.decisions.keep(key, { row, choice, ...(by !== undefined && { by }) });
  // The value came before the signal, by `conflicts resolve --value`, and stays out of the workflow's history.
  const kept = (await store.decisions.of(key, [row])).rows.get(row);
  if (kept?.choice !== 'merged')
    throw refused(
      `no merged value is stored for "${row}" of ${key}; give it with: conflicts resolve --value`,
    );
}

async function takenElsewhere(
  store: ActivityContext['store'],
  key: CanonicalKey,
  resolution: Resolution,
): Promise<string | null> {
  if (!('counterpart' in resolution)) return null;
  const { counterpart } = resolution;
  if (counterpart === 'create' || counterpart === 'none') return null;
  const owner = (await store.claims.owners([counterpart])).get(counterpart);
  return owner === undefined || owner === key
    ? null
    : `${counterpart} belongs to ${owner}; unlink that first`;
}

function refused(why: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(why, 'Refused');
}
