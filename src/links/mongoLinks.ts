import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { LRUCache } from 'lru-cache';
import type { AnyBulkWriteOperation, Filter } from 'mongodb';
import { isDuplicateKey } from '../platform/mongoErrors';
import type { CanonicalKey } from '../sync/canonicalKey';
import type { HoldId } from '../sync/holds';
import type { Intent, Link, LinkStatus } from '../sync/link';
import { type Reason, type ReasonCode } from '../sync/reasons';
import { ENTITY_TYPES, SIDES, type EntityType, type RefKey, type Side } from '../sync/record';
import { SHARED_PACE, TOGETHER, byIds, insertNew, type ReadByIds } from './byIds';
import type { JoinedPair, LinkFilter, Links, UnsettledStatus } from './links';
import type { Stored } from './migrations';
import { expectFits, fits } from './documentSize';
import { StaleLink } from './staleLink';
import { Together } from './together';
import type { VersionedDocuments } from './versions';

/**
 * Objects with property names as keys are stored as JSON text: the names may have dots, which MongoDB treats as paths.
 */
export type LinkDocument = Omit<Link, 'intent'> & Stored & { intent: string | null };
type JoinedDocument = Pick<Link, '_id' | 'status' | 'unlinked'> &
  Stored & {
    sides: Partial<Record<Side, { ref: RefKey }>>;
  };

const JOINED = { 'sides.zendesk.ref': 1, 'sides.pms.ref': 1, status: 1, unlinked: 1, v: 1 } as const;
/** How long a process caches the records of pairs. It updates its cache with its own writes. */
const KNOWN = { ttl: 1_000, max: 5_000 };
/** How long a process keeps a link that it has saved for the next write. Under load, a write waits for its turn. */
const SAVED = { ttl: 60_000, max: 1_000 };
const UNSETTLED: readonly UnsettledStatus[] = ['pending', 'conflict', 'quarantined'];

/** The collection of links, with the canonical key as `_id`. */
export class MongoLinks implements Links {
  private readonly readLinks: ReadByIds<LinkDocument>;
  private readonly readLink: ReadByIds<LinkDocument>;
  private readonly readJoined: ReadByIds<JoinedDocument>;
  private readonly saves = new Together<Link, Link | null>(
    TOGETHER,
    (links) => this.saveEach(links),
    SHARED_PACE,
  );
  /** A TTL cache of pairs that have both their records. */
  private readonly whole = new LRUCache<CanonicalKey, JoinedPair>(KNOWN);
  /** A TTL cache of links whose intent has writes left. */
  private readonly saved = new LRUCache<CanonicalKey, Link>(SAVED);

  constructor(
    private readonly links: VersionedDocuments<LinkDocument>,
    private readonly now: () => Date,
  ) {
    this.readLinks = byIds(links.all);
    this.readLink = byIds(links.all, { pace: SHARED_PACE });
    this.readJoined = byIds<LinkDocument, JoinedDocument>(links.all, {
      projection: JOINED,
      pace: SHARED_PACE,
    });
  }

  async get(key: CanonicalKey): Promise<Link | null> {
    const [found] = await this.readLink([key]);
    return found ? this.linkOf(found) : null;
  }

  async getMany(keys: Iterable<CanonicalKey>): Promise<Map<CanonicalKey, Link>> {
    const found = await this.readLinks([...new Set(keys)]);
    return new Map(found.map((document) => [document._id, this.linkOf(document)]));
  }

  private linkOf(document: LinkDocument): Link {
    return fromDocument(this.links.read(document));
  }

  async joined(keys: Iterable<CanonicalKey>): Promise<Map<CanonicalKey, JoinedPair>> {
    const pairs = new Map<CanonicalKey, JoinedPair>();
    const readAt = performance.now();
    const unknown: CanonicalKey[] = [];
    for (const key of new Set(keys)) {
      const known = this.whole.get(key);
      if (known) pairs.set(key, known);
      else unknown.push(key);
    }
    for (const { _id, sides, status, unlinked } of await this.joinedNow(unknown)) {
      const refs: JoinedPair['refs'] = {};
      for (const side of SIDES) {
        const ref = sides[side]?.ref;
        if (ref !== undefined) refs[side] = ref;
      }
      const pair = { refs, status, unlinked };
      pairs.set(_id, pair);
      if (SIDES.every((side) => refs[side] !== undefined)) this.whole.set(_id, pair, { start: readAt });
    }
    return pairs;
  }

  /**
   * A part of a document cannot be migrated. If it needs more than a new version number, the whole document is read.
   */
  private async joinedNow(keys: CanonicalKey[]): Promise<JoinedDocument[]> {
    const parts = await this.readJoined(keys);
    const older = parts.filter((part) => this.links.isOther(part)).map(({ _id }) => _id);
    if (older.length === 0) return parts;
    const whole = (await this.readLinks(older)).map((document) => this.links.read(document));
    return [...parts.filter(({ _id }) => !older.includes(_id)), ...whole];
  }

