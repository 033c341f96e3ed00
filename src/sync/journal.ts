import { parseCanonicalKey, refKey, type CanonicalKey } from './canonicalKey';
import { fnv1a } from './digest';
import { elementOf, elementsOf, reservedElements } from './heldSets';
import { mergedCauses, type Cause } from './journalCauses';
import type { Intent, Link, PlannedWrite } from './link';
import type { EntityMapping, Mapping, PropertyRow } from './mapping';
import type { NotTaken } from './notTaken';
import {
  otherSide,
  type EntityType,
  type Json,
  type RefKey,
  type Side,
  type SyncRecord,
  type Values,
} from './record';
import { bindingsOf, namesSameFields } from './rules/sameFields';
import { isSet } from './rules/sets';
import { fromCanonical, referenceKinds, sameValue, toCanonical, type References } from './values';

/**
 * The journal: the writes of the sync, with the values before and after. Pure: makes the entry of a write from its
 * intent and its answer.
 */

/**
 * `done`: the side confirmed the write, or its record shows the values. `refused`: the side refused the write.
 * `not done`: the record shows the former values. `unknown`: the answer was lost, and the record shows neither.
 */
export const OUTCOMES = ['done', 'refused', 'not done', 'unknown'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** The effect of one write on one row. Values are in the side's own form, unless stated otherwise. */
export interface JournalRow {
  row: string;
  /** The side's own name of the property. */
  property: string;
  /**
   * The value before. Absent if the write created the record, or if the value cannot be converted to this side any
   * more.
   */
  before?: Json;
  /**
   * The source of `before`. `side`: the side reported it. `agreed`: the link's agreed value, converted to the side's
   * form.
   */
  known?: 'side' | 'agreed';
  /** The value that was sent. */
  after: Json;
  /** The value that the side showed after the write; absent if it showed none. */
  shown?: Json;
  /** The side did not take the value, so there is nothing to undo. */
  notTaken?: true;
  /** A digest of the fields that the row named at the write; see `bindingsOf`. */
  binding?: string;
  /** Present if the row had named other fields: the canonical value agreed on for these, and their digest. */
  former?: { value: Json; binding: string | null };
  /** The row is a set, which is merged by element. */
  set?: true;
  /** An undo put this value back. */
  restored?: true;
  /** A value was cut because it is too long, or was redacted: it cannot be put back. */
  cut?: true;
}

export interface JournalEntry {
  /** Names the write: the same for each attempt at it. */
  id: string;
  /** ISO time at which the entry was stored. */
  at: string;
  key: CanonicalKey;
  entity: EntityType;
  side: Side;
  /** The written record; null for a create whose outcome is unknown. */
  ref: RefKey | null;
  op: PlannedWrite['op'];
  rows: JournalRow[];
  /** The write left a back-reference on an existing record: the pair was joined. */
  joins?: true;
  causes: Cause[];
  /** The source of the values: the other side's record and its version; null if none was seen. */
  from: string | null;
  /** The version of the mapping. */
  mapping: string;
  outcome: Outcome;
  /** The API's words of a refusal; null otherwise. */
  words: string | null;
}

/** Replaces a redacted value. */
export const REDACTED = '[redacted]';
/** The longest value that is kept whole, in characters of JSON. */
export const VALUE_CHARACTERS = 4_000;

export interface Written {
  link: Link;
  intent: Intent;
  write: PlannedWrite;
  outcome: Outcome;
  /** The record after the write. */
  answer?: SyncRecord | null;
  /** The former values that the side reported, by property. */
  replaced?: Values;
  /** The values that were not taken, by this write and earlier ones. */
  notTaken?: readonly NotTaken[];
  words?: string;
}

export interface JournalScene {
  mapping: Mapping;
  references: References;
  now: string;
}

/** The entry of one write. `written.link` is the link as it was before the write's intent is committed. */
export function entryOf(written: Written, { mapping, references, now }: JournalScene): JournalEntry {
  const { link, intent, write, outcome, answer, words } = written;
  const table = mapping.entities[link.entity];
  const rows = rowsOf(written, table, references);
  const source = intent.seen[otherSide(write.side)];
  return {
    id: entryId(intent, write),
    at: now,
    key: link._id,
    entity: link.entity,
    side: write.side,
    ref: write.ref ?? (answer ? refKey(answer.ref) : null),
    op: write.op,
    rows,
    ...(write.op === 'update' && write.backRef !== null && { joins: true }),
    causes: causesOf(intent, rows, mapping.version),
    from: source ? `${source.ref}@${source.version}` : null,
    mapping: link.mappingVersion,
    outcome,
    words: words ?? null,
  };
}

/**
 * The entry's id, the same for every attempt. It covers the sent values, because a lost link counts its revisions anew.
 */
export function entryId(intent: Intent, { side, op, ref, version, values, file }: PlannedWrite): string {
  const sent = fnv1a(JSON.stringify([ref, version, values, file ?? null])).toString(36);
  return `${intent.id}/${side}/${op}/${sent}`;
}

function causesOf(intent: Intent, rows: readonly JournalRow[], version: string): Cause[] {
  const decided = (intent.decided ?? []).flatMap(([, id]) => (id === null ? [] : [`decision:${id}`]));
  const bound = rows.some(({ former }) => former !== undefined) ? [`mapping:${version}`] : [];
  return mergedCauses(bound, decided, intent.causes);
}

function rowsOf(written: Written, table: EntityMapping, references: References): JournalRow[] {
  const { write } = written;
  if (write.op === 'followUp')
    return write.rows.map((row) => ({
      row,
      property: 'text',
      ...cutTo({ after: write.values['text'] ?? null }),
    }));
  const mapped = table.rows.flatMap((row): JournalRow[] => {
    const property = row[write.side];
    if (property === null || !write.rows.includes(row.id) || !(property in write.values)) return [];
    return [journalRow(written, table, { row, property }, references)];
  });
  // A property that a row named before, and does not name any more.
  const others = (write.restores ?? []).filter(
    ({ property }) => !mapped.some((each) => each.property === property),
  );
  return [...mapped, ...others.map((each) => restoredRow(written, each))];
}

function journalRow(
  { link, write, answer, replaced = {}, notTaken = [] }: Written,
  table: EntityMapping,
  { row, property }: { row: PropertyRow; property: string },
  references: References,
): JournalRow {
  const { side } = write;
  const restored = write.restores?.find((each) => each.property === property);
  // An undo is no new binding: it returns to the former agreement.
  const former = write.restores ? undefined : formerOf(table, row, link);
  const binding = bindingsOf(table)[row.id];
  const before =
    property in replaced || restored
      ? { before: replaced[property] ?? restored?.before ?? null, known: 'side' as const }
      : agreedBefore(row, write, references);
  const values = cutTo({
    ...before,
    after: write.values[property] ?? null,
    ...(answer && property in answer.values && { shown: answer.values[property] ?? null }),
    ...(former && { former }),
  });
  const isLeft = notTaken.some((each) => each.row === row.id && each.side === side && !each.byElement);
  return {
    row: row.id,
    property,
    ...values,
    ...(isLeft && { notTaken: true }),
    ...(binding !== undefined && { binding }),
    ...(isSet(row) && { set: true }),
    ...(restored && { restored: true }),
  };
}

function restoredRow(
  { write, answer }: Written,
  { row, property, before }: { row: string; property: string; before: Json },
): JournalRow {
  const shown = answer && property in answer.values ? { shown: answer.values[property] ?? null } : {};
  const after = write.values[property] ?? null;
  const set = Array.isArray(after) ? { set: true as const } : {};
  return { row, property, ...cutTo({ before, known: 'side', after, ...shown }), ...set, restored: true };
}

function agreedBefore(
  row: PropertyRow,
  { op, side, expects, values }: PlannedWrite,
  references: References,
): Pick<JournalRow, 'before' | 'known'> {
  if (op !== 'update' || !(row.id in expects)) return {};
  const own = fromCanonical(row, side, expects[row.id] ?? null, references);
  if (!own.ok) return {};
  const before = Array.isArray(own.value)
    ? [...own.value, ...reservedIn(row, values[row[side] ?? ''])]
    : own.value;
  return { before, known: 'agreed' };
}

/** Elements of a written set that were there before, although they are no part of the row. */
function reservedIn(row: PropertyRow, written: Json | undefined): string[] {
  const reserved = reservedElements(row);
  return elementsOf(written).filter((each) => reserved.has(elementOf(row.transform.kind, each)));
}

/** The agreement from before a row named other fields. */
function formerOf(table: EntityMapping, row: PropertyRow, link: Link): JournalRow['former'] {
  const value = link.snapshot?.[row.id];
  if (value === undefined || namesSameFields(table, row, link)) return undefined;
  return { value, binding: link.bound?.[row.id] ?? null };
}

type RowValues = Pick<JournalRow, 'before' | 'known' | 'after' | 'shown' | 'former' | 'cut'>;

/** Of a value that is too long, the beginning of its JSON text is kept. */
function cutTo(values: RowValues): RowValues {
  const isLong = (value: Json | undefined) => value !== undefined && sizeOf(value) > VALUE_CHARACTERS;
  const { former, ...own } = values;
  const long = (['before', 'after', 'shown'] as const).filter((name) => isLong(own[name]));
  const isFormerLong = former !== undefined && isLong(former.value);
  if (long.length === 0 && !isFormerLong) return values;
  const short = Object.fromEntries(
    long.map((name) => [name, JSON.stringify(own[name]).slice(0, VALUE_CHARACTERS)]),
  );
  return { ...own, ...(former && !isFormerLong && { former }), ...short, cut: true };
}

function sizeOf(value: Json): number {
  // Most values are short texts and numbers.
  return typeof value === 'string' && value.length < VALUE_CHARACTERS / 6
    ? value.length
    : JSON.stringify(value).length;
}

/**
 * The outcome of a write whose answer was lost, by the present record: it shows all written values, or all former
 * values, or neither.
 */
export function outcomeShown(
  { intent, write }: Pick<Written, 'intent' | 'write'>,
  key: CanonicalKey,
  record: SyncRecord | undefined,
  { mapping, references }: Omit<JournalScene, 'now'>,
): Extract<Outcome, 'done' | 'not done' | 'unknown'> {
  if (write.op !== 'update' || !record || write.rows.length === 0) return 'unknown';
  const table = mapping.entities[parseCanonicalKey(key).entity];
  const kinds = referenceKinds(mapping, table);
  const rows = table.rows.filter((row) => write.rows.includes(row.id) && row[write.side] !== null);
  const isAll = (values: Values) =>
    rows.every((row) => {
      const now = toCanonical(row, write.side, record.values[row[write.side] ?? ''], references, kinds);
      return now.ok && sameValue(now.value, values[row.id]);
    });
  const { snapshot, residue } = intent.next;
  if (isAll({ ...snapshot, ...residue[write.side] })) return 'done';
  return isAll(write.expects) && record.version === write.version ? 'not done' : 'unknown';
}
