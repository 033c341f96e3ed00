import type { Link } from '../sync/link';
import { bindingOf, bindingsOf } from '../sync/rules/sameFields';
import type { ActivityContext } from './activityContext';

/**
 * A link of a release up to 0.2.0 does not say what its rows were bound to. It goes by what was recorded when this
 * release first used the mapping that the link was synced by. Where nothing was recorded, the link was synced by a mapping
 * that this release never used: all its rows meet for the first time, so that nothing is erased.
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
    // What an option was called was not recorded: it counts as called what it is now.
    const binding = fields[row] === present[row] ? bindingOf(table, row, value) : fields[row];
    if (binding !== undefined) bound[row] = binding;
  }
  return { ...link, bound };
}
