import { ApplicationFailure } from '@temporalio/common';
import { parseCanonicalKey, type CanonicalKey } from '../sync/canonicalKey';
import { WHOLE_PAIR, malformed, refusalOf, type Resolution } from '../sync/resolution';
import type { ActivityContext } from './activityContext';

/**
 * Stores a person's decision for the pair's next turn. It does not change the link, because only the pair's own turns
 * write it.
 *
 * @returns the id of the decision
 * @throws ApplicationFailure `Refused`, with the reason for that person
 */
export async function keepDecision(
  { store, mapping }: Pick<ActivityContext, 'store' | 'mapping'>,
  key: CanonicalKey,
  resolution: Resolution,
): Promise<string> {
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
  const { rows, ids } = await store.decisions.of(key, [row]);
  const id = ids?.get(row);
  if (rows.get(row)?.choice !== 'merged' || id == null)
    throw refused(
      `no merged value is stored for "${row}" of ${key}; give it with: conflicts resolve --value`,
    );
  return id;
}

/**
 * Checks, after the turn, that a decision was carried out. A decision that is still stored and cannot be carried out
 * any more came while an earlier decision on the same row was being carried out. It is dropped.
 *
 * @throws ApplicationFailure `Refused`, with the reason for that person
 */
export async function expectActedOn(
  { store, mapping }: Pick<ActivityContext, 'store' | 'mapping'>,
  key: CanonicalKey,
  resolution: Resolution,
  id: string,
): Promise<void> {
  const row = 'row' in resolution ? resolution.row : WHOLE_PAIR;
  const { ids } = await store.decisions.of(key, row === WHOLE_PAIR ? [] : [row]);
  if (ids?.get(row) !== id) return;
  const { entity } = parseCanonicalKey(key);
  const why = refusalOf(key, await store.get(key), mapping.entities[entity], resolution);
  if (why === null) return;
  await store.decisions.drop(key, [[row, id]]);
  throw refused(`another decision was carried out meanwhile, and this one was not: ${why}`);
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
