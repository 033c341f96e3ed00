import type { Link } from '../sync/link';
import { bindingsOf } from '../sync/rules/boundAlike';
import type { ActivityContext } from './activityContext';

/**
 * A link of a release before 0.2.0 does not say what its rows were bound to. It goes by what was recorded when this
 * release first used the mapping that the link was synced by. Where nothing was recorded, the link was synced by a mapping
 * that this release never used: all its rows meet for the first time, so that nothing is erased.
 */
export async function withFormerBindings(
  { store, mapping }: Pick<ActivityContext, 'store' | 'mapping'>,
  link: Link,
): Promise<Link> {
  if (link.bound !== undefined || link.snapshot === null) return link;
  const { snapshot, mappingVersion, entity } = link;
  const recorded = (await store.mappings.bindingsOf(mappingVersion))?.[entity];
  const present = mappingVersion === mapping.version ? bindingsOf(mapping.entities[entity]) : {};
  const known = Object.entries(recorded ?? present).filter(([row]) => row in snapshot);
  return { ...link, bound: Object.fromEntries(known) };
}
