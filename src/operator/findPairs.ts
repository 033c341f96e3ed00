import { entityOfRef } from '../activities/activityContext';
import type { LinkStore } from '../links/linkStore';
import type { LinkFilter } from '../links/links';
import {
  canonicalKey,
  parseCanonicalKey,
  parseRef,
  refKey,
  tryParseRef,
  type CanonicalKey,
} from '../sync/canonicalKey';
import type { Link } from '../sync/link';
import type { Mapping } from '../sync/mapping';
import { ENTITY_TYPES, type EntityType, type RefKey } from '../sync/record';
import { BadInput } from './operatorErrors';

/**
 * The pair that a person names: by its canonical key, or by either of its records.
 * @throws BadInput where the text is neither
 */
export async function pairNamed(
  { store, mapping }: { store: LinkStore; mapping: Mapping },
  text: string,
): Promise<CanonicalKey> {
  if (!text.includes('/')) return pairOf({ store, mapping }, text);
  try {
    const { origin } = parseCanonicalKey(text);
    // The record may have become the other half of a pair that began on the other side.
    return (await store.claims.owners([refKey(origin)])).get(refKey(origin)) ?? text;
  } catch (error) {
    throw new BadInput(error instanceof Error ? error.message : String(error));
  }
}

async function pairOf(
  { store, mapping }: { store: LinkStore; mapping: Mapping },
  text: string,
): Promise<CanonicalKey> {
  const ref = recordNamed(mapping, text);
  const owner = (await store.claims.owners([ref])).get(ref);
  if (owner !== undefined) return owner;
  const [first, ...more] = entitiesOf(mapping, ref).map((entity) => canonicalKey(entity, parseRef(ref)));
  if (first === undefined) throw new Error(`${ref} was found to be of no entity`);
  for (const key of more) if (await store.get(key)) return key;
  return first;
}

/** @throws BadInput where the text names no record that the mapping speaks of */
export function recordNamed(mapping: Mapping, text: string): RefKey {
  const ref = tryParseRef(text);
  const kinds = ENTITY_TYPES.flatMap((type) => {
    const { zendesk, pms } = mapping.entities[type].kind;
    return [`zendesk:${zendesk}`, `pms:${pms}`];
  });
  if (ref && entityOfRef(mapping, refKey(ref))) return refKey(ref);
  const known = [...new Set(kinds)].map((kind) => `${kind}:ID`).join(', ');
  throw new BadInput(`"${text}" names no record: expected one of ${known}`);
}

function entitiesOf(mapping: Mapping, ref: RefKey): EntityType[] {
  const { side, kind } = parseRef(ref);
  return ENTITY_TYPES.filter((type) => mapping.entities[type].kind[side] === kind);
}

const PAGE = 500;

/** All links that a filter takes, in the order of their keys. */
export async function* linksThat(store: LinkStore, filter: LinkFilter): AsyncIterable<Link> {
  for (let after: CanonicalKey | null = null; ;) {
    const page = await store.find(filter, after, PAGE);
    yield* page;
    after = page.at(-1)?._id ?? null;
    if (page.length < PAGE) return;
  }
}
