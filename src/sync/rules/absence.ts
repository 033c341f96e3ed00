import type { EntityMapping, PropertyRow } from '../mapping';
import { elementOf, elementsOf } from '../heldSets';
import type { PlannedWrite } from '../link';
import { SIDES, otherSide, type Json, type Side, type SyncRecord } from '../record';
import { NO_REFERENCES, fromCanonical, isEmpty, textOf } from '../values';

/**
 * Rules: absent is not empty. A complete record (`complete`) names every property that its side has, with null for an
 * empty one. A property that the record does not name does not exist on that side: its field was deactivated or
 * deleted. The absence says nothing about the value.
 * https://support.zendesk.com/hc/en-us/articles/4408886624410
 */

type Shown = Pick<SyncRecord, 'values' | 'complete'>;

/** Whether a record's side offers the row's property. A side without a property in the row has nothing to offer. */
export function hasProperty(row: PropertyRow, side: Side, record: Shown): boolean {
  if (row.restsOn === side) return false;
  const property = row[side];
  return property === null || offers(record, property);
}

export function offers({ values, complete }: Shown, property: string): boolean {
  return complete !== true || property in values;
}

/**
 * The side that does not have the row's property: the row rests. Null if both sides have it. The list of fields decides
 * it for all pairs (`restsOn` of the row). A record may show it earlier, before the list is read again.
 */
export function restsOn(row: PropertyRow, current: Partial<Record<Side, SyncRecord>>): Side | null {
  if (row.restsOn) return row.restsOn;
  return SIDES.find((side) => current[side] !== undefined && !hasProperty(row, side, current[side])) ?? null;
}

export function rests(row: PropertyRow, seen: Partial<Record<Side, SyncRecord>>): boolean {
  return restsOn(row, seen) !== null;
}

/**
 * Whether a value is empty only because its option no longer exists. No person emptied it, so the other side keeps its
 * value.
 * https://support.zendesk.com/hc/en-us/articles/4408886624410 (an option got another tag)
 *
 * @param base what the side showed at the last agreement, canonical
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

/**
 * Elements of a set that a side showed at the last agreement, and that are no longer options of its field. No person
 * removed them.
 */
export function lostElements(row: PropertyRow, side: Side, base: readonly string[]): ReadonlySet<string> {
  const options = row.listed?.[side]?.options?.map((each) => elementOf(row.transform.kind, each));
  return new Set(options ? base.filter((each) => !options.includes(each)) : []);
}

/**
 * Whether a write empties a property, or removes elements, because a listed field of the other side shows no value. The
 * field or its option may just have been deleted. Only a list of fields that was read after the record can tell.
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

/** The value of a record that was not read: as at the last agreement. @returns a canonical value */
export function unreadValue(base: Record<Side, Json> | null, side: Side): Json {
  return base?.[side] ?? null;
}
