import type { PropertyRow } from '../mapping';
import { SIDES, type Json, type Side, type SyncRecord } from '../record';

/**
 * Rules: absent is not empty. A complete record names every property that its side offers, with null for an empty one.
 * A property that it does not name is not offered: its field was deactivated or deleted, and its value says nothing.
 * https://support.zendesk.com/hc/en-us/articles/4408886624410 (zendesk-rules.md rule 18)
 */

type Shown = Pick<SyncRecord, 'values' | 'complete'>;

/** Whether a record's side offers the row's property. A side without a property in the row has nothing to offer. */
export function isOffered(row: PropertyRow, side: Side, record: Shown): boolean {
  if (row.restsOn === side) return false;
  const property = row[side];
  return property === null || offers(record, property);
}

export function offers({ values, complete }: Shown, property: string): boolean {
  return complete !== true || property in values;
}

/**
 * The side that does not offer the row's property: there the row rests. Null where it takes part. The list of fields
 * says it for all pairs (`restsOn` of the row); a record may say so before the list was read again.
 */
export function restsOn(row: PropertyRow, current: Partial<Record<Side, SyncRecord>>): Side | null {
  if (row.restsOn) return row.restsOn;
  return SIDES.find((side) => current[side] !== undefined && !isOffered(row, side, current[side])) ?? null;
}

export function rests(row: PropertyRow, seen: Partial<Record<Side, SyncRecord>>): boolean {
  return restsOn(row, seen) !== null;
}

/** @returns the side's own value */
export function shownValue(row: PropertyRow, side: Side, record: SyncRecord): Json {
  const property = row[side];
  return property === null ? null : (record.values[property] ?? null);
}

/** A record that was not read is as it was agreed. @returns a canonical value */
export function unreadValue(base: Record<Side, Json> | null, side: Side): Json {
  return base?.[side] ?? null;
}
