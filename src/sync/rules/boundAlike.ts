import { fnv1a } from '../digest';
import type { Link } from '../link';
import { comparedRows, type EntityMapping, type PropertyRow } from '../mapping';
import type { Json } from '../record';
import { textOf } from '../values';

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
 * Both properties by their stable names, the type and the transform. Of the table of an enum, only the entry of the agreed
 * value counts (see {@link bindingOf}): an option more changes nothing of what was agreed.
 */
function bindingText({ zendesk, pms, type, transform }: PropertyRow): string {
  const refersTo = transform.kind === 'reference' ? transform.entity : null;
  return JSON.stringify([zendesk, pms, type, transform.kind, refersTo]);
}

/** Of 32 bits: short, because each link keeps one for each row. */
function digest(text: string): string {
  return fnv1a(text).toString(36);
}

/** What a row is bound to with a value agreed on: an option that is called something else by now is another one. */
export function bindingOf(table: EntityMapping, id: string, value: Json | undefined): string | undefined {
  const fields = bindingsOf(table)[id];
  if (fields === undefined || value == null) return fields;
  const called = table.rows.flatMap((row) =>
    row.id === id && row.transform.kind === 'enum' ? [row.transform.toZendesk.get(textOf(value)) ?? ''] : [],
  );
  return called.length > 0 ? `${fields}.${digest(called.join('\n'))}` : fields;
}

type Bound = Pick<Link, 'bound' | 'snapshot'>;

/** Whether what a link holds of a row was agreed on for the fields that the row names now. */
export function namesSameFields(
  table: EntityMapping,
  { id }: Pick<PropertyRow, 'id'>,
  { bound, snapshot }: Bound,
): boolean {
  // A link without digests is taken to the recorded ones before it is planned (src/activities/formerBindings.ts).
  return bound === undefined || bound[id] === bindingOf(table, id, snapshot?.[id]);
}