  async waitUntilCachesExpire(): Promise<void> {
    await sleep(KNOWN.ttl);
  }

  async save(link: Link): Promise<Link> {
    expectFits(link._id, this.documentOf(link));
    if (link.rev > 0) {
      const saved = await this.saves.do(link);
      if (!saved) throw new StaleLink(`${link._id} is no longer at revision ${link.rev}`);
      return this.remember(saved);
    }
    const next: Link = { ...link, rev: 1, updatedAt: this.now().toISOString() };
    try {
      await (await this.links.toWrite()).insertOne(this.documentOf(next));
    } catch (error) {
      throw isDuplicateKey(error) ? new StaleLink(`${link._id} was created by another writer`) : error;
    }
    return this.remember(next);
  }

  takeSaved(key: CanonicalKey, rev: number): Link | null {
    const saved = this.saved.get(key);
    if (saved?.rev !== rev) return null;
    this.saved.delete(key);
    return saved;
  }

  private documentOf(link: Link): LinkDocument {
    return this.links.stamp(toDocument(link));
  }

  /** Keeps a link whose intent has writes left, for the activity that carries out the next one. */
  private remember(link: Link): Link {
    if (link.intent?.writes.some(({ done }) => !done)) this.saved.set(link._id, link);
    return link;
  }

  async insertMany(links: readonly Link[]): Promise<Link[]> {
    const updatedAt = this.now().toISOString();
    const next = links
      .map((link) => ({ ...link, rev: 1, updatedAt }))
      .filter((link) => fits(this.documentOf(link)));
    const documents = next.map((link) => this.documentOf(link));
    const refused = await insertNew(await this.links.toWrite(), documents);
    return next.filter(({ _id }) => !refused.has(_id));
  }

  async saveMany(links: readonly Link[]): Promise<Link[]> {
    const fitting = links.filter((link) => fits(this.documentOf(link)));
    if (fitting.length === 0) return [];
    return (await this.saveEach(fitting)).filter((link) => link !== null);
  }

  /** @returns each link as it was stored; null if another process wrote it meanwhile, also within the same command */
  private async saveEach(links: readonly Link[]): Promise<(Link | null)[]> {
    const updatedAt = this.now().toISOString();
    const next = links.map((link): Link => ({ ...link, rev: link.rev + 1, updatedAt }));
    const writes = next.map((link): AnyBulkWriteOperation<LinkDocument> => ({
      replaceOne: { filter: { _id: link._id, rev: link.rev - 1 }, replacement: this.documentOf(link) },
    }));
    const { matchedCount } = await (await this.links.toWrite()).bulkWrite(writes, { ordered: false });
    for (const { _id } of links) {
      this.whole.delete(_id);
      this.saved.delete(_id);
    }
    if (matchedCount === next.length) return next;
    if (matchedCount === 0) return next.map(() => null);
    // The content shows whose revision is stored now.
    const stored = await this.getMany(next.map(({ _id }) => _id));
    return next.map((link) => (isDeepStrictEqual(stored.get(link._id), link) ? link : null));
  }

  async noteReason(key: CanonicalKey, reason: Reason): Promise<void> {
    this.saved.delete(key);
    await this.links.all.updateOne({ _id: key }, { $set: { reason } });
  }

  async noteWait(keys: CanonicalKey[], ref: RefKey, reason: Reason): Promise<void> {
    for (const key of keys) this.saved.delete(key);
    await this.links.all.updateMany(
      {
        _id: { $in: keys },
        waitsFor: ref,
        status: { $in: ['pending', 'linked'] },
        'reason.text': { $ne: reason.text },
      },
      { $set: { reason } },
    );
  }

  async remove(link: Link): Promise<void> {
    await this.links.all.deleteOne({ _id: link._id, rev: link.rev });
    this.whole.delete(link._id);
    this.saved.delete(link._id);
  }

  async waitingFor(refs: RefKey[]): Promise<CanonicalKey[]> {
    const found = await this.links.all
      .find({ waitsFor: { $in: refs } })
      .project<{ _id: CanonicalKey }>({ _id: 1 })
      .toArray();
    return found.map((document) => document._id);
  }

  async countByStatus(): Promise<Record<EntityType, Record<LinkStatus, number>>> {
    const none = () => ({ pending: 0, linked: 0, conflict: 0, quarantined: 0, tombstone: 0 });
    const counts = Object.fromEntries(ENTITY_TYPES.map((type) => [type, none()])) as Record<
      EntityType,
      Record<LinkStatus, number>
    >;
    const groups = await this.links.all
      .aggregate<{ _id: Pick<Link, 'entity' | 'status'>; count: number }>([
        { $group: { _id: { entity: '$entity', status: '$status' }, count: { $sum: 1 } } },
      ])
      .toArray();
    for (const { _id, count } of groups) counts[_id.entity][_id.status] = count;
    return counts;
  }

