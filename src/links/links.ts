import type { CanonicalKey } from '../sync/canonicalKey';
import type { HoldId } from '../sync/holds';
import type { Link, LinkStatus } from '../sync/link';
import { type Reason, type ReasonCode } from '../sync/reasons';
import type { EntityType, RefKey, Side } from '../sync/record';

/** The interface of the links for the rest of the service. */

export type UnsettledStatus = Extract<LinkStatus, 'pending' | 'conflict' | 'quarantined'>;

export interface LinkFilter {
  entity?: EntityType;
  status?: LinkStatus;
  /** The code of the reason, e.g. `closed_ticket`. */
  code?: string;
  /** A part of the key, of a record's reference, or of the title; case is ignored. */
  text?: string;
  /** The id of the title's row, by entity. */
  titles?: Partial<Record<EntityType, string>>;
  /** The last key to include. */
  upTo?: CanonicalKey;
}

/** The data of a pair that records which refer to it need. */
export interface JoinedPair {
  /** The records that it has. */
  refs: Partial<Record<Side, RefKey>>;
  status: LinkStatus;
  /** A person unlinked the pair. */
  unlinked: boolean;
}

/** The links themselves. */
export interface Links {
  /** For one pair. A caller with many reads them with {@link getMany}, which other callers do not delay. */
  get(key: CanonicalKey): Promise<Link | null>;
  getMany(keys: Iterable<CanonicalKey>): Promise<Map<CanonicalKey, Link>>;
  /** The records that pairs join, without their values. May be cached for a moment. */
  joined(keys: Iterable<CanonicalKey>): Promise<Map<CanonicalKey, JoinedPair>>;
  /** Resolves when the caches of {@link joined} in all processes have expired, so that all know the present state. */
  waitUntilCachesExpire(): Promise<void>;
  /** Writes the link, unless it was written since it was read. @returns it with its new `rev`. @throws StaleLink */
  save(link: Link): Promise<Link>;
  /**
   * Takes a revision of a link that this process has {@link save}d out of its memory; null if it is not there. If another
   * process has saved the link since, the next save fails.
   */
  takeSaved(key: CanonicalKey, rev: number): Link | null;
  /** Inserts many new links. @returns those that were stored; the others exist already */
  insertMany(links: readonly Link[]): Promise<Link[]>;
  /** Many {@link save}s at once. @returns those that were stored; another process has written the others meanwhile */
  saveMany(links: readonly Link[]): Promise<Link[]>;
  /** Stores why a link waits, without a new revision. Does nothing if the link does not exist. */
  noteReason(key: CanonicalKey, reason: Reason): Promise<void>;
  /** Stores why pairs wait for a record, if they still do. A link that has this reason already keeps its time. */
  noteWait(keys: CanonicalKey[], ref: RefKey, reason: Reason): Promise<void>;
  remove(link: Link): Promise<void>;
  /** Pairs that wait for any of these records. */
  waitingFor(refs: RefKey[]): Promise<CanonicalKey[]>;
  /** The number of pairs of each entity and status, zeros included. */
  countByStatus(): Promise<Record<EntityType, Record<LinkStatus, number>>>;
  /** The number of pairs with a reason of this code. */
  countByCode(code: ReasonCode): Promise<number>;
  /** The number of pairs of each entity with a value that a side did not take, zeros included. */
  countNotTaken(): Promise<Record<EntityType, number>>;
  /** The number of pairs of each entity that are not linked, by status, zeros included. */
  countUnsettled(): Promise<{ entity: EntityType; status: UnsettledStatus; count: number }[]>;
  /** The next keys, in their order, of links that were synced with another mapping and have not ended. */
  keysOfOtherMapping(version: string, after: CanonicalKey | null, limit: number): Promise<CanonicalKey[]>;
  /** The next pairs, in the order of their keys, that a hold of the brake concerns. */
  heldBy(hold: HoldId, after: CanonicalKey | null, limit: number): Promise<CanonicalKey[]>;
  countHeldBy(hold: HoldId): Promise<number>;
  /** The number of linked pairs of an entity; the next method counts those that were synced with another mapping. */
  countLinked(entity: EntityType): Promise<number>;
  countOfOtherMapping(entity: EntityType, version: string): Promise<number>;
  /** All links, or those in one status, in the order of their keys. */
  all(filter?: { status?: LinkStatus }): AsyncIterable<Link>;
  /** The next links that a filter selects, in the order of their keys. */
  find(filter: LinkFilter, after: CanonicalKey | null, limit: number): Promise<Link[]>;
  /** The key at a distance after another key; null if there are fewer keys. Reads keys only. */
  keyAfter(after: CanonicalKey | null, count: number): Promise<CanonicalKey | null>;
  /** A page of links in the order of their keys. */
  linksAfter(key: CanonicalKey | null, limit: number): Promise<Link[]>;
}
