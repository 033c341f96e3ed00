import { elementOf, itemsOf, reservedElements } from './heldSets';
import type { EntityMapping, Mapping, PropertyRow } from './mapping';
import type { Json, RefKey, Side, Values } from './record';
import { refKey } from './canonicalKey';
import { isExact } from './exactJson';
import { normalisedText, oneLine, textOfHtml } from './plainText';

/**
 * Canonical values: the common form in which the values of both sides are compared and stored. It is the normalized PMS
 * data type. A person is an e-mail address in lower case, and a reference is the key of the parent pair.
 */

/** The pair of a referenced record: its key, and the known ids of its records. */
export interface ResolvedReference {
  key: string;
  ids: Partial<Record<Side, string>>;
  /** The pair ended: no new reference to its records may be written until they exist again. */
  ended: boolean;
}

/** Referenced pairs, by record (`zendesk:organization:1`) and by key. */
export interface References {
  byRef: ReadonlyMap<RefKey, ResolvedReference>;
  byKey: ReadonlyMap<string, ResolvedReference>;
}

/** For values that refer to no record. */
export const NO_REFERENCES: References = { byRef: new Map(), byKey: new Map() };

/** By row id, the kinds of the referenced record on both sides, from the mapping of its entity. */
export type ReferenceKinds = (row: PropertyRow) => Record<Side, string>;

export type Canonical =
  | { ok: true; value: Json }
  /** The value cannot be converted to the row's type; `problem` is for a person. */
  | { ok: false; problem: string }
  /** The value points to a record whose pair is not linked yet. */
  | { ok: false; waitsFor: RefKey };

/** The kinds of records that the rows of a table refer to. */
export function referenceKinds(mapping: Mapping, table: EntityMapping): ReferenceKinds {
  return ({ transform }) =>
    transform.kind === 'reference' ? mapping.entities[transform.entity].kind : table.kind;
}

/** Converts a side's own value to canonical form. */
export function toCanonical(
  row: PropertyRow,
  side: Side,
  raw: Json | undefined,
  references: References,
  kinds: ReferenceKinds,
): Canonical {
  const value = raw ?? null;
  if (row.transform.kind === 'reference') {
    if (isBlank(value)) return { ok: true, value: null };
    const ref = refKey({ side, kind: kinds(row)[side], id: textOf(value) });
    const known = references.byRef.get(ref);
    return known ? { ok: true, value: known.key } : { ok: false, waitsFor: ref };
  }
  const result = normalise(row, side, value);
  if (result.ok && result.value === null && row.default !== undefined)
    return { ok: true, value: row.default };
  return result;
}

/** Converts a canonical value to a side's own form. */
export function fromCanonical(row: PropertyRow, side: Side, value: Json, references: References): Canonical {
  if (value === null) return { ok: true, value: row.type === 'string[]' ? [] : null };
  switch (row.transform.kind) {
    case 'enum': {
      if (side === 'pms') return { ok: true, value: booleanOrText(textOf(value)) };
      const found = row.transform.toZendesk.get(textOf(value));
      return found === undefined
        ? { ok: false, problem: unknownOption(row, 'pms', value, [...row.transform.toZendesk.keys()]) }
        : { ok: true, value: booleanOrText(found) };
    }
    case 'reference': {
      const known = references.byKey.get(textOf(value));
      const id = known?.ids[side];
      // The parent pair has no record on this side: wait for the pair, by its origin.
      return id === undefined || known?.ended === true
        ? { ok: false, waitsFor: textOf(value).slice(textOf(value).indexOf('/') + 1) }
        : { ok: true, value: id };
    }
    case 'html':
      return { ok: true, value: side === 'zendesk' ? escapeHtml(textOf(value)) : value };
    case 'copy':
    case 'tags':
    case 'person':
    case 'constant':
    case 'template':
      return { ok: true, value };
  }
}

const PLACEHOLDER = /\{([\w.]+)\}/g;

/** The properties that a template names. */
export function placeholdersOf(template: string): string[] {
  return [...template.matchAll(PLACEHOLDER)].map(([, name = '']) => name);
}

/** Replaces each `{property}` by the record's value; a missing value is replaced by nothing. */
export function fillTemplate(template: string, values: Values): string {
  return template.replace(PLACEHOLDER, (_, name: string) => {
    const value = values[name] ?? '';
    return typeof value === 'object' ? JSON.stringify(value) : String(value);
  });
}

/** Deep equality of canonical values; object keys may come in any order. */
export function sameValue(a: Json | undefined, b: Json | undefined): boolean {
  const left = a ?? null;
  const right = b ?? null;
  if (left === right) return true;
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, i) => sameValue(item, right[i]));
  }
  if (left === null || right === null || typeof left !== 'object' || typeof right !== 'object') return false;
  if (Array.isArray(left) || Array.isArray(right)) return false;
  const keys = Object.keys(left);
  return keys.length === Object.keys(right).length && keys.every((key) => sameValue(left[key], right[key]));
}

