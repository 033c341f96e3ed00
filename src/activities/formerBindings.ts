import type { Link } from '../sync/link';
import { bindingOf, bindingsOf } from '../sync/rules/sameFields';
import type { ActivityContext } from './activityContext';

/**
 * Adds the digests of bindings to a link of a release up to 0.2.0, which did not store them. The digests are those that
 * this release stored when it first used the link's mapping. If none were stored, this release never used that mapping:
 * all rows of the link then meet for the first time, so that nothing is erased.
 */
export async function withFormerBindings(
  { store, mapping }: Pick<ActivityContext, 'store' | 'mapping'>,
  link: Link,
): Promise<Link> {
  if (link.bound !== undefined || link.snapshot === null) return link;
  const { snapshot, mappingVersion, entity } = link;
  const table = mapping.entities[entity];
  const present = bindingsOf(table);
  const recorded = (await store.mappings.bindingsOf(mappingVersion))?.[entity];
  const fields = recorded ?? (mappingVersion === mapping.version ? present : {});
  const bound: Record<string, string> = {};
  for (const [row, value] of Object.entries(snapshot)) {
    // The names of options were not stored: they count as unchanged.
    const binding = fields[row] === present[row] ? bindingOf(table, row, value) : fields[row];
    if (binding !== undefined) bound[row] = binding;
  }
  return { ...link, bound };
}
