import { unconfirmedOf, type Overruling } from '../abandonedIntent';
import { type OverruledValue } from '../link';
import type { Side, SyncRecord } from '../record';
import { sameValue } from '../values';
import { canonicalOf, type LinkedPair } from './plannedPair';

/**
 * Updates whose outcome was never learned may have overruled a value: where the record still shows it they did not;
 * where it shows another they count as done, for that value is gone.
 *
 * @returns nothing where there is no such update
 */
export function overrulingOf(
  pair: LinkedPair,
  current: Partial<Record<Side, SyncRecord>>,
): { overruling?: Overruling } {
  const unconfirmed = unconfirmedOf(pair.link);
  if (unconfirmed.length === 0) return {};
  const known: OverruledValue[] = [];
  const unknown: OverruledValue[] = [];
  for (const entry of unconfirmed) {
    const row = pair.table.rows.find(({ id }) => id === entry.row);
    const record = current[entry.side];
    const now = row && record ? canonicalOf(pair, row, entry.side, record) : null;
    if (!now?.ok) unknown.push(entry);
    else if (!sameValue(now.value, entry.lost)) known.push(entry);
  }
  return { overruling: { known, unknown } };
}

/** The same for a pair that ends. Nobody will look at it again, so what may be lost is reported, too. */
export function lastOverrulingOf(
  pair: LinkedPair,
  side: Side,
  record: SyncRecord | null,
): { overruling?: Overruling } {
  const { overruling } = overrulingOf(pair, record ? { [side]: record } : {});
  if (!overruling) return {};
  return { overruling: { known: [...overruling.known, ...overruling.unknown], unknown: [] } };
}
