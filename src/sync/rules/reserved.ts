import { elementOf, elementsOf, itemsOf, reservedElements, type Reserved } from '../heldSets';
import type { Agreement, Link } from '../link';
import { comparedRows, type EntityMapping, type PropertyRow } from '../mapping';
import { SIDES, type Json, type Side, type SyncRecord } from '../record';

/**
 * Rules: an element of a set may belong to another property. Zendesk keeps the options of a ticket's drop-downs among its
 * tags: adding such a tag sets the field, and removing it clears the field (zendesk-rules.md rule 13;
 * https://support.zendesk.com/hc/en-us/articles/4408881943194). Such an element is reserved. It is no part of the row on
 * either side: it is neither written to a side nor removed from one. When its field is gone, it is an ordinary element
 * again, and meets the other side for the first time.
 */

/**
 * The elements that a side shows of a row and that are reserved, in canonical form. If the record was not read, those that
 * the link knows.
 */
export function reservedOn(
  row: PropertyRow,
  side: Side,
  record: SyncRecord | undefined,
  link: Pick<Link, 'sides' | 'snapshot' | 'reserved'> | null,
): string[] {
  const property = row[side];
  if (property === null || row.type !== 'string[]') return [];
  const reserved = reservedElements(row);
  if (record)
    return reserved.size === 0
      ? []
      : shownOf(row, record.values[property]).filter((each) => reserved.has(each));
  // What was agreed on before the element was reserved still has it.
  const { residue = {} } = link?.sides[side] ?? {};
  const former = elementsOf(row.id in residue ? residue[row.id] : link?.snapshot?.[row.id]);
  return unique([
    ...(link?.reserved?.[row.id]?.[side] ?? []),
    ...former.filter((each) => reserved.has(each)),
  ]);
}

/** What the link holds of a row, without elements that are reserved, or were when the pair was last planned. */
export function withoutReserved(row: PropertyRow, link: Pick<Link, 'reserved'>, value: Json): Json {
  if (!Array.isArray(value)) return value;
  const out = reservedElements(row);
  const former = formerly(row, link);
  if (out.size + former.size === 0) return value;
  return elementsOf(value).filter((each) => !out.has(each) && !former.has(each));
}

/** Whether the link's value of a row contains elements that no longer belong to the row. */
export function holdsReserved(
  row: PropertyRow,
  link: Pick<Link, 'sides' | 'snapshot' | 'reserved'>,
): boolean {
  const held = [link.snapshot?.[row.id], ...SIDES.map((side) => link.sides[side]?.residue[row.id])];
  return held.some(
    (value) => Array.isArray(value) && elementsOf(withoutReserved(row, link, value)).length < value.length,
  );
}

/** Whether an element that a side shows is no longer reserved, so that both sides must be compared. */
export function isReleased(row: PropertyRow, link: Pick<Link, 'reserved'>): boolean {
  const reserved = reservedElements(row);
  return [...formerly(row, link)].some((each) => !reserved.has(each));
}

/** The reserved elements of all rows of records, for an agreement. @returns nothing if there are none */
export function reservedIn(
  table: EntityMapping,
  on: (row: PropertyRow, side: Side) => readonly string[],
): Pick<Agreement, 'reserved'> {
  const reserved: Reserved = {};
  for (const row of comparedRows(table))
    for (const side of SIDES) {
      const elements = on(row, side);
      if (elements.length > 0) reserved[row.id] = { ...reserved[row.id], [side]: unique(elements) };
    }
  return Object.keys(reserved).length > 0 ? { reserved } : {};
}

function formerly({ id }: PropertyRow, { reserved }: Pick<Link, 'reserved'>): ReadonlySet<string> {
  const { zendesk = [], pms = [] } = reserved?.[id] ?? {};
  return new Set([...zendesk, ...pms]);
}

function shownOf({ transform }: PropertyRow, value: Json | undefined): string[] {
  return unique((itemsOf(value) ?? []).map((each) => elementOf(transform.kind, String(each))));
}

function unique(elements: readonly string[]): string[] {
  return [...new Set(elements)].sort();
}
