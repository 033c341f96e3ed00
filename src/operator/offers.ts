import type { LinkStore } from '../links/linkStore';
import { isSettled } from '../sync/candidates';
import { parseCanonicalKey } from '../sync/canonicalKey';
import type { Link } from '../sync/link';
import type { EntityMapping, Mapping } from '../sync/mapping';
import { otherSide, type Json, type RefKey, type Side, type SyncRecord } from '../sync/record';
import { textOf } from '../sync/values';
import { recordOf } from './pairNames';

/**
 * The choices for a pair as a whole, at present. A candidate that was free when the conflict arose may have a pair by
 * now.
 */
export interface Offers {
  /** Candidates without another pair. */
  free: RefKey[];
  /**
   * Candidates with another pair, and the record that each is linked to; null if a person keeps the candidate
   * unlinked.
   */
  taken: { ref: RefKey; by: RefKey | null }[];
  /** Whether a new counterpart can be created: not if its side would refuse a second record with the same value. */
  create: boolean;
}

type Store = Pick<LinkStore, 'bindings' | 'claims' | 'getMany' | 'observations'>;

/** Reads the link store only, without a call to either API. */
export async function offersOf(store: Store, mapping: Mapping, link: Link): Promise<Offers> {
  const { side } = parseCanonicalKey(link._id).origin;
  const owners = await store.claims.owners(link.candidates);
  const links = await store.getMany(owners.values());
  const candidates = link.candidates.map((ref) => {
    const key = owners.get(ref);
    const owner = key === undefined || key === link._id ? undefined : links.get(key);
    return { ref, owner, isTaken: isSettled(owner) };
  });
  return {
    free: candidates.flatMap(({ ref, isTaken }) => (isTaken ? [] : [ref])),
    taken: candidates.flatMap(({ ref, owner, isTaken }) =>
      isTaken ? [{ ref, by: owner?.unlinked === true ? null : (owner?.sides[side]?.ref ?? null) }] : [],
    ),
    create: !(await isRefusedAsDuplicate(store, mapping, link, candidates)),
  };
}

type Candidate = { ref: RefKey; owner: Link | undefined };

/** Whether a new record would repeat a candidate's value in a property that must be unique on its side. */
async function isRefusedAsDuplicate(
  store: Store,
  mapping: Mapping,
  link: Link,
  candidates: readonly Candidate[],
): Promise<boolean> {
  if (candidates.length === 0) return false;
  const table = mapping.entities[link.entity];
  const { side } = parseCanonicalKey(link._id).origin;
  const other = otherSide(side);
  const bound = await store.bindings.bound();
  const unique = table.match.filter((rule) =>
    bound.some(
      (each) =>
        each.unique === true &&
        each.side === other &&
        each.kind === table.kind[other] &&
        [each.property, each.name].includes(rule[other]),
    ),
  );
  if (unique.length === 0) return false;
  const seen = await store.observations.get([recordOf(link), ...candidates.map(({ ref }) => ref)]);
  const own = seen.get(recordOf(link));
  return unique.some((rule) =>
    candidates.some((candidate) => {
      const theirs = valueOf(table, other, rule[other], candidate, seen.get(candidate.ref));
      // If a value is no longer known, it is assumed to be equal: the records were found by it.
      return own === undefined || theirs === undefined || isSame(own.values[rule[side]] ?? null, theirs);
    }),
  );
}

/** A candidate's value as it was last seen; undefined if not known. */
function valueOf(
  table: EntityMapping,
  side: Side,
  property: string,
  { owner }: Candidate,
  seen: SyncRecord | undefined,
): Json | undefined {
  if (seen) return seen.values[property] ?? null;
  const row = table.rows.find((each) => each[side] === property);
  return row && owner?.snapshot?.[row.id];
}

function isSame(a: Json, b: Json): boolean {
  const [one, two] = [a, b].map((value) => textOf(value).trim().toLowerCase());
  return one === two;
}
