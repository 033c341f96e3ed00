import { withTypedCommands } from '../platform/commandLine';
import type { LinkStore } from '../links/linkStore';
import { parseCanonicalKey, refKey, type CanonicalKey } from '../sync/canonicalKey';
import { newLink, type Link } from '../sync/link';
import type { Mapping } from '../sync/mapping';
import { SIDES, type RefKey } from '../sync/record';
import { FieldTitles, inTitles, titleOf, titleOfRecord, type Naming } from './titles';

/** Names for pairs and rows, from the link store alone, without a call to either API. */

interface Source {
  store: Pick<LinkStore, 'bindings' | 'observations'>;
  mapping: Mapping;
}

export async function loadNaming({ store, mapping }: Source): Promise<Naming> {
  return { mapping, titles: new FieldTitles(await store.bindings.bound()) };
}

/** The names for a list of pairs. */
export interface PairsNaming extends Naming {
  /** The title of each pair, by key; empty if not known. */
  pairs: ReadonlyMap<CanonicalKey, string>;
}

export async function loadPairsNaming(source: Source, links: readonly Link[]): Promise<PairsNaming> {
  const pairs = await pairTitles(source.store, source.mapping, links);
  return { ...(await loadNaming(source)), pairs };
}

/** The reason of a pair's state, with names in place of ids; empty without a reason. */
export function reasonWords(naming: Naming, { entity, reason }: Link): string {
  return reason ? withTypedCommands(inTitles(naming, entity, reason.text)) : '';
}

/**
 * The titles of pairs, by key. If a pair was never in sync, its title is that of the last observation of its record.
 * @param atMost the longest title, in characters; by default, the width of a list's column
 */
export async function pairTitles(
  { observations }: Pick<LinkStore, 'observations'>,
  mapping: Mapping,
  links: readonly Link[],
  atMost?: number,
): Promise<ReadonlyMap<CanonicalKey, string>> {
  const titles = new Map(links.map((link) => [link._id, titleOf(mapping, link, atMost)]));
  const nameless = links.filter(({ _id }) => titles.get(_id) === '');
  if (nameless.length === 0) return titles;
  const seen = await observations.get(nameless.flatMap(recordsOf));
  for (const link of nameless)
    for (const ref of recordsOf(link)) {
      const record = seen.get(ref);
      const title = record ? titleOfRecord(mapping.entities[link.entity], record, atMost) : '';
      if (title !== '') titles.set(link._id, title);
    }
  return titles;
}

/** The title of the pair with this key, which need not be stored yet; empty if not known. */
export async function pairTitle(
  store: Pick<LinkStore, 'getMany' | 'observations'>,
  mapping: Mapping,
  key: CanonicalKey,
): Promise<string> {
  const links = await store.getMany([key]);
  const link = links.get(key) ?? newLink(key, parseCanonicalKey(key).entity, mapping.version, '');
  return (await pairTitles(store, mapping, [link])).get(key) ?? '';
}

function recordsOf({ _id, sides }: Link): RefKey[] {
  return [...SIDES.flatMap((side) => sides[side]?.ref ?? []), refKey(parseCanonicalKey(_id).origin)];
}
