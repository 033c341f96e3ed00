import type { Agreement } from '../link';
import type { EntityMapping, PropertyRow } from '../mapping';
import { notTakenOf } from '../notTaken';
import { SIDES, type Json, type Side } from '../record';
import { sidesOf } from './taken';

/** Rules: internal stays internal. What is added to a comment is shown to nobody who may not see the comment. */

/** The row that says who may see a record; undefined where the mapping has none. */
function visibilityRow(table: EntityMapping, side: Side): PropertyRow | undefined {
  return table.rows.find((each) => each[side] === 'public');
}

/**
 * Whether what is added (a follow-up, a file) may be shown to customers: where both sides come to agree, by the same plan,
 * that the comment is public. Where no row says so, nobody but agents sees it.
 *
 * @param agreement of the plan that adds it
 */
export function shownToCustomers(
  table: EntityMapping,
  side: Side,
  { snapshot, residue, notTaken = [] }: Pick<Agreement, 'snapshot' | 'residue' | 'notTaken'>,
): boolean {
  const row = visibilityRow(table, side);
  if (row === undefined) return false;
  const aside = notTakenOf({ notTaken }, row.id);
  if (aside) return Object.values(sidesOf(aside)).every((value) => value === 'public');
  if (snapshot[row.id] !== 'public') return false;
  return SIDES.every((each) => (residue[each][row.id] ?? 'public') === 'public');
}

/** Whether a plan hides from customers what they could see: then that goes first, and what is added comes after. */
export function isNarrowed(
  table: EntityMapping,
  former: Readonly<Record<string, Json>> | null,
  agreement: Pick<Agreement, 'snapshot' | 'residue' | 'notTaken'>,
): boolean {
  return SIDES.some((side) => {
    const row = visibilityRow(table, side);
    return row !== undefined && former?.[row.id] === 'public' && !shownToCustomers(table, side, agreement);
  });
}

/**
 * Whether a record is internal by now, so that an addition that was planned while it was public is to be internal, too.
 * @param valueOf the canonical value that a record shows of the row; undefined where it was not read
 */
export function isInternalNow(
  table: EntityMapping,
  side: Side,
  valueOf: (row: PropertyRow) => readonly (Json | undefined)[],
): boolean {
  const row = visibilityRow(table, side);
  return row !== undefined && valueOf(row).some((value) => value !== undefined && value !== 'public');
}