export function isEmpty(value: Json | undefined): boolean {
  return value == null || value === '' || (Array.isArray(value) && value.length === 0);
}

function normalise(row: PropertyRow, side: Side, value: Json): Canonical {
  const bad = (): Canonical => ({
    ok: false,
    problem: `${side} property "${row[side]}": found ${shown(value)}, expected ${row.type}`,
  });
  if (row.transform.kind === 'enum') {
    if (isBlank(value)) return { ok: true, value: null };
    if (side === 'pms') {
      // A PMS value without a Zendesk value is as unknown as a Zendesk value without a PMS value.
      return row.transform.toZendesk.has(textOf(value)) || row.direction === 'toPms'
        ? { ok: true, value: textOf(value) }
        : { ok: false, problem: unknownOption(row, side, value, [...row.transform.toZendesk.keys()]) };
    }
    const mapped = row.transform.toPms.get(textOf(value));
    return mapped === undefined
      ? { ok: false, problem: unknownOption(row, side, value, [...row.transform.toPms.keys()]) }
      : { ok: true, value: mapped };
  }
  if (row.type === 'string[]') return stringSet(row, value) ?? bad();
  if (value === null || isBlank(value)) return { ok: true, value: null };
  if (typeof value === 'object') return bad();
  switch (row.type) {
    case 'string':
      return { ok: true, value: emptyToNull(oneLine(textOf(value))) };
    case 'text': {
      const plain =
        row.transform.kind === 'html' && side === 'zendesk' ? textOfHtml(textOf(value)) : textOf(value);
      return { ok: true, value: emptyToNull(normalisedText(plain)) };
    }
    case 'integer':
    case 'decimal': {
      const number = exactNumber(value);
      if (number === null || (row.type === 'integer' && !Number.isInteger(number))) return bad();
      return { ok: true, value: number };
    }
    case 'boolean':
      if (value === true || value === 'true') return { ok: true, value: true };
      if (value === false || value === 'false') return { ok: true, value: false };
      return bad();
    case 'date': {
      const day = TIME.exec(textOf(value))?.[1];
      return day !== undefined && isDay(day) ? { ok: true, value: day } : bad();
    }
    case 'datetime': {
      const [text, day] = TIME.exec(textOf(value)) ?? [];
      const time = day !== undefined && isDay(day) ? Date.parse(text ?? '') : NaN;
      // Zendesk stores whole seconds, so finer parts would count as a change.
      return Number.isNaN(time)
        ? bad()
        : { ok: true, value: new Date(Math.floor(time / 1000) * 1000).toISOString().replace('.000Z', 'Z') };
    }
    case 'person':
      return { ok: true, value: textOf(value).trim().toLowerCase() };
    case 'enum':
      return { ok: true, value: textOf(value) };
    case 'reference':
      return bad();
  }
}

/** Whether a value is empty; white space alone is empty, too. */
function isBlank(value: Json): boolean {
  return value === null || (typeof value === 'string' && value.trim() === '');
}

/** A decimal number, without `0x1F` and `1e3`, which other systems read differently. */
const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)$/;

/** @returns null if the text is no number, or if JavaScript cannot represent it exactly */
function exactNumber(value: string | number | boolean): number | null {
  if (typeof value === 'boolean') return null;
  const text = String(value).trim();
  if (typeof value === 'string' && !NUMBER.test(text)) return null;
  const number = Number(text);
  const isKept = Number.isInteger(number) ? Number.isSafeInteger(number) : Number.isFinite(number);
  return isKept && isExact(text, number) ? number + 0 : null;
}

/** ISO 8601: a day, or a day with a time. The first group is the day. */
const TIME = /^(\d{4}-\d{2}-\d{2})(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/i;

/** Whether the day exists in the calendar. */
function isDay(day: string): boolean {
  const time = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(day);
}

function stringSet(row: PropertyRow, value: Json): Canonical | null {
  const list = itemsOf(value);
  if (!list || list.includes(null)) return null;
  const reserved = reservedElements(row);
  const items = list.map((item) => elementOf(row.transform.kind, textOf(item)));
  return { ok: true, value: [...new Set(items.filter((item) => item !== '' && !reserved.has(item)))].sort() };
}

function unknownOption(row: PropertyRow, side: Side, value: Json, known: string[]): string {
  return `${side} property "${row[side]}": found ${shown(value)}, expected one of ${known.join(', ')} (the row's table)`;
}

function booleanOrText(value: string): Json {
  return value === 'true' ? true : value === 'false' ? false : value;
}

function escapeHtml(value: string): string {
  const escaped = value
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;');
  return escaped.replace(/\n/g, '<br>');
}

function emptyToNull(value: string): string | null {
  return value === '' ? null : value;
}

function shown(value: Json): string {
  const json = JSON.stringify(value);
  return json.length > 60 ? `${json.slice(0, 57)}…` : json;
}

/** A value as text: texts unchanged, other values as JSON. */
export function textOf(value: Json): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
