import type { PropertyRow } from '../mapping';
import type { Json, Side, SyncRecord } from '../record';

/** Rules: what counts where a value is not there to be compared. */

/** A property that a record does not name is empty. @returns the side's own value */
export function shownValue(row: PropertyRow, side: Side, record: SyncRecord): Json {
  const property = row[side];
  return property === null ? null : (record.values[property] ?? null);
}

/** A record that was not read is as it was agreed. @returns a canonical value */
export function unreadValue(base: Record<Side, Json> | null, side: Side): Json {
  return base?.[side] ?? null;
}
