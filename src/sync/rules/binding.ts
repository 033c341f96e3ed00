import { triedOf, triesThat } from '../abandonedIntent';
import { type Attempted, type Attempts, type Link } from '../link';
import type { EntityMapping, PropertyRow } from '../mapping';
import type { MergeResult } from '../mergeResult';
import type { Json, Side, Values } from '../record';
import { isEmpty } from '../values';
import { withoutReserved } from './reserved';
import { bindingOf, bindingsOf, namesSameFields } from './sameFields';

/**
 * Rules: which agreement is the base of a row's merge. The link keeps the agreed value under the row's id, with a
 * digest of the fields that the row named at that time. If the row names other fields now, its values meet for the
 * first time: an agreement about one field says nothing about another.
 */

/** The canonical value that both sides agreed on; undefined if the row was never agreed on for its present fields. */
export function agreedValue(table: EntityMapping, row: PropertyRow, link: Link): Json | undefined {
  const agreed = namesSameFields(table, row, link) ? link.snapshot?.[row.id] : undefined;
  return agreed === undefined ? undefined : withoutReserved(row, link, agreed);
}

/**
 * @returns the canonical value that each side showed at the last agreement: the agreed value, or the residue of a side
 * that differs; null if the row was never agreed on for its present fields
 */
export function agreedBase(table: EntityMapping, row: PropertyRow, link: Link): Record<Side, Json> | null {
  const agreed = agreedValue(table, row, link);
  if (agreed === undefined) return null;
  const shownBy = (side: Side): Json => {
    const residue = link.sides[side]?.residue;
    return residue && row.id in residue ? withoutReserved(row, link, residue[row.id] ?? null) : agreed;
  };
  return { zendesk: shownBy('zendesk'), pms: shownBy('pms') };
}

/**
 * Whether both sides keep their values although the merge would copy an empty one. This is so if the row was agreed on
 * for other fields before: nobody emptied the new field, so it must not erase the other side's value. The merge copies
 * an empty value only in a one-way row, or if one side cannot be written.
 *
 * @param result of the merge of the row
 */
export function keepsOwnValues(
  row: PropertyRow,
  link: Link,
  base: Record<Side, Json> | null,
  result: MergeResult,
): boolean {
  const wasForOtherFields = base === null && link.snapshot?.[row.id] !== undefined;
  return wasForOtherFields && result.kind === 'copy' && isEmpty(result.value) && !isEmpty(result.lost);
}

/**
 * The link's digests after a new agreement.
 *
 * @param snapshot the agreed values by row id, the new ones included
 * @param rows the ids of the newly agreed rows; if the link has no digests yet, all rows of the snapshot get one
 */
export function bindingsAfter(
  table: EntityMapping,
  { bound }: Pick<Link, 'bound'>,
  snapshot: Values,
  rows: Iterable<string>,
): Record<string, string> {
  const next: Record<string, string> = { ...bound };
  for (const id of bound ? rows : Object.keys(snapshot)) {
    const binding = bindingOf(table, id, snapshot[id]);
    if (binding !== undefined) next[id] = binding;
  }
  return next;
}

/** See {@link attemptsForSameFields}. All are by side and row id. */
export interface AttemptsOfRows {
  attempts: Attempts;
  basedOn: Attempted;
  adds: Attempted;
  removals: Attempted;
}

/**
 * What writes of unknown outcome may have left in the fields that the rows name now, by side and row id.
 *
 * @returns `attempts`: values; `basedOn`: the versions on which those writes were based; `adds`, `removals`: elements of
 * sets that those writes added or removed
 */
export function attemptsForSameFields(table: EntityMapping, link: Link): AttemptsOfRows {
  const tried = triedOf(link);
  const fields = bindingsOf(table);
  const isForPresentFields = (row: string) => {
    const triedAs = tried.attemptedAs?.[row];
    // Earlier releases did not store the fields of an attempt: then it was written to those of the link's agreement.
    return triedAs === undefined ? !isRebound(table, { id: row }, link) : triedAs === fields[row];
  };
  const {
    attempted: attempts,
    attemptedOn: basedOn = {},
    attemptedAdds: adds = {},
    attemptedRemovals: removals = {},
  } = triesThat(tried, isForPresentFields);
  return { attempts, basedOn, adds, removals };
}

/** Whether a row's last agreement is about other fields than the row names now. */
export function isRebound(table: EntityMapping, row: Pick<PropertyRow, 'id'>, link: Link): boolean {
  return link.snapshot?.[row.id] !== undefined && !namesSameFields(table, row, link);
}
