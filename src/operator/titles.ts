import type { Link } from '../sync/link';
import {
  comparedRows,
  type BoundProperty,
  type EntityMapping,
  type Mapping,
  type PropertyRow,
} from '../sync/mapping';
import { ENTITY_TYPES, SIDES, type EntityType, type Json, type Side, type SyncRecord } from '../sync/record';
import { rowIdOf } from '../sync/mappingFile';
import { fromCanonical, textOf } from '../sync/values';

/** Replaces ids by names: titles of pairs and of custom fields, and values in each side's own words. Pure. */

/** The width of a title in a list, in characters. */
const SHOWN = 60;

/**
 * The row that is the title of an entity: the first row of type `string` that both sides have, or else the first of
 * type `text`.
 */
export function titleRow(table: EntityMapping): PropertyRow | null {
  const onBoth = comparedRows(table).filter(({ zendesk, pms }) => zendesk !== null && pms !== null);
  return onBoth.find(({ type }) => type === 'string') ?? onBoth.find(({ type }) => type === 'text') ?? null;
}

/** The rows that a search by title reads. A row whose name MongoDB would read as a path is left out. */
export function titleRows(mapping: Mapping): Partial<Record<EntityType, string>> {
  const found: Partial<Record<EntityType, string>> = {};
  for (const type of ENTITY_TYPES) {
    const id = titleRow(mapping.entities[type])?.id;
    if (id !== undefined && /^\w+$/.test(id)) found[type] = id;
  }
  return found;
}

/** The title that both sides last agreed on, or the one in conflict; empty if not known. */
export function titleOf(mapping: Mapping, { entity, snapshot, conflicts }: Link, atMost = SHOWN): string {
  const row = titleRow(mapping.entities[entity]);
  if (!row) return '';
  const parked = conflicts.find((conflict) => conflict.row === row.id);
  return titleText(snapshot?.[row.id] ?? parked?.zendesk ?? parked?.pms ?? null, atMost);
}

/** The title of a record on its own side; empty if it has none. */
export function titleOfRecord(table: EntityMapping, { ref, values }: SyncRecord, atMost = SHOWN): string {
  const property = titleRow(table)?.[ref.side];
  return property == null ? '' : titleText(values[property] ?? null, atMost);
}

function titleText(value: Json, atMost: number): string {
  if (value === null) return '';
  const text = textOf(value).replace(/\s+/g, ' ').trim();
  const letters = [...text];
  return letters.length <= atMost ? text : `${letters.slice(0, atMost - 1).join('')}…`;
}

/**
 * A canonical value in a side's own words (`normal` in Zendesk for `medium` in the PMS). A value without such words
 * stays as it is.
 */
export function inWordsOf(
  row: PropertyRow | undefined,
  side: Side,
  value: Json | undefined,
): Json | undefined {
  if (!row || value === undefined || value === null || row.transform.kind !== 'enum') return value;
  const own = fromCanonical(row, side, value, { byRef: new Map(), byKey: new Map() });
  return own.ok ? own.value : value;
}

/** The titles of the custom fields that a mapping names. All other properties keep their names. */
export class FieldTitles {
  private readonly titles = new Map<string, string>();

  /** @param bound stored by the workers when they last read the fields of both systems */
  constructor(bound: readonly BoundProperty[]) {
    const custom = bound.filter(({ title }) => title !== undefined && title !== '');
    for (const { side, kind, property, name, title = '' } of custom) {
      const isShared = custom.some(
        (other) => other.side === side && other.kind === kind && other.title === title && other.name !== name,
      );
      for (const key of [property, name])
        this.titles.set(keyOf(side, kind, key), isShared ? `${title} (${name})` : title);
    }
  }

  of(side: Side, kind: string, property: string): string {
    return this.titles.get(keyOf(side, kind, property)) ?? property;
  }
}

const keyOf = (side: Side, kind: string, property: string) => `${side} ${kind} ${property}`;

/** The data from which rows get their names. */
export interface Naming {
  mapping: Mapping;
  titles: FieldTitles;
}

/**
 * The title of a custom field by the row id that is made from the field's name; needs no mapping.
 * @returns undefined if no title is known, or if fields of several kinds of record have this id
 */
export function titleOfRowId(bound: readonly BoundProperty[], row: string): string | undefined {
  const titles = bound
    .filter(({ property, title }) => title !== undefined && rowIdOf(property) === row)
    .map(({ title }) => title);
  return new Set(titles).size === 1 ? titles[0] : undefined;
}

/**
 * The names of a row on both sides, as users of each side know it: `due_at ↔ dueDate`, `Product`. @param id the row's
 * id
 */
export function rowName({ mapping, titles }: Naming, entity: EntityType, id: string): string {
  const { rows, kind } = mapping.entities[entity];
  const row = rows.find((each) => each.id === id);
  if (!row) return id;
  const names = SIDES.flatMap((side) => {
    const property = row[side];
    return property === null ? [] : [titles.of(side, kind[side], property)];
  });
  return [...new Set(names)].join(' ↔ ');
}

/** A row for the command line: the titles of its custom fields, then its id, which commands take. */
export function rowWords({ mapping, titles }: Naming, entity: EntityType, id: string): string {
  const { rows, kind } = mapping.entities[entity];
  const row = rows.find((each) => each.id === id);
  const custom = SIDES.flatMap((side) => {
    const property = row?.[side] ?? null;
    const title = property === null ? null : titles.of(side, kind[side], property);
    return title === null || title === property ? [] : [title];
  });
  return custom.length === 0 ? id : `${[...new Set(custom)].join(' ↔ ')} (${id})`;
}

/** A text about a pair, with the titles of custom fields in place of their names and row ids. */
export function inTitles({ mapping, titles }: Naming, entity: EntityType, text: string): string {
  const { rows, kind } = mapping.entities[entity];
  const known = new Map<string, string>();
  for (const row of rows)
    for (const side of SIDES) {
      const property = row[side];
      if (property === null) continue;
      const title = titles.of(side, kind[side], property);
      if (title === property) continue;
      known.set(property, title);
      known.set(row.id, title);
    }
  return text.replace(/[\w.-]*\w/g, (word) => {
    const title = known.get(word);
    return title === undefined ? word : `"${title}"`;
  });
}
