import type { Agreement } from '../link';
import { isComment, writesTo, type EntityMapping, type PropertyRow } from '../mapping';
import { notTakenOf } from '../notTaken';
import { SIDES, type Json, type Side, type SyncRecord } from '../record';
import { offers } from './absence';
import { keptValues } from './taken';

/**
 * Rules: internal stays internal. What customers cannot see on one side, they come to see on the other by a person's
 * doing only. That is so for tickets (the visibility of a ticket is that of its first comment, zendesk-rules.md rule 20)
 * and for comments, and for what is added to either.
 */

/** The property by which Zendesk's tickets and comments say whether customers see what they say. */
export const PUBLIC = 'public';

/** Whether a row says who may see a record. */
export function isVisibilityRow({ zendesk, pms, type }: PropertyRow): boolean {
  return zendesk === PUBLIC && pms !== null && (type === 'enum' || type === 'boolean');
}

/** The row that says who may see a record; undefined where the mapping has none. */
export function visibilityRow({ rows }: EntityMapping): PropertyRow | undefined {
  return rows.find(isVisibilityRow);
}

/** @param value canonical */
export function isShown({ transform }: PropertyRow, value: Json | undefined): boolean {
  if (transform.kind !== 'enum') return value === true;
  return typeof value === 'string' && transform.toZendesk.get(value) === 'true';
}

/** The canonical value of a record that customers do not see. */
export function hiddenValue({ transform }: PropertyRow): Json {
  return transform.kind === 'enum' ? (transform.toPms.get('false') ?? null) : false;
}

/** What the mapping says that customers see of the PMS's records where the PMS itself does not say it. */
export type StatedVisibility = 'row' | 'public' | 'internal' | 'unstated';

export function statedVisibility(table: EntityMapping): StatedVisibility {
  const row = visibilityRow(table);
  // A table without a value for what is internal could not say it.
  if (row && writesTo(row, 'pms') && hiddenValue(row) !== null) return 'row';
  const constant = table.rows.find(
    ({ zendesk, transform }) => zendesk === PUBLIC && transform.kind === 'constant',
  );
  if (constant?.transform.kind !== 'constant') return 'unstated';
  return constant.transform.value === true ? 'public' : 'internal';
}

/** Whether customers see a record; null where the side has not shown it yet. */
function shownBy(record: Pick<SyncRecord, 'values' | 'complete'>): boolean | null {
  return offers(record, PUBLIC) ? record.values[PUBLIC] !== false : null;
}

/**
 * Why a record of Zendesk gets no counterpart: what is internal, or may be, has no place where customers see all.
 * @returns null where it may have one
 */
export function hiddenReason(table: EntityMapping, record: SyncRecord): string | null {
  if (record.ref.side !== 'zendesk' || table.entity === 'OrgToCustomer') return null;
  const stated = statedVisibility(table);
  if (stated === 'row' || stated === 'internal' || shownBy(record) === true) return null;
  const why =
    stated === 'public' ? 'says that customers see all of the PMS' : 'does not say who sees it in the PMS';
  return `it is internal, or not known to be public, and the mapping ${why}`;
}

/**
 * The canonical value with which a record begins whose side has not shown yet who may see it: nobody but agents. Zendesk
 * shows it with the comments of a ticket, not with the ticket.
 * @returns undefined where the row is another one
 */
export function untilShown(row: PropertyRow): Json | undefined {
  return isVisibilityRow(row) ? hiddenValue(row) : undefined;
}

/**
 * Of two visibilities that meet for the first time, the narrower one counts.
 * @returns the side that has it; null where both say the same, or where one says nothing
 */
export function narrowerSide(row: PropertyRow, current: Record<Side, Json>): Side | null {
  if (!isVisibilityRow(row) || SIDES.some((side) => current[side] === null)) return null;
  const hidden = SIDES.filter((side) => !isShown(row, current[side]));
  const [only, ...more] = hidden;
  return only !== undefined && more.length === 0 ? only : null;
}

/** Whether a side's record can be made internal. */
export function canBeHidden(row: PropertyRow, side: Side): boolean {
  return (
    writesTo(row, side) && (row.fixed?.side !== side || row.fixed.except.some((each) => !isShown(row, each)))
  );
}

/**
 * Whether what is added to a comment (a follow-up, a file) may be shown to customers: where both sides come to agree, by
 * the same plan, that the comment is public. Where no row says so, nobody but agents sees it. An edit of a description is
 * said to agents only: nobody answered the customer with it.
 *
 * @param agreement of the plan that adds it
 */
export function shownToCustomers(
  table: EntityMapping,
  { snapshot, residue, notTaken = [] }: Pick<Agreement, 'snapshot' | 'residue' | 'notTaken'>,
): boolean {
  const row = isComment(table) ? visibilityRow(table) : undefined;
  if (row === undefined) return false;
  const aside = notTakenOf({ notTaken }, row.id);
  if (aside) return Object.values(keptValues(aside)).every((value) => isShown(row, value));
  if (!isShown(row, snapshot[row.id])) return false;
  return SIDES.every((each) => !(row.id in residue[each]) || isShown(row, residue[each][row.id]));
}

/** Whether a plan hides from customers what they could see: then that goes first, and what is added comes after. */
export function isNarrowed(
  table: EntityMapping,
  former: Readonly<Record<string, Json>> | null,
  { snapshot, residue, notTaken = [] }: Pick<Agreement, 'snapshot' | 'residue' | 'notTaken'>,
): boolean {
  const row = visibilityRow(table);
  if (row === undefined || !isShown(row, former?.[row.id])) return false;
  const aside = notTakenOf({ notTaken }, row.id);
  if (aside && Object.values(keptValues(aside)).some((value) => !isShown(row, value))) return true;
  return [snapshot, residue.zendesk, residue.pms].some(
    (values) => row.id in values && !isShown(row, values[row.id]),
  );
}

/**
 * Whether a record is internal by now, so that an addition that was planned while it was public is to be internal, too.
 * @param valueOf the canonical value that a record shows of the row; undefined where it was not read
 */
export function isInternalNow(
  table: EntityMapping,
  valueOf: (row: PropertyRow) => readonly (Json | undefined)[],
): boolean {
  const row = visibilityRow(table);
  return row !== undefined && valueOf(row).some((value) => value !== undefined && !isShown(row, value));
}
