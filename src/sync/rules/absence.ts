import type { EntityMapping, PropertyRow } from '../mapping';
import { elementOf, elementsOf } from '../heldSets';
import type { PlannedWrite } from '../link';
import { SIDES, otherSide, type Json, type Side, type SyncRecord } from '../record';
import { NO_REFERENCES, fromCanonical, isEmpty, textOf } from '../values';

/**
 * Rules: absent is not empty. A complete record (`complete`) names every property that its side has; an empty property
 * is null. If a complete record does not name a property, the property does not exist on that side: its field was
 * deactivated or deleted. Its absence says nothing about the value.
 * https://support.zendesk.com/hc/en-us/articles/4408886624410
 */

type ShownRecord = Pick<SyncRecord, 'values' | 'complete'>;

/** Whether a record's side has the row's property. True if the row names no property of that side. */
export function hasProperty(row: PropertyRow, side: Side, record: ShownRecord): boolean {
  if (row.restsOn === side) return false;
  const property = row[side];
  return property === null || offers(record, property);
}

/** Whether a record may have a value of a property. An incomplete record may have one that it does not show. */
export function offers({ values, complete }: ShownRecord, property: string): boolean {
  return complete !== true || property in values;
}

/**
 * The side that lacks the row's property, so that the row rests; null if both sides have it. The list of fields decides
 * this for all pairs (`row.restsOn`). A record may show it earlier, before the list is read again.
 */
export function sideWithoutProperty(
  row: PropertyRow,
  current: Partial<Record<Side, SyncRecord>>,
): Side | null {
  if (row.restsOn) return row.restsOn;
  return SIDES.find((side) => current[side] !== undefined && !hasProperty(row, side, current[side])) ?? null;
}

export function rests(row: PropertyRow, seen: Partial<Record<Side, SyncRecord>>): boolean {
  return sideWithoutProperty(row, seen) !== null;
}

/**
 * Whether a property is empty because the option of its value no longer exists. No person emptied the property, so the
 * other side keeps its value.
 * https://support.zendesk.com/hc/en-us/articles/4408886624410 (an option got another tag)
 *
 * @param base what the side showed at the last agreement, canonical
 */
export function hasLostOption(
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
 * Elements of a set that are no longer options of the side's field. No person removed them.
 *
 * @param base the elements that the side showed at the last agreement
 */
export function lostElements(row: PropertyRow, side: Side, base: readonly string[]): ReadonlySet<string> {
  const options = row.listed?.[side]?.options?.map((each) => elementOf(row.transform.kind, each));
  return new Set(options ? base.filter((each) => !options.includes(each)) : []);
}

/**
 * Whether a write removes a value, or elements of a set, because a field of the other side does not show them. That
 * field or its option may just have been deleted. Only a list of fields that was read after the record shows whether it
 * was. Fields that are in no list (`listed`) cannot be deleted.
 */
export function mayStemFromDeletedField(
  table: EntityMapping,
  { op, side, values, rows, expects }: PlannedWrite,
): boolean {
  const source = otherSide(side);
  return (
    op === 'update' &&
    table.rows.some((row) => {
      if (!rows.includes(row.id) || !row.listed?.[source]) return false;
      const [now, before] = [values[row[side] ?? ''], expects[row.id]];
      const kept = elementsOf(now).map((each) => elementOf(row.transform.kind, each));
      return Array.isArray(before)
        ? elementsOf(before).some((each) => !kept.includes(each))
        : isEmpty(now) && !isEmpty(before);
    })
  );
}

/** @returns the row's value in the side's own form; null if the row names no property of that side */
export function shownValue(row: PropertyRow, side: Side, record: SyncRecord): Json {
  const property = row[side];
  return property === null ? null : (record.values[property] ?? null);
}

/** The value that a record had at the last agreement, used if the record was not read. @returns a canonical value */
export function unreadValue(base: Record<Side, Json> | null, side: Side): Json {
  return base?.[side] ?? null;
}
