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
import { entitiesOfKind, type Mapping } from '../sync/mapping';
import { ENTITY_TYPES, SIDES, type EntityType, type RefKey } from '../sync/record';
import { nearest } from '../sync/schemaWords';
import { BadInput } from './operatorErrors';

/**
 * Finds the pair that a person names, by its canonical key or by one of its records.
 * @throws BadInput if the text is neither
 */
export async function pairNamed(
  { store, mapping }: { store: LinkStore; mapping: Mapping },
  text: string,
): Promise<CanonicalKey> {
  if (!text.includes('/')) return pairOf({ store, mapping }, text);
  try {
    const { entity, origin } = parseCanonicalKey(text);
    const entities = entitiesOf(mapping, recordNamed(mapping, refKey(origin)));
    if (!entities.includes(entity))
      throw new BadInput(
        `"${text}" names no pair: ${entity} has no ${origin.side}:${origin.kind}, expected ${entities.join(' or ')}`,
      );
    // The record may be the counterpart in a pair that began with a record of the other side.
    return (await store.claims.owners([refKey(origin)])).get(refKey(origin)) ?? text;
  } catch (error) {
    if (error instanceof BadInput) throw error;
    throw new BadInput(
      `${error instanceof Error ? error.message : String(error)}${suggestionFor(mapping, text)}`,
    );
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

/** @throws BadInput if the text does not name a record of a kind that the mapping has */
export function recordNamed(mapping: Mapping, text: string): RefKey {
  const ref = tryParseRef(text);
  const kinds = ENTITY_TYPES.flatMap((type) => {
    const { zendesk, pms } = mapping.entities[type].kind;
    return [`zendesk:${zendesk}`, `pms:${pms}`];
  });
  if (ref && entityOfRef(mapping, refKey(ref))) {
    // https://developer.zendesk.com/api-reference/introduction/requests/: ids are integers.
    if (ref.side === 'zendesk' && ref.kind === 'comment' && !/^[1-9]\d*-[1-9]\d*$/.test(ref.id))
      throw new BadInput(
        `"${text}" names no record: found "${ref.id}", expected the ids of ticket and comment, e.g. 12-345`,
      );
    if (ref.side === 'zendesk' && ref.kind !== 'comment' && !/^[1-9]\d*$/.test(ref.id))
      throw new BadInput(
        `"${text}" names no record: found "${ref.id}", expected a number, as all ids of Zendesk`,
      );
    return refKey(ref);
  }
  const known = [...new Set(kinds)].map((kind) => `${kind}:ID`).join(', ');
  throw new BadInput(`"${text}" names no record: expected one of ${known}${suggestionFor(mapping, text)}`);
}

/** The address of a record in Zendesk's agent interface. */
const PAGE_OF_RECORD = /\/(ticket|organization)s\/(\d+)/;

/** `; did you mean zendesk:ticket:123?` for a number, an address, or a reference with a typing error. */
function suggestionFor(mapping: Mapping, text: string): string {
  const kinds = ENTITY_TYPES.flatMap((type) =>
    SIDES.map((side) => `${side}:${mapping.entities[type].kind[side]}`),
  );
  const [, kind, id] = PAGE_OF_RECORD.exec(text) ?? [];
  const [, digits] = /^#?(\d+)$/.exec(text) ?? [];
  const [, named = '', rest] = /^(?:\w+\/)?(\w+:\w+):([^:/\s]+)$/.exec(text) ?? [];
  const near = nearest(named, kinds);
  const ref =
    kind !== undefined
      ? `zendesk:${kind}:${id}`
      : digits !== undefined
        ? `zendesk:${mapping.entities.TicketToProject.kind.zendesk}:${digits}`
        : near !== null
          ? `${near}:${rest}`
          : null;
  return ref === null || ref === text ? '' : `; did you mean ${ref}?`;
}

function entitiesOf(mapping: Mapping, ref: RefKey): EntityType[] {
  const { side, kind } = parseRef(ref);
  return entitiesOfKind(mapping, side, kind);
}

const PAGE = 500;

/** All links that match a filter, in the order of their keys. */
export async function* linksThat(store: LinkStore, filter: LinkFilter): AsyncIterable<Link> {
  for (let after: CanonicalKey | null = null; ;) {
    const page = await store.find(filter, after, PAGE);
    yield* page;
    after = page.at(-1)?._id ?? null;
    if (page.length < PAGE) return;
  }
}

/** Links that one step of a search reads. Between two steps, the search checks its time limit. */
const STEP = 20_000;

export interface Searched {
  links: Link[];
  /** Whether more links match. */
  more: boolean;
  /** The key after which the search continues, if it reached its time limit; null otherwise. */
  stoppedAt: CanonicalKey | null;
}

/**
 * The first links that match a filter. There is no index for a search by text, so the search has a time limit: in a
 * store with a million links, it stops early and returns the key at which it stopped.
 */
export async function searchLinks(
  store: Pick<LinkStore, 'find' | 'keyAfter'>,
  filter: LinkFilter,
  { after = null, limit, withinMs, now = Date.now }: SearchLimits,
): Promise<Searched> {
  const links: Link[] = [];
  const deadline = now() + withinMs;
  for (let from = after; ;) {
    const upTo = filter.text === undefined ? null : await store.keyAfter(from, STEP);
    const step = { ...filter, ...(upTo !== null && { upTo }) };
    links.push(...(await store.find(step, from, limit + 1 - links.length)));
    if (links.length > limit) return { links: links.slice(0, limit), more: true, stoppedAt: null };
    if (upTo === null) return { links, more: false, stoppedAt: null };
    if (now() > deadline) return { links, more: true, stoppedAt: upTo };
    from = upTo;
  }
}

export interface SearchLimits {
  after?: CanonicalKey | null;
  limit: number;
  withinMs: number;
  now?: () => number;
}
