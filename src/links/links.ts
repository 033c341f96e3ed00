import type { CanonicalKey } from '../sync/canonicalKey';
import type { HoldId } from '../sync/holds';
import type { Link, LinkStatus, Reason } from '../sync/link';
import type { EntityType, RefKey, Side } from '../sync/record';
import type { ReasonCode } from '../sync/reasons';

/** The links as the rest of the service asks for them. */

export type UnsettledStatus = Extract<LinkStatus, 'pending' | 'conflict' | 'quarantined'>;

export interface LinkFilter {
  entity?: EntityType;
  status?: LinkStatus;
  /** The reason's code, e.g. `closed_ticket`. */
  code?: string;
  /** Part of the key, of either record's reference, or of the title; capitals do not matter. */
  text?: string;
  /** The row that is the title, by entity. */
  titles?: Partial<Record<EntityType, string>>;
  /** Keys up to this one. */
  upTo?: CanonicalKey;
}

/** What whoever points to a pair has to know of it. */
export interface JoinedPair {
  /** Its records, where it has them. */
  refs: Partial<Record<Side, RefKey>>;
  status: LinkStatus;
  /** A person took it apart. */
  unlinked: boolean;
}

/** The links themselves. */
export interface Links {
  get(key: CanonicalKey): Promise<Link | null>;
  getMany(keys: Iterable<CanonicalKey>): Promise<Map<CanonicalKey, Link>>;
  /** Which records pairs join, without what these hold. */
  joined(keys: Iterable<CanonicalKey>): Promise<Map<CanonicalKey, JoinedPair>>;
  /** Resolves once no process takes a pair for {@link joined} in another way than it is saved now. */
  waitUntilCachesExpire(): Promise<void>;
  /** Writes the link if nobody else did since it was read. @returns it with its new `rev`. @throws StaleLink */
  save(link: Link): Promise<Link>;
  /** What this process {@link save}d of a pair a moment ago; null for nothing. Another may have saved it since: the next save tells. */
  justSaved(key: CanonicalKey): Link | null;
  /** Many new links at once. @returns those that were stored; the others exist already */
  insertMany(links: readonly Link[]): Promise<Link[]>;
  /** Many {@link save}s at once. @returns those that were stored; the others were written by somebody else meanwhile */
  saveMany(links: readonly Link[]): Promise<Link[]>;
  /** Sets why a link waits, without a new revision. A link that is not there yet is left absent. */
  noteReason(key: CanonicalKey, reason: Reason): Promise<void>;
  /** Says why pairs wait for a record, those that still do; one that says so already keeps since when. */
  noteWait(keys: CanonicalKey[], ref: RefKey, reason: Reason): Promise<void>;
  remove(link: Link): Promise<void>;
  /** Pairs that wait for any of these records. */
  waitingFor(refs: RefKey[]): Promise<CanonicalKey[]>;
  /** How many pairs of each entity are in each status; zeros included. */
  countByStatus(): Promise<Record<EntityType, Record<LinkStatus, number>>>;
  /** How many pairs have a reason with this code. */
  countByCode(code: ReasonCode): Promise<number>;
  /** How many pairs of each entity have a value that a side did not take; zeros included. */
  countNotTaken(): Promise<Record<EntityType, number>>;
  /** How many pairs of each entity are not linked, by status; zeros included. */
  countUnsettled(): Promise<{ entity: EntityType; status: UnsettledStatus; count: number }[]>;
  /** The next keys, in their order, of links that were synced by another mapping and have not ended. */
  keysOfOtherMapping(version: string, after: CanonicalKey | null, limit: number): Promise<CanonicalKey[]>;
  /** The next pairs, in the order of their keys, of which a hold of the brake holds something. */
  heldBy(hold: HoldId, after: CanonicalKey | null, limit: number): Promise<CanonicalKey[]>;
  countHeldBy(hold: HoldId): Promise<number>;
  /** How many pairs of an entity are linked; of these, how many were last synced by another mapping. */
  countLinked(entity: EntityType): Promise<number>;
  countOfOtherMapping(entity: EntityType, version: string): Promise<number>;
  /** All links, or those in one status, in the order of their keys. */
  all(filter?: { status?: LinkStatus }): AsyncIterable<Link>;
  /** The next links that a filter takes, in the order of their keys. */
  find(filter: LinkFilter, after: CanonicalKey | null, limit: number): Promise<Link[]>;
  /** The key that comes so many keys after another one; null where there are fewer. Reads keys alone. */
  keyAfter(after: CanonicalKey | null, count: number): Promise<CanonicalKey | null>;
  /** A page of links in the order of their keys. */
  linksAfter(key: CanonicalKey | null, limit: number): Promise<Link[]>;
}
