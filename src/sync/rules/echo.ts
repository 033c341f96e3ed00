import { parseRef, refKey } from '../canonicalKey';
import type { Link } from '../link';
import { comparedRows, type EntityMapping, type Mapping, type PropertyRow } from '../mapping';
import type { RefKey, SyncRecord } from '../record';
import { referenceKinds, sameValue, toCanonical, type References } from '../values';
import { rests, shownValue } from './absence';
import { namesSameFields } from './boundAlike';
import { isReleased } from './reserved';
import { shownSet } from './sets';
import { notTakenOfRow, lastSeen } from './taken';

/** Rules: what brings no news, because the link holds it already. */

/** The order of an event that tells only that a record was made: it is known once the record is linked. */
export const MADE = -1;

/**
 * Whether a record is just what the link already holds of it: an echo, or a repeat. Its content decides. An order smaller
 * than the link's proves nothing: a side that was restored from a backup, or whose clock was set back, counts from there.
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
 * Whether an event without a body tells of a change that the link holds already: the very one that it last saw. `exact`
 * says that no other change can share the order: the side's counter is fine enough, or the change was our own write's.
 * What an event with a smaller order speaks of is read, because only the content tells whether it is older.
 */
export function isKnownChange(
  mapping: Mapping,
  link: Link,
  change: { ref: RefKey; order: number; exact: boolean },
): boolean {
  const known = link.sides[parseRef(change.ref).side];
  if (!isAtRest(mapping, link) || known?.ref !== change.ref) return false;
  return change.order === MADE || (change.exact && change.order === known.order);
}

/** The rows in which a record's values are not those that its link holds of it. */
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

/** A row was bound anew, or is offered again: its values are still to be compared, whatever else brings no news. */
function isUnmerged(table: EntityMapping, link: Link): boolean {
  return comparedRows(table).some(
    (row) =>
      !rests(row, {}) && (!namesSameFields(table, row, link) || link.rested?.includes(row.id) === true),
  );
}

/**
 * Whether a pair has rows that were not compared since their property is offered again, or is another one. Nothing may have
 * happened to its records since, so that no change tells of it.
 */
export function isUncompared(mapping: Mapping, link: Link): boolean {
  const table = mapping.entities[link.entity];
  if (link.status !== 'linked' && link.status !== 'conflict') return false;
  if (link.intent || link.braked || link.reason?.code === 'absent' || link.snapshot === null) return false;
  const isOther = (row: PropertyRow) =>
    link.mappingVersion === mapping.version &&
    !namesSameFields(table, row, link) &&
    notTakenOfRow(table, row, link).length === 0;
  return comparedRows(table).some(
    (row) =>
      !rests(row, {}) && (link.rested?.includes(row.id) === true || isOther(row) || isReleased(row, link)),
  );
}

/** Nothing is under way or awaited: what the link holds is what both sides agree on by the present mapping. */
function isAtRest(mapping: Mapping, link: Link): boolean {
  return (
    link.status === 'linked' &&
    link.reason?.code !== 'absent' &&
    !link.intent &&
    link.waitsFor.length === 0 &&
    !link.braked &&
    link.mappingVersion === mapping.version &&
    !isUnmerged(mapping.entities[link.entity], link)
  );
}
