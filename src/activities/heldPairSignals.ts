import type { CanonicalKey } from '../sync/canonicalKey';
import type { HoldId } from '../sync/holds';
import type { Cause } from '../sync/journalCauses';
import { inParallel } from '../systems/inParallel';
import type { ActivityContext } from './activityContext';

const PAGE = 500;
const SIGNALS_AT_ONCE = 10;

type Context = Pick<ActivityContext, 'store' | 'signalPair'>;

/** Signals one page of the pairs that a hold concerns to read both their records again. @returns their keys */
export async function signalHeldPage(
  { store, signalPair }: Context,
  { hold, after, limit, cause }: { hold: HoldId; after: CanonicalKey | null; limit: number; cause?: Cause },
): Promise<CanonicalKey[]> {
  const keys = await store.heldBy(hold, after, limit);
  await inParallel(keys, SIGNALS_AT_ONCE, (key) =>
    signalPair(key, {
      ...{ hints: [], force: true, hops: 0, lane: 'background' },
      causes: [cause ?? `brake:${hold}`],
    }),
  );
  return keys;
}

/** Signals all pairs that a hold concerns. @param cause for the journal; without it, that the hold ended */
export async function signalHeldPairs(context: Context, hold: HoldId, cause?: Cause): Promise<void> {
  for (let after: CanonicalKey | null = null; ;) {
    const page = { hold, after, limit: PAGE, ...(cause !== undefined && { cause }) };
    const keys: CanonicalKey[] = await signalHeldPage(context, page);
    after = keys.at(-1) ?? null;
    if (keys.length < PAGE) return;
  }
}