  countByCode(code: ReasonCode): Promise<number> {
    return this.links.all.countDocuments({ 'reason.code': code });
  }

  async countNotTaken(): Promise<Record<EntityType, number>> {
    const counts = { OrgToCustomer: 0, TicketToProject: 0, CommentToProject: 0 };
    const groups = await this.links.all
      .aggregate<{ _id: EntityType; count: number }>([
        { $match: { 'notTaken.0': { $exists: true } } },
        { $group: { _id: '$entity', count: { $sum: 1 } } },
      ])
      .toArray();
    for (const { _id, count } of groups) counts[_id] = count;
    return counts;
  }

  async countUnsettled(): Promise<{ entity: EntityType; status: UnsettledStatus; count: number }[]> {
    const kinds = ENTITY_TYPES.flatMap((entity) => UNSETTLED.map((status) => ({ entity, status })));
    return Promise.all(
      kinds.map(async (kind) => ({ ...kind, count: await this.links.all.countDocuments(kind) })),
    );
  }

  async keysOfOtherMapping(
    version: string,
    after: CanonicalKey | null,
    limit: number,
  ): Promise<CanonicalKey[]> {
    const found = await this.links.all
      .find({ _id: { $gt: after ?? '' }, mappingVersion: { $ne: version }, status: { $ne: 'tombstone' } })
      .sort({ _id: 1 })
      .limit(limit)
      .project<{ _id: CanonicalKey }>({ _id: 1 })
      .toArray();
    return found.map(({ _id }) => _id);
  }

  async heldBy(hold: HoldId, after: CanonicalKey | null, limit: number): Promise<CanonicalKey[]> {
    const found = await this.links.all
      .find({ 'braked.hold': hold, ...(after !== null && { _id: { $gt: after } }) })
      .sort({ _id: 1 })
      .limit(limit)
      .project<{ _id: CanonicalKey }>({ _id: 1 })
      .toArray();
    return found.map(({ _id }) => _id);
  }

  countHeldBy(hold: HoldId): Promise<number> {
    return this.links.all.countDocuments({ 'braked.hold': hold });
  }

  countLinked(entity: EntityType): Promise<number> {
    return this.links.all.countDocuments({ status: 'linked', entity });
  }

  countOfOtherMapping(entity: EntityType, version: string): Promise<number> {
    return this.links.all.countDocuments({ status: 'linked', entity, mappingVersion: { $ne: version } });
  }

  async *all(filter: { status?: LinkStatus } = {}): AsyncIterable<Link> {
    for await (const document of this.links.all.find(filter).sort({ _id: 1 })) yield this.linkOf(document);
  }

  async find(filter: LinkFilter, after: CanonicalKey | null, limit: number): Promise<Link[]> {
    const { entity, status, code, text, upTo, titles = {} } = filter;
    const part = text === undefined ? null : new RegExp(escapedPattern(text), 'i');
    const titled = [...new Set(Object.values(titles))].map((row) => ({ [`snapshot.${row}`]: part }));
    const range = { ...(after !== null && { $gt: after }), ...(upTo !== undefined && { $lte: upTo }) };
    const query: Filter<LinkDocument> = {
      ...(Object.keys(range).length > 0 && { _id: range }),
      ...(entity && { entity }),
      ...(status && { status }),
      ...(code !== undefined && { 'reason.code': code }),
      ...(part && {
        $or: [
          { _id: part },
          { 'sides.zendesk.ref': part },
          { 'sides.pms.ref': part },
          ...titled,
        ] as Filter<LinkDocument>[],
      }),
    };
    return (await this.links.all.find(query).sort({ _id: 1 }).limit(limit).toArray()).map((each) =>
      this.linkOf(each),
    );
  }

  async keyAfter(after: CanonicalKey | null, count: number): Promise<CanonicalKey | null> {
    const [found] = await this.links.all
      .find(after === null ? {} : { _id: { $gt: after } })
      .sort({ _id: 1 })
      .skip(count - 1)
      .limit(1)
      .project<{ _id: CanonicalKey }>({ _id: 1 })
      .toArray();
    return found?._id ?? null;
  }

  async linksAfter(key: CanonicalKey | null, limit: number): Promise<Link[]> {
    const filter = key === null ? {} : { _id: { $gt: key } };
    return (await this.links.all.find(filter).sort({ _id: 1 }).limit(limit).toArray()).map((each) =>
      this.linkOf(each),
    );
  }
}

/** Escapes a text for a regular expression. Other letters stay, because an escaped letter would mean something else. */
function escapedPattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

function toDocument(link: Link): LinkDocument {
  return { ...link, intent: link.intent && JSON.stringify(link.intent) };
}

function fromDocument({ v: _v, intent, ...rest }: LinkDocument): Link {
  return { ...rest, intent: intent === null ? null : (JSON.parse(intent) as Intent) };
}
