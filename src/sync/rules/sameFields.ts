import { fnv1a } from '../digest';
import type { Link } from '../link';
import { comparedRows, type EntityMapping, type PropertyRow } from '../mapping';
import type { Json } from '../record';
import { textOf } from '../values';

/**
 * Rule: whether an agreement is about the fields that a row names now. The rule has its own file, so that a mutation
 * can switch it off alone.
 */

/** A digest of the fields that each row names, by row id. */
export type Bindings = Readonly<Record<string, string>>;

const cache = new WeakMap<readonly PropertyRow[], Bindings>();

/** The digests of all compared rows of a table. Rows that share an id share an agreement, so they share a digest. */
export function bindingsOf(table: EntityMapping): Bindings {
  const found = cache.get(table.rows);
  if (found) return found;
  const texts = new Map<string, string[]>();
  for (const row of comparedRows(table)) texts.set(row.id, [...(texts.get(row.id) ?? []), bindingText(row)]);
  const bindings = Object.fromEntries([...texts].map(([id, all]) => [id, digest(all.sort().join('\n'))]));
  cache.set(table.rows, bindings);
  return bindings;
}

/**
 * The text that the digest is made of: both properties by their stable names, the type and the transform. The table of
 * an enum is not part of it, because a further option does not change the agreement (see {@link bindingOf}).
 */
function bindingText({ zendesk, pms, type, transform }: PropertyRow): string {
  const refersTo = transform.kind === 'reference' ? transform.entity : null;
  return JSON.stringify([zendesk, pms, type, transform.kind, refersTo]);
}

/** Has 32 bits, to be short: each link keeps a digest for each row. */
function digest(text: string): string {
  return fnv1a(text).toString(36);
}

/**
 * The digest to keep with an agreed value. For an enum, it also covers the value's entry in the table: if the option
 * gets another name in Zendesk, it counts as another option.
 */
export function bindingOf(table: EntityMapping, id: string, value: Json | undefined): string | undefined {
  const fields = bindingsOf(table)[id];
  if (fields === undefined || value == null) return fields;
  const optionNames = enumsOf(table, id).map(({ toZendesk }) => toZendesk.get(textOf(value)) ?? '');
  return optionNames.length > 0 ? `${fields}.${digest(optionNames.join('\n'))}` : fields;
}

type Enum = Extract<PropertyRow['transform'], { kind: 'enum' }>;

const enums = new WeakMap<readonly PropertyRow[], ReadonlyMap<string, readonly Enum[]>>();

/** The tables of the enum rows that share an id. */
function enumsOf({ rows }: EntityMapping, id: string): readonly Enum[] {
  let byId = enums.get(rows);
  if (!byId) {
    const found = new Map<string, Enum[]>();
    for (const { id: each, transform } of rows)
      if (transform.kind === 'enum') found.set(each, [...(found.get(each) ?? []), transform]);
    enums.set(rows, (byId = found));
  }
  return byId.get(id) ?? [];
}

type BoundLink = Pick<Link, 'bound' | 'snapshot'>;

/** Whether a row's last agreement is about the fields that the row names now. */
export function namesSameFields(
  table: EntityMapping,
  { id }: Pick<PropertyRow, 'id'>,
  { bound, snapshot }: BoundLink,
): boolean {
  // A link without digests gets them before it is planned (src/activities/formerBindings.ts).
  return bound === undefined || bound[id] === bindingOf(table, id, snapshot?.[id]);
}
