import { triedOf } from '../abandonedIntent';
import { type Attempts, type Link } from '../link';
import type { EntityMapping, PropertyRow } from '../mapping';
import type { MergeResult } from '../merge';
import type { Json, Side, Values } from '../record';
import { isEmpty } from '../values';
import { bindingOf, bindingsOf, namesSameFields } from './boundAlike';
import { withoutReserved } from './reserved';

/**
 * Rules: which agreement a row of the mapping goes by. What was agreed on is kept under the row's id, with a digest of
 * what the row was bound to at that time. Where a row is bound to something else by now, its values meet for the first
 * time: an agreement about one field says nothing of another.
 */

/** The canonical value that both sides agreed on; undefined where the row was never agreed on. */
export function agreedValue(table: EntityMapping, row: PropertyRow, link: Link): Json | undefined {
  const agreed = namesSameFields(table, row, link) ? link.snapshot?.[row.id] : undefined;
  return agreed === undefined ? undefined : withoutReserved(row, link, agreed);
}

/**
 * @returns the canonical value that each side last agreed to, or was last seen with where it rightly differs; null where
 * the row was never agreed on
 */
export function agreedBase(table: EntityMapping, row: PropertyRow, link: Link): Record<Side, Json> | null {
  const agreed = agreedValue(table, row, link);
  if (agreed === undefined) return null;
  const on = (side: Side): Json => {
    const residue = link.sides[side]?.residue;
    return residue && row.id in residue ? withoutReserved(row, link, residue[row.id] ?? null) : agreed;
  };
  return { zendesk: on('zendesk'), pms: on('pms') };
}

/**
 * Whether a row was agreed on for other fields before, and its new ones meet with one of them empty where only the empty one
 * may count: a source, or a side that cannot be written. An empty field that nobody emptied erases nothing, so that each
 * keeps what it has.
 */
export function keepsOwn(
  row: PropertyRow,
  link: Link,
  base: Record<Side, Json> | null,
  result: MergeResult,
): boolean {
  const isRebound = base === null && link.snapshot?.[row.id] !== undefined;
  return isRebound && result.kind === 'copy' && isEmpty(result.value) && !isEmpty(result.lost);
}

/**
 * The digests of a link's agreements, where those of some rows are just made.
 * @param rows ids of these @param snapshot what is agreed on then
 */
export function boundAfter(
  table: EntityMapping,
  { bound }: Pick<Link, 'bound'>,
  snapshot: Values,
  rows: Iterable<string>,
): Record<string, string> {
  const next: Record<string, string> = { ...bound };
  for (const id of bound ? rows : Object.keys(snapshot)) {
    const binding = bindingOf(table, id, snapshot[id]);
    if (binding !== undefined) next[id] = binding;
  }
  return next;
}

/** Values that writes may have left in the fields that the rows name now. */
export function attemptsAlike(table: EntityMapping, link: Link): Attempts {
  const { attempted, attemptedAs = {} } = triedOf(link);
  const fields = bindingsOf(table);
  const isAlike = (row: string) => {
    const tried = attemptedAs[row];
    // Earlier releases did not say it: then they were written by the agreement that the link holds.
    return tried === undefined ? !isRebound(table, { id: row }, link) : tried === fields[row];
  };
  return Object.fromEntries(
    Object.entries(attempted).map(([side, rows]) => [
      side,
      Object.fromEntries(Object.entries(rows).filter(([row]) => isAlike(row))),
    ]),
  );
}

/** Whether a row was agreed on, for other fields than it names now. */
export function isRebound(table: EntityMapping, row: Pick<PropertyRow, 'id'>, link: Link): boolean {
  return link.snapshot?.[row.id] !== undefined && !namesSameFields(table, row, link);
}
