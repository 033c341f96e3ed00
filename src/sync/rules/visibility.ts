import type { Agreement } from '../link';
import { isComment, writesTo, type EntityMapping, type PropertyRow } from '../mapping';
import { notTakenOf } from '../notTaken';
import { SIDES, type Json, type Side, type SyncRecord } from '../record';
import { offers } from './absence';
import { keptValues } from './taken';

/**
 * Rules: internal stays internal. What customers cannot see on one side becomes visible to them on the other side only
 * if a person makes it public. This holds for tickets (a ticket is as visible as its first comment, zendesk-rules.md
 * rule 20), for comments, and for follow-ups and files.
 */

/** The property of Zendesk's tickets and comments that says whether customers see them. */
export const PUBLIC = 'public';

/** Whether a row says who may see a record. */
export function isVisibilityRow({ zendesk, pms, type }: PropertyRow): boolean {
  return zendesk === PUBLIC && pms !== null && (type === 'enum' || type === 'boolean');
}

/** The row that says who may see a record; undefined where the mapping has none. */
export function visibilityRow({ rows }: EntityMapping): PropertyRow | undefined {
  return rows.find(isVisibilityRow);
}

/** Whether a visibility means that customers see the record. @param value canonical */
export function isShown({ transform }: PropertyRow, value: Json | undefined): boolean {
  if (transform.kind !== 'enum') return value === true;
  return typeof value === 'string' && transform.toZendesk.get(value) === 'true';
}

/** The canonical visibility of an internal record; null if the row's table has none. */
export function hiddenValue({ transform }: PropertyRow): Json {
  return transform.kind === 'enum' ? (transform.toPms.get('false') ?? null) : false;
}

/**
 * What the mapping says about who sees the records of the PMS. `row`: a row carries the visibility. `public`,
 * `internal`: a constant says the same of all records. `unstated`: nothing says it.
 */
export type StatedVisibility = 'row' | 'public' | 'internal' | 'unstated';

export function statedVisibility(table: EntityMapping): StatedVisibility {
  const row = visibilityRow(table);
  // A row whose table has no value for internal records cannot carry the visibility.
  if (row && writesTo(row, 'pms') && hiddenValue(row) !== null) return 'row';
  const constant = table.rows.find(
    ({ zendesk, transform }) => zendesk === PUBLIC && transform.kind === 'constant',
  );
  if (constant?.transform.kind !== 'constant') return 'unstated';
  return constant.transform.value === true ? 'public' : 'internal';
}

/** Whether customers see a record; null if the side has not shown its visibility yet. */
function isKnownPublic(record: Pick<SyncRecord, 'values' | 'complete'>): boolean | null {
  return offers(record, PUBLIC) ? record.values[PUBLIC] !== false : null;
}

/**
 * Why a record of Zendesk gets no counterpart: it is or may be internal, and its counterpart may be visible to
 * customers.
 *
 * @returns null if it may have one
 */
export function hiddenReason(table: EntityMapping, record: SyncRecord): string | null {
  if (record.ref.side !== 'zendesk' || table.entity === 'OrgToCustomer') return null;
  const stated = statedVisibility(table);
  if (stated === 'row' || stated === 'internal' || isKnownPublic(record) === true) return null;
  const why =
    stated === 'public' ? 'says that customers see all of the PMS' : 'does not say who sees it in the PMS';
  return `it is internal, or not known to be public, and the mapping ${why}`;
}

/**
 * The canonical visibility of a record whose side has not shown it yet: internal. Zendesk shows the visibility of a
 * ticket with its comments, not with the ticket.
 *
 * @returns undefined if the row is not about the visibility
 */
export function untilShown(row: PropertyRow): Json | undefined {
  return isVisibilityRow(row) ? hiddenValue(row) : undefined;
}

/**
 * If two visibilities meet for the first time, the narrower one counts.
 *
 * @returns the side that has it; null if both are the same, or if one is empty
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
 * Whether an addition to a comment (a follow-up or a file) may be visible to customers. It may if, after the same plan,
 * both sides agree that the comment is public. Without a row for the visibility, the addition is internal. The
 * follow-up of an edited ticket description is internal, too: it is not an answer to the customer.
 *
 * @param agreement of the plan that makes the addition
 */
export function shownToCustomers(
  table: EntityMapping,
  { snapshot, residue, notTaken = [] }: Pick<Agreement, 'snapshot' | 'residue' | 'notTaken'>,
): boolean {
  const row = isComment(table) ? visibilityRow(table) : undefined;
  if (row === undefined) return false;
  const entry = notTakenOf({ notTaken }, row.id);
  if (entry) return Object.values(keptValues(entry)).every((value) => isShown(row, value));
  if (!isShown(row, snapshot[row.id])) return false;
  return SIDES.every((each) => !(row.id in residue[each]) || isShown(row, residue[each][row.id]));
}

/**
 * Whether a plan makes a public record internal. Then its updates are sent before its additions.
 *
 * @param former the snapshot before the plan
 */
export function isNarrowed(
  table: EntityMapping,
  former: Readonly<Record<string, Json>> | null,
  { snapshot, residue, notTaken = [] }: Pick<Agreement, 'snapshot' | 'residue' | 'notTaken'>,
): boolean {
  const row = visibilityRow(table);
  if (row === undefined || !isShown(row, former?.[row.id])) return false;
  const entry = notTakenOf({ notTaken }, row.id);
  if (entry && Object.values(keptValues(entry)).some((value) => !isShown(row, value))) return true;
  return [snapshot, residue.zendesk, residue.pms].some(
    (values) => row.id in values && !isShown(row, values[row.id]),
  );
}

/**
 * Whether a pair's records are internal by now. An addition that was planned while they were public is then made
 * internal.
 *
 * @param valuesOf the canonical values that both records show of a row; undefined for a record that was not read
 */
export function isInternalNow(
  table: EntityMapping,
  valuesOf: (row: PropertyRow) => readonly (Json | undefined)[],
): boolean {
  const row = visibilityRow(table);
  return row !== undefined && valuesOf(row).some((value) => value !== undefined && !isShown(row, value));
}
