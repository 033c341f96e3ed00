import type { Link } from '../link';
import { comparedRows, type EntityMapping, type PropertyRow } from '../mapping';

/** Rule: whether an agreement is about the fields that a row names now. It has a file of its own, to be switched off alone. */

/** Digests of what rows are bound to, by row id. */
export type Bindings = Readonly<Record<string, string>>;

const known = new WeakMap<readonly PropertyRow[], Bindings>();

/** What each compared row of a table is bound to. Rows that share an id share an agreement, so they share a digest. */
export function bindingsOf(table: EntityMapping): Bindings {
  const found = known.get(table.rows);
  if (found) return found;
  const texts = new Map<string, string[]>();
  for (const row of comparedRows(table)) texts.set(row.id, [...(texts.get(row.id) ?? []), bindingText(row)]);
  const bindings = Object.fromEntries([...texts].map(([id, all]) => [id, digest(all.sort().join('\n'))]));
  known.set(table.rows, bindings);
  return bindings;
}

/**
 * Both properties by their stable names, the type and the transform. The table of an enum is not part of it: its values
 * change what a value is called, not which field holds it.
 */
function bindingText({ zendesk, pms, type, transform }: PropertyRow): string {
  const refersTo = transform.kind === 'reference' ? transform.entity : null;
  return JSON.stringify([zendesk, pms, type, transform.kind, refersTo]);
}

/** FNV-1a of 32 bits: short, because each link keeps one for each row. */
function digest(text: string): string {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return (hash >>> 0).toString(36);
}

type Bound = Pick<Link, 'bound'>;

/** Whether what a link holds of a row was agreed on for the fields that the row names now. */
export function isBoundAlike(
  table: EntityMapping,
  { id }: Pick<PropertyRow, 'id'>,
  { bound }: Bound,
): boolean {
  // A link without digests is taken to the recorded ones before it is planned (src/activities/formerBindings.ts).
  return bound === undefined || bound[id] === bindingsOf(table)[id];
}
