import type { EntityMapping, PropertyRow } from '../mapping';
import { elementOf, elementsOf } from '../heldSets';
import type { PlannedWrite } from '../link';
import { SIDES, otherSide, type Json, type Side, type SyncRecord } from '../record';
import { NO_REFERENCES, fromCanonical, isEmpty, textOf } from '../values';

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

/**
 * Whether a value is empty only because its option is none any more: nobody emptied it, and the other side keeps what it has.
 * https://support.zendesk.com/hc/en-us/articles/4408886624410 (zendesk-rules.md rule 18: another tag for an option)
 *
 * @param base what the side showed when it was last agreed on, canonical
 */
export function lostOption(
  row: PropertyRow,
  side: Side,
  record: SyncRecord,
  base: Json | undefined,
): boolean {
  const options = row.listed?.[side]?.options;
  if (!options || row.type === 'string[]' || isEmpty(base) || !isEmpty(shownValue(row, side, record)))
    return false;
  const own = fromCanonical(row, side, base ?? null, NO_REFERENCES);
  return own.ok && own.value !== null && !options.includes(textOf(own.value));
}

/** Elements of a set that a side showed, and that are no options of its field any more: nobody removed them. */
export function lostElements(row: PropertyRow, side: Side, base: readonly string[]): ReadonlySet<string> {
  const options = row.listed?.[side]?.options?.map((each) => elementOf(row.transform.kind, each));
  return new Set(options ? base.filter((each) => !options.includes(each)) : []);
}

/**
 * Whether a write takes a value away because a field of the other side's list shows none. Whether that field, or its option,
 * is still there, the list says only if it was read after the record.
 */
export function takesListedAway(
  table: EntityMapping,
  { op, side, values, rows, expects }: PlannedWrite,
): boolean {
  const from = otherSide(side);
  return (
    op === 'update' &&
    table.rows.some((row) => {
      if (!rows.includes(row.id) || !row.listed?.[from]) return false;
      const [now, before] = [values[row[side] ?? ''], expects[row.id]];
      const kept = elementsOf(now).map((each) => elementOf(row.transform.kind, each));
      return Array.isArray(before)
        ? elementsOf(before).some((each) => !kept.includes(each))
        : isEmpty(now) && !isEmpty(before);
    })
  );
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
