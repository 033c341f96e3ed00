import { parseRef, refKey } from '../canonicalKey';
import type { Link } from '../link';
import { comparedRows, type EntityMapping, type Mapping, type PropertyRow } from '../mapping';
import type { RefKey, SyncRecord } from '../record';
import { referenceKinds, sameValue, toCanonical, type References } from '../values';
import { rests, shownValue } from './absence';
import { isReleased } from './reserved';
import { namesSameFields } from './sameFields';
import { shownSet } from './sets';
import { notTakenOfRow, lastSeen } from './taken';

/** Rules: which records and events bring no change, because the link contains it already. */

/** The order of an event that only reports the creation of a record. A link of that record contains it already. */
export const ORDER_OF_CREATION = -1;

/**
 * Whether a record is as the link has it: an echo, or a repeat. The content decides. An order smaller than the link's
 * does not prove that the record is old: after a restore from a backup, or if its clock was set back, a side counts
 * from there.
 */
export function isEcho(
  mapping: Mapping,
  table: EntityMapping,
  link: Link,
  record: SyncRecord,
  references: References,
): boolean {
  const { side } = record.ref;
  const known = link.sides[side];
  if (!isAtRest(mapping, link)) return false;
  if (known?.ref !== refKey(record.ref) || record.state !== known.state) return false;
  if (record.order >= known.order && record.version !== known.version) return false;
  return differingRows(mapping, table, link, record, references).length === 0;
}

/**
 * Whether an event without a body reports the change that the link saw last. `exact`: no other change can have the same
 * order, because the side's counter is fine enough, or because our own write made the change. After an event with a
 * smaller order, the record is read, because only its content shows whether the event is old.
 */
export function isKnownChange(
  mapping: Mapping,
  link: Link,
  change: { ref: RefKey; order: number; exact: boolean },
): boolean {
  const known = link.sides[parseRef(change.ref).side];
  if (!isAtRest(mapping, link) || known?.ref !== change.ref) return false;
  return change.order === ORDER_OF_CREATION || (change.exact && change.order === known.order);
}

/** The ids of the rows in which a record's values differ from those that its link has of it. */
export function differingRows(
  mapping: Mapping,
  table: EntityMapping,
  link: Link,
  record: SyncRecord,
  references: References,
): string[] {
  const { side } = record.ref;
  const kinds = referenceKinds(mapping, table);
  const differs = (row: PropertyRow): boolean => {
    if (!row[side] || rests(row, { [side]: record })) return false;
    const value = toCanonical(row, side, shownValue(row, side, record), references, kinds);
    if (!value.ok) return true;
    const base = lastSeen(table, row, link)?.[side];
    return !sameValue(shownSet(row, side, record, value.value, base, link), base);
  };
  return comparedRows(table)
    .filter(differs)
    .map((row) => row.id);
}

/** Whether the values of a row are still to be compared: the row names new fields, or rested before. */
function hasUnmergedRow(table: EntityMapping, link: Link): boolean {
  return comparedRows(table).some(
    (row) =>
      !rests(row, {}) && (isForOtherFields(table, row, link) || link.rested?.includes(row.id) === true),
  );
}

/** Whether nothing was agreed on, or offered, for the fields that a row names now. */
function isForOtherFields(table: EntityMapping, row: PropertyRow, link: Link): boolean {
  return !namesSameFields(table, row, link) && notTakenOfRow(table, row, link).length === 0;
}

/**
 * Whether a row of a pair was not compared since it stopped resting, or since it names other fields. No change may have
 * signalled the pair since then, so link hygiene looks for such pairs.
 */
export function hasUncomparedRow(mapping: Mapping, link: Link): boolean {
  const table = mapping.entities[link.entity];
  if (link.status !== 'linked' && link.status !== 'conflict') return false;
  if (link.intent || link.braked || link.reason?.code === 'absent' || link.snapshot === null) return false;
  return comparedRows(table).some(
    (row) =>
      !rests(row, {}) &&
      (link.rested?.includes(row.id) === true ||
        (link.mappingVersion === mapping.version && isForOtherFields(table, row, link)) ||
        isReleased(row, link)),
  );
}

/** Whether nothing is under way or awaited: both sides agree by the present mapping. */
function isAtRest(mapping: Mapping, link: Link): boolean {
  return (
    link.status === 'linked' &&
    link.reason?.code !== 'absent' &&
    !link.intent &&
    link.waitsFor.length === 0 &&
    !link.braked &&
    !link.notTaken?.some(({ due }) => due) &&
    link.mappingVersion === mapping.version &&
    !hasUnmergedRow(mapping.entities[link.entity], link)
  );
}
