import type { Link } from '../sync/link';
import type { EntityMapping, Mapping, PropertyRow } from '../sync/mapping';
import { ENTITY_TYPES, type EntityType, type Json, type Side } from '../sync/record';
import { fromCanonical, textOf } from '../sync/values';

/** Names for people, in place of ids: the title of a pair, and a value in the words of its side. Pure. */

const SHOWN = 60;

/** The row that is an entity's title: its first row of one line of text on both sides, or else of any text. */
export function titleRow({ rows }: EntityMapping): PropertyRow | null {
  const onBoth = rows.filter(({ zendesk, pms }) => zendesk !== null && pms !== null);
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
export function titleOf(mapping: Mapping, { entity, snapshot, conflicts }: Link): string {
  const row = titleRow(mapping.entities[entity]);
  if (!row) return '';
  const parked = conflicts.find((conflict) => conflict.row === row.id);
  const value = snapshot?.[row.id] ?? parked?.zendesk ?? parked?.pms ?? null;
  if (value === null) return '';
  const text = textOf(value).replace(/\s+/g, ' ').trim();
  const letters = [...text];
  return letters.length <= SHOWN ? text : `${letters.slice(0, SHOWN - 1).join('')}…`;
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

/** The names of a row on both sides, as people there know it. */
export function rowName(row: PropertyRow | undefined, id: string): string {
  if (!row) return id;
  const names = [row.zendesk, row.pms].filter((name) => name !== null);
  return [...new Set(names)].join(' ↔ ');
}
