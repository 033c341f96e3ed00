import type { Link, PlannedWrite } from '../link';
import type { EntityMapping, PropertyRow } from '../mapping';
import { notTakenOf, wholeFirst, type NotTaken } from '../notTaken';
import { otherSide, type Json, type Side, type SyncRecord } from '../record';
import type { ReasonCode } from '../reasons';
import { isEmpty, sameValue } from '../values';
import { agreedBase } from './binding';
import { bindingOf, isBoundAlike } from './boundAlike';

/** Rules: not taken is not agreed. A value that a side refused or ignored is kept beside what was agreed. */

export interface WrittenRow {
  row: PropertyRow;
  /** All values are canonical. */
  meant: Json | undefined;
  /** What the side showed before the write; undefined where the write made the record. */
  before: Json | undefined;
  answered: Json;
}

/**
 * What an accepted write says of one of its rows, whose value is not as it was meant. APIs drop what they do not accept
 * without an error (zendesk-rules.md rules 15 and 16).
 *
 * @returns null where the side took it in a form of its own, e.g. cut off, or chose another value itself
 */
export function whyNotTaken({ row, meant, before, answered }: WrittenRow): 'ignored' | 'emptied' | null {
  if (isCut(meant, answered)) return null;
  if (sameValue(answered, before === undefined ? row.default : before)) return 'ignored';
  return isEmpty(answered) && !isEmpty(meant) ? 'emptied' : null;
}

/** A text that the side took, though not all of it. */
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

/** The rows of a write that its refusal names. One row that was tried by itself is named by being refused. */
export function refusedRows(
  table: EntityMapping,
  { op, side, rows }: PlannedWrite,
  { code, fields }: RefusedWrite,
  link: Link,
): string[] {
  if (!OF_A_VALUE.has(code)) return [];
  if (op === 'followUp') return rows;
  if (op !== 'create' && op !== 'update') return [];
  const isApart = rows.length === 1 && rows.every((row) => notTakenOf(link, row)?.why === 'apart');
  if (isApart && fields.length === 0) return rows;
  const named = table.rows.filter(
    (row) => rows.includes(row.id) && row[side] !== null && fields.includes(row[side]),
  );
  // Without what cannot be added later, such as a comment's text, a record is not made at all.
  if (op === 'create' && named.some((row) => row.fixed !== null || row.write === 'create')) return [];
  return named.map(({ id }) => id);
}

/** Whether a refusal may be for a value of which it does not say the property. */
export function isAboutSomeRow({ code, fields }: RefusedWrite): boolean {
  return fields.length === 0 && OF_A_VALUE.has(code);
}

/**
 * What each side was last seen with: as agreed, or the two values of which one was not taken. Null where the row was
 * never agreed on.
 */
export function lastSeen(table: EntityMapping, row: PropertyRow, link: Link): Record<Side, Json> | null {
  const [aside] = asideOf(table, row, link);
  return aside && !aside.byElement ? sidesOf(aside) : agreedBase(table, row, link);
}

/** What was not taken of a row, as it is bound now. Of a set, each side may have its own. */
export function asideOf(table: EntityMapping, { id }: PropertyRow, link: Link): NotTaken[] {
  // Where it is not known what a value was offered to, the agreement of its row says it.
  const isAlike = link.bound?.[id] === undefined || isBoundAlike(table, { id }, link);
  const isOfRow = (aside: NotTaken) =>
    aside.row === id && isAboutSameFields(table, aside) && (aside.bound !== undefined || isAlike);
  return wholeFirst((link.notTaken ?? []).filter(isOfRow));
}

/** Whether a value was offered to the field that its row names now. */
export function isAboutSameFields(table: EntityMapping, { row, offered, bound }: NotTaken): boolean {
  return bound === undefined || bound === bindingOf(table, row, offered);
}

export function sidesOf({ side, offered, shown = null }: NotTaken): Record<Side, Json> {
  return side === 'zendesk' ? { zendesk: shown, pms: offered } : { zendesk: offered, pms: shown };
}

export interface Occasion {
  link: Link;
  current: Partial<Record<Side, SyncRecord>>;
  mappingVersion: string;
}

/**
 * Whether something that may have been the cause has changed since the value was last offered: one of the two records,
 * or the mapping. A person's resync and a reconcile mark it as due.
 */
export function isOfferedAgain(aside: NotTaken, { link, current, mappingVersion }: Occasion): boolean {
  if (aside.why === 'discarded') return false;
  if (aside.why === 'apart') return aside.group === nextGroup(link);
  if (aside.due || link.mappingVersion !== mappingVersion) return true;
  const hasMoved = (side: Side) => {
    const version = current[side]?.version;
    return version !== undefined && version !== link.sides[side]?.version && version !== aside.tried?.[side];
  };
  // Where the property was emptied, one more offer would empty what a person chose there meanwhile.
  return (aside.why !== 'emptied' && hasMoved(aside.side)) || hasMoved(otherSide(aside.side));
}

/** The rows that are tried next, of those that were refused together. */
function nextGroup({ notTaken = [] }: Link): number {
  return Math.min(...notTaken.flatMap(({ why, group }) => (why === 'apart' ? (group ?? 0) : [])));
}
