import { unconfirmedOf, type Overruling } from '../abandonedIntent';
import { type OverruledValue } from '../link';
import type { Side, SyncRecord } from '../record';
import { sameValue } from '../values';
import { canonicalOf, type LinkedPair } from './plannedPair';

/**
 * Judges the values that updates of unknown outcome may have overruled. If the record still shows such a value, the
 * update did not overrule it; but an export may have shown the record before the update. If the record shows another
 * value, the update counts as done, because the former value is gone.
 *
 * @param current the records that were read
 * @returns `known`: overruled values; `unknown`: values whose record or row was not read since; {} if there is no such update
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
    const isThere = now?.ok && sameValue(now.value, entry.lost);
    const isRead = pair.state.observed[entry.side]?.fresh === true;
    if (!now?.ok || (isThere && !isRead)) unknown.push(entry);
    else if (!isThere) known.push(entry);
  }
  return { overruling: { known, unknown } };
}

/**
 * The same for a pair that ends. No later plan judges the remaining values, so those that may be lost count as lost.
 *
 * @param record the record that ended; null if its side no longer has it
 */
export function finalOverrulingOf(
  pair: LinkedPair,
  side: Side,
  record: SyncRecord | null,
): { overruling?: Overruling } {
  const { overruling } = overrulingOf(pair, record ? { [side]: record } : {});
  if (!overruling) return {};
  return { overruling: { known: [...overruling.known, ...overruling.unknown], unknown: [] } };
}
