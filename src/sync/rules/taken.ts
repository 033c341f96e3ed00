import type { Link, PlannedWrite } from '../link';
import type { EntityMapping, PropertyRow } from '../mapping';
import { notTakenOf, wholeFirst, type NotTaken } from '../notTaken';
import { otherSide, type Json, type Side, type SyncRecord } from '../record';
import type { ReasonCode } from '../reasons';
import { isEmpty, sameValue } from '../values';
import { agreedBase } from './binding';
import { withoutReserved } from './reserved';
import { bindingOf, namesSameFields } from './sameFields';

/**
 * Rules: a value that a side refused or ignored does not count as agreed. The link keeps it beside the snapshot
 * (src/sync/notTaken.ts).
 */

export interface WrittenRow {
  row: PropertyRow;
  /** What the side should show after the write. This value and the next two are canonical. */
  meant: Json | undefined;
  /** What the side showed before the write; undefined if the write created the record. */
  before: Json | undefined;
  /** What the answer to the write shows. */
  answered: Json;
}

/**
 * Why a side does not show a written value although it accepted the write. APIs drop some values without an error
 * (rules 15 and 16 of packages/zendesk-sandbox/src/rules/switches.ts).
 *
 * @returns null if the side stored the value in a form of its own, e.g. shortened, or chose another value itself
 */
export function whyNotTaken({ row, meant, before, answered }: WrittenRow): 'ignored' | 'emptied' | null {
  if (isCut(meant, answered)) return null;
  if (sameValue(answered, before === undefined ? row.default : before)) return 'ignored';
  return isEmpty(answered) && !isEmpty(meant) ? 'emptied' : null;
}

/** Types whose values have no other form: a different option, flag or record is a different value. */
const WITHOUT_FORMS: ReadonlySet<PropertyRow['type']> = new Set(['enum', 'boolean', 'reference']);

/**
 * Whether a value that differs from the written one is the side's own form of it, e.g. shortened or rounded. An empty
 * value has no other form. Two exceptions: in a row with `fixedOn`, and for a person, a side fills in what it requires
 * and no person entered. Zendesk makes the integration’s own user the requester of a ticket without one.
 */
export function isOwnForm({ type, fixed }: PropertyRow, meant: Json | undefined): boolean {
  if (WITHOUT_FORMS.has(type)) return false;
  return !isEmpty(meant) || fixed !== null || type === 'person';
}

/** Whether the side stored only the beginning of a text. */
export function isCut(meant: Json | undefined, answered: Json): boolean {
  return (
    typeof meant === 'string' &&
    typeof answered === 'string' &&
    answered !== '' &&
    meant.length > answered.length &&
    meant.startsWith(answered)
  );
}

export interface RefusedWrite {
  code: ReasonCode;
  /** The side's own names of the properties at fault, as far as the API names them. */
  fields: readonly string[];
}

/** Refusals of a value; others concern the record, or the call. */
const OF_A_VALUE: ReadonlySet<ReasonCode> = new Set([
  'invalid_field',
  'too_long',
  'immutable',
  'duplicate_value',
]);

/**
 * The rows of a write that its refusal names. If a row was tried alone, the refusal concerns this row even if it names
 * none.
 */
export function refusedRows(
  table: EntityMapping,
  { op, side, rows }: PlannedWrite,
  { code, fields }: RefusedWrite,
  link: Link,
): string[] {
  if (!OF_A_VALUE.has(code)) return [];
  if (op === 'followUp') return rows;
  if (op !== 'create' && op !== 'update') return [];
  const isTriedAlone = rows.length === 1 && rows.every((row) => notTakenOf(link, row)?.why === 'apart');
  if (isTriedAlone && fields.length === 0) return rows;
  const named = table.rows.filter(
    (row) => rows.includes(row.id) && row[side] !== null && fields.includes(row[side]),
  );
  // A record is not created without a value that cannot be added later, such as the text of a comment.
  if (op === 'create' && named.some((row) => row.fixed !== null || row.write === 'create')) return [];
  return named.map(({ id }) => id);
}

