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

/** Names for people, in place of ids: titles of pairs and of custom fields, and values in the words of their side. Pure. */

/** Characters of a title in a list. */
const SHOWN = 60;

/** The row that is an entity's title: its first row of one line of text that both sides keep equal, or else of any text. */
export function titleRow(table: EntityMapping): PropertyRow | null {
  const onBoth = comparedRows(table).filter(({ zendesk, pms }) => zendesk !== null && pms !== null);
  return onBoth.find(({ type }) => type === 'string') ?? onBoth.find(({ type }) => type === 'text') ?? null;
}

/** Where a search by title looks: a property whose name MongoDB would read as a path is left out. */
export function titleRows(mapping: Mapping): Partial<Record<EntityType, string>> {
  const found: Partial<Record<EntityType, string>> = {};
  for (const type of ENTITY_TYPES) {
    const id = titleRow(mapping.entities[type])?.id;
    if (id !== undefined && /^\w+$/.test(id)) found[type] = id;
  }
  return found;
}

/** The title that both sides agreed on last, or the one in conflict; empty where none is known. */
export function titleOf(mapping: Mapping, { entity, snapshot, conflicts }: Link, atMost = SHOWN): string {
  const row = titleRow(mapping.entities[entity]);
  if (!row) return '';
  const parked = conflicts.find((conflict) => conflict.row === row.id);
  return titleText(snapshot?.[row.id] ?? parked?.zendesk ?? parked?.pms ?? null, atMost);
}

/** The title that a record has on its own side; empty where it has none. */
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

/** A canonical value in a side's own words (`normal` in Zendesk for `medium` in the PMS); as it is where it has none. */
export function inWordsOf(
  row: PropertyRow | undefined,
  side: Side,
  value: Json | undefined,
): Json | undefined {
  if (!row || value === undefined || value === null || row.transform.kind !== 'enum') return value;
  const own = fromCanonical(row, side, value, { byRef: new Map(), byKey: new Map() });
  return own.ok ? own.value : value;
}

/** What people call the custom fields that a mapping names. Any other property is called by its name. */
export class FieldTitles {
  private readonly titles = new Map<string, string>();

  /** @param bound as the workers kept it when they last saw the fields of both systems */
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

/** What is needed to call the rows of a mapping what people call them. */
export interface Naming {
  mapping: Mapping;
  titles: FieldTitles;
}

/**
 * The title of a custom field by the id that a row gets from the field's name, for where no mapping is at hand.
 * @returns undefined where no title is known, or where fields of several kinds of record share the id
 */
export function titleOfRowId(bound: readonly BoundProperty[], row: string): string | undefined {
  const titles = bound
    .filter(({ property, title }) => title !== undefined && rowIdOf(property) === row)
    .map(({ title }) => title);
  return new Set(titles).size === 1 ? titles[0] : undefined;
}

/** The names of a row on both sides, as people there know it: `due_at ↔ dueDate`, `Product`. @param id the row's */
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

/** A row for a terminal: its id, which commands take, after the titles of its custom fields. */
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

/** A text about a pair, with titles in place of the names of custom fields and of their rows. */
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
