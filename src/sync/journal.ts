import { parseCanonicalKey, refKey, type CanonicalKey } from './canonicalKey';
import { fnv1a } from './digest';
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
 * The journal: what the sync wrote to either system, with the values before and after. Pure: from a pair's intent and the
 * answer to one of its writes to the entry that is kept of it.
 */

/**
 * `done`: the side answered, or its record shows the values. `refused`: the side said no. `not done`: the record shows
 * the values from before. `unknown`: the answer was lost, and the record shows neither.
 */
export const OUTCOMES = ['done', 'refused', 'not done', 'unknown'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** What one write did to one row of the mapping. Values are in the side's own form, unless said otherwise. */
export interface JournalRow {
  row: string;
  /** The side's own name of the property. */
  property: string;
  /** Absent where the write made the record, and where the value has no form on this side any more. */
  before?: Json;
  /** `side`: the side itself told `before`. `agreed`: what the link knew of it, brought from canonical form into the side's. */
  known?: 'side' | 'agreed';
  /** What was sent. */
  after: Json;
  /** What the side showed once it was written; absent where it did not say. */
  shown?: Json;
  /** The side did not take it: there is nothing to undo. */
  notTaken?: true;
  /** What the row was bound to when this was written; see `bindingsOf`. */
  binding?: string;
  /** The row was bound anew: what was agreed on before (canonical), and what the row was bound to then. */
  former?: { value: Json; binding: string | null };
  /** The values merge by element. */
  set?: true;
  /** An undo put this back. */
  restored?: true;
  /** A value was longer than the journal keeps, or was redacted: it cannot be put back. */
  cut?: true;
}

export interface JournalEntry {
  /** Names the write: the same for each attempt at it. */
  id: string;
  /** ISO time at which the outcome was noted. */
  at: string;
  key: CanonicalKey;
  entity: EntityType;
  side: Side;
  /** The record written to; null for one that was to be made, and of which it is not known that it was. */
  ref: RefKey | null;
  op: PlannedWrite['op'];
  rows: JournalRow[];
  /** It left a back-reference on a record that was there before: the pair was joined. */
  joins?: true;
  causes: Cause[];
  /** The other side's record and its version, from which the values came; null where none was seen. */
  from: string | null;
  /** The mapping's version. */
  mapping: string;
  outcome: Outcome;
  /** The API's words of a refusal; null for all else. */
  words: string | null;
}

/** In the place of a value that was redacted. */
export const REDACTED = '[redacted]';
/** Of one value as JSON text, in characters. */
export const VALUE_CHARACTERS = 4_000;

export interface Written {
  link: Link;
  intent: Intent;
  write: PlannedWrite;
  outcome: Outcome;
  /** The record as the side showed it afterwards. */
  answer?: SyncRecord | null;
  /** What the side itself says that it held before, by property. */
  replaced?: Values;
  /** What was not taken, of this write and of earlier ones. */
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

/** The same for every attempt at a write. What is sent counts, because a link that was lost counts its revisions anew. */
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
  // A property that a row named once, and names no longer.
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
  // An undo binds nothing anew: it goes back to what was agreed on before.
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
  { op, side, expects }: PlannedWrite,
  references: References,
): Pick<JournalRow, 'before' | 'known'> {
  if (op !== 'update' || !(row.id in expects)) return {};
  const own = fromCanonical(row, side, expects[row.id] ?? null, references);
  return own.ok ? { before: own.value, known: 'agreed' } : {};
}

/** What was agreed on before a row was bound anew. */
function formerOf(table: EntityMapping, row: PropertyRow, link: Link): JournalRow['former'] {
  const value = link.snapshot?.[row.id];
  if (value === undefined || namesSameFields(table, row, link)) return undefined;
  return { value, binding: link.bound?.[row.id] ?? null };
}

type RowValues = Pick<JournalRow, 'before' | 'known' | 'after' | 'shown' | 'former' | 'cut'>;

/** Values that are too long are kept as the beginning of their JSON text. */
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
 * What became of a write whose answer was lost, by the record as it is now: it shows all of what was written, or all of
 * what was there before, or neither.
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