/** Whether a refusal may concern a value without naming its property. */
export function isAboutSomeRow({ code, fields }: RefusedWrite): boolean {
  return fields.length === 0 && OF_A_VALUE.has(code);
}

/**
 * The value that each side showed last: the agreed values, or the two values of a row that was not taken. Null if the
 * row was never agreed on.
 */
export function lastSeen(table: EntityMapping, row: PropertyRow, link: Link): Record<Side, Json> | null {
  const [entry] = notTakenOfRow(table, row, link);
  if (!entry || entry.byElement) return agreedBase(table, row, link);
  const { zendesk, pms } = keptValues(entry);
  return { zendesk: withoutReserved(row, link, zendesk), pms: withoutReserved(row, link, pms) };
}

/**
 * The values from which a set is merged. A set that was refused as a whole is merged from the last agreement, so that each
 * of its elements is offered again.
 */
export function setBase(table: EntityMapping, row: PropertyRow, link: Link): Record<Side, Json> | null {
  const [entry] = notTakenOfRow(table, row, link);
  const isOffered = entry && !entry.byElement && entry.why !== 'discarded';
  return isOffered ? agreedBase(table, row, link) : lastSeen(table, row, link);
}

/**
 * What was not taken of a row, for the fields that the row names now. A row with a set may have one entry for each
 * side.
 */
export function notTakenOfRow(table: EntityMapping, { id }: PropertyRow, link: Link): NotTaken[] {
  // Entries without `bound` do not say to which fields the value was offered. They count unless the row was bound to
  // other fields after its agreement.
  const isAlike = link.bound?.[id] === undefined || namesSameFields(table, { id }, link);
  const isOfRow = (entry: NotTaken) =>
    entry.row === id && isForSameFields(table, entry) && (entry.bound !== undefined || isAlike);
  return wholeFirst((link.notTaken ?? []).filter(isOfRow));
}

/** Whether a value was offered to the field that its row names now. */
export function isForSameFields(table: EntityMapping, { row, offered, bound }: NotTaken): boolean {
  return bound === undefined || bound === bindingOf(table, row, offered);
}

export function keptValues({ side, offered, shown = null }: NotTaken): Record<Side, Json> {
  return side === 'zendesk' ? { zendesk: shown, pms: offered } : { zendesk: offered, pms: shown };
}

/** What {@link isOfferedAgain} needs to know of the pair. */
export interface OfferContext {
  link: Link;
  current: Partial<Record<Side, SyncRecord>>;
  mappingVersion: string;
}

/**
 * Whether a possible cause of the refusal has changed since the value was last offered: one of the two records (but not
 * for an unknown person), or the mapping. `due` asks for the offer without such a change, e.g. for a resync or a reconcile.
 */
export function isOfferedAgain(entry: NotTaken, { link, current, mappingVersion }: OfferContext): boolean {
  if (entry.why === 'discarded') return false;
  if (entry.why === 'apart') return entry.group === nextGroup(link);
  if (entry.due || link.mappingVersion !== mappingVersion) return true;
  if (entry.unknownPerson) return false;
  const hasMoved = (side: Side) => {
    const version = current[side]?.version;
    return version !== undefined && version !== link.sides[side]?.version && version !== entry.tried?.[side];
  };
  // If the property was emptied, another offer would also empty the value that a person has chosen there meanwhile.
  return (entry.why !== 'emptied' && hasMoved(entry.side)) || hasMoved(otherSide(entry.side));
}

/** The number of the group that is tried next, among the rows that were refused together. */
function nextGroup({ notTaken = [] }: Link): number {
  return Math.min(...notTaken.flatMap(({ why, group }) => (why === 'apart' ? (group ?? 0) : [])));
}
