import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import {
  type AnyBulkWriteOperation,
  type Collection,
  type Db,
  type Filter,
  type OptionalUnlessRequiredId,
} from 'mongodb';
import { duplicatesOf, isDuplicateKey } from '../platform/mongoErrors';
import { type CanonicalKey, refKey } from '../sync/canonicalKey';
import type { Intent, Link, LinkStatus, Reason } from '../sync/link';
import {
  ENTITY_TYPES,
  SIDES,
  type EntityType,
  type RefKey,
  type Side,
  type SyncRecord,
} from '../sync/record';
import { decisionsOf, type Decision, type Decisions } from '../sync/resolution';
import { BackfillStore } from './backfillStore';
import { ControlStore } from './pauseStore';
import { HintStore } from './hintStore';
import { Identities } from './identities';
import { LagSamples } from './lagSamples';
import { Lately } from './lately';
import { MappingVersions } from './mappingVersions';
import { SCHEMA, type Schema } from './migrations/storedSchema';
import type { Stored } from './migrations';
import { Together } from './together';
import { Upkeep } from './linkWalk';
import { Versions, type VersionedDocuments } from './versions';

/**
 * The link store. Look-ups go by `_id` only: a pair by its canonical key in `links`, a record of either side
 * in `claims`. `observations` holds what was last seen of a record until its pair has dealt with it, so that
 * no record's body passes through a workflow history. No transaction is assumed anywhere.
 */

/** Property names may hold dots, which MongoDB reads as paths; what is keyed by them is kept as JSON text. */
type LinkDocument = Omit<Link, 'intent'> & Stored & { intent: string | null };
type JoinedDocument = Pick<Link, '_id' | 'status' | 'unlinked'> &
  Stored & {
    sides: Partial<Record<Side, { ref: RefKey }>>;
  };
interface ClaimDocument extends Stored {
  _id: RefKey;
  key: CanonicalKey;
}
interface ObservationDocument extends Stored {
  _id: RefKey;
  order: number;
  at: string;
  record: string;
  digest: string;
  parent?: RefKey;
}
interface DecisionDocument extends Stored {
  _id: string;
  decision: string;
}
interface CursorDocument {
  _id: string;
  cursor: string | null;
  updatedAt: string;
  readAt?: string;
  currentAt?: string;
}
interface MetaDocument {
  _id: string;
  value: string;
}

const JOINED = { 'sides.zendesk.ref': 1, 'sides.pms.ref': 1, status: 1, unlinked: 1, v: 1 } as const;
/** What many ask at the same time goes as one command, so many at most. */
const TOGETHER = 50;
/** Whoever asks for more `_id`s than this asks by themselves: others would wait for the answer. */
const FEW = 50;
/** What a process has read, or saved, of a pair is known to it for so long; its own writes it knows at once. */
const KNOWN = { ms: 1_000, most: 5_000 };
const UNSETTLED = ['pending', 'conflict', 'quarantined'] as const;
export type UnsettledStatus = (typeof UNSETTLED)[number];

/** An observation that a pair took in: what is known of the record by now, and what the plan was made of. */
export interface TakenIn {
  ref: RefKey;
  order: number;
  digest?: string;
}

/** Another writer saved the link since it was read. */
export class StaleLink extends Error {
  override readonly name = 'StaleLink';
}

export interface LinkFilter {
  entity?: EntityType;
  status?: LinkStatus;
  /** The reason's code, e.g. `closed_ticket`. */
  code?: string;
  /** Part of the key or of either record's reference. */
  text?: string;
}

/** How far a change stream was read. Times are ISO. */
export interface StreamPosition {
  /** `zendesk:tickets` */
  name: string;
  /** Null: from its beginning. */
  cursor: string | null;
  /** When the cursor moved last. */
  movedAt: string;
  /** When the stream was last read to its end; null for never. */
  readAt: string | null;
  /** When it was last known that nothing in the stream was unread; null for never. */
  currentAt: string | null;
}

/** What whoever points to a pair has to know of it. */
export interface JoinedPair {
  /** Its records, where it has them. */
  refs: Partial<Record<Side, RefKey>>;
  status: LinkStatus;
  /** A person took it apart. */
  unlinked: boolean;
}

export interface LinkStore {
  /** ISO time at which this store came into being; older records may have counterparts it knows nothing of. */
  readonly since: string;
  /** Records that webhooks spoke of and that were not read yet. */
  readonly hints: HintStore;
  /** The users whom our credentials acted as. */
  readonly identities: Identities;
  readonly upkeep: Upkeep;
  readonly control: ControlStore;
  /** How far behind the streams were, in the last hour. */
  readonly lag: LagSamples;
  readonly backfill: BackfillStore;
  get(key: CanonicalKey): Promise<Link | null>;
  getMany(keys: Iterable<CanonicalKey>): Promise<Map<CanonicalKey, Link>>;
  /** Which records pairs join, without what these hold. */
  joined(keys: Iterable<CanonicalKey>): Promise<Map<CanonicalKey, JoinedPair>>;
  /** Which pair each record is claimed for; records that no pair claims are absent. */
  owners(refs: Iterable<RefKey>): Promise<Map<RefKey, CanonicalKey>>;
  /** @returns the owner: the given key, or that of the pair that claimed the record first. */
  claim(ref: RefKey, key: CanonicalKey): Promise<CanonicalKey>;
  /** Gives up a claim, if it is still this pair's. */
  release(ref: RefKey, key: CanonicalKey): Promise<void>;
  /** Writes the link if nobody else did since it was read. @returns it with its new `rev`. @throws StaleLink */
  save(link: Link): Promise<Link>;
  /** What this process {@link save}d of a pair a moment ago; null for nothing. Another may have saved it since: the next save tells. */
  justSaved(key: CanonicalKey): Link | null;
  /** Many {@link claim}s at once. @returns the owner of each; absent where the one there was let go meanwhile */
  claimMany(claims: readonly { ref: RefKey; key: CanonicalKey }[]): Promise<Map<RefKey, CanonicalKey>>;
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
  /** Keeps each record unless a newer one is kept already. */
  observe(records: SyncRecord[]): Promise<void>;
  observed(refs: Iterable<RefKey>): Promise<Map<RefKey, SyncRecord>>;
  /** Observations of records below a parent: those of its comments that their pairs have not dealt with. */
  observedBelow(parent: RefKey): Promise<SyncRecord[]>;
  /** Drops just these observations, which the pair has dealt with; one that was replaced since stays. */
  forget(records: SyncRecord[]): Promise<void>;
  /** The same without reading them: what is older than what is known of the record, and what has this digest. */
  forgetTakenIn(records: TakenIn[]): Promise<void>;
  /** Keeps what a person decided until the pair has acted on it; a later decision on the same replaces it. */
  decide(key: CanonicalKey, decision: Decision): Promise<void>;
  /** The decisions that wait: on the pair as a whole, and on these rows. */
  decisions(key: CanonicalKey, rows: string[]): Promise<Decisions>;
  /** Drops what was acted on, or is moot: the decision on the pair as a whole, and those on these rows. */
  dropDecisions(key: CanonicalKey, rows: string[]): Promise<void>;
  /** How far a stream was read; null before its first page. */
  position(name: string): Promise<StreamPosition | null>;
  positions(): Promise<StreamPosition[]>;
  /** Moves a cursor on. @returns false where somebody else moved it since it was read; then it stays as it is. */
  advance(name: string, from: string | null, to: string): Promise<boolean>;
  /** Puts a cursor somewhere else, whoever reads the stream just now. */
  rewind(name: string, to: string | null): Promise<void>;
  /** Notes that a stream was read to its end. */
  noteRead(name: string, at: Date): Promise<void>;
  /** Notes that there is nothing unread in a stream, as was found without reading it. */
  noteCurrent(name: string, at: Date): Promise<void>;
  /** How many pairs of each entity are in each status; zeros included. */
  countByStatus(): Promise<Record<EntityType, Record<LinkStatus, number>>>;
  /** How many pairs of each entity are not linked, by status; zeros included. */
  countUnsettled(): Promise<{ entity: EntityType; status: UnsettledStatus; count: number }[]>;
  /** About how many records wait for their pairs. */
  countObservations(): Promise<number>;
  /** Which mappings came into use when. */
  readonly mappings: MappingVersions;
  /** The next keys, in their order, of links that were synced by another mapping and have not ended. */
  keysOfOtherMapping(version: string, after: CanonicalKey | null, limit: number): Promise<CanonicalKey[]>;
  /** All links, or those in one status, in the order of their keys. */
  all(filter?: { status?: LinkStatus }): AsyncIterable<Link>;
  /** The next links that a filter takes, in the order of their keys. */
  find(filter: LinkFilter, after: CanonicalKey | null, limit: number): Promise<Link[]>;
  /** A page of links in the order of their keys. */
  linksAfter(key: CanonicalKey | null, limit: number): Promise<Link[]>;
}

/**
 * Opens the store in a database, creating its indexes. Works alike on MongoDB and on compatible servers.
 * @param prefix sets its collections apart from those of another store in the same database
 * @throws NewerStore where a later release has written to it; nothing is changed then
 */
export async function openLinkStore(
  db: Db,
  now: () => Date = () => new Date(),
  prefix = '',
  schema = SCHEMA,
): Promise<LinkStore> {
  const versions = new Versions(db, prefix, schema);
  await versions.check();
  const links = db.collection<LinkDocument>(`${prefix}links`);
  const meta = db.collection<MetaDocument>(`${prefix}meta`);
  // Saves name both; compatible servers use an index only for just the fields that it has, and would scan otherwise.
  await links.createIndex({ _id: 1, rev: 1 }, { unique: true });
  await links.createIndex({ waitsFor: 1 });
  await links.createIndex({ status: 1, entity: 1 });
  const observations = db.collection<ObservationDocument>(`${prefix}observations`);
  await observations.createIndex({ parent: 1 });
  const since = await firstValue(meta, 'since', now().toISOString());
  return storeIn(db, prefix, since, now, schema);
}

function storeIn(db: Db, prefix: string, since: string, now: () => Date, schema: Schema): MongoLinkStore {
  const versions = new Versions(db, prefix, schema);
  return new MongoLinkStore(
    since,
    versions.of<LinkDocument>('links'),
    versions.of<ClaimDocument>('claims'),
    versions.of<ObservationDocument>('observations'),
    versions.of<DecisionDocument>('decisions'),
    db.collection<CursorDocument>(`${prefix}cursors`),
    new HintStore(db, prefix),
    new Identities(db),
    new MappingVersions(db, now),
    new Upkeep(versions),
    new ControlStore(db, prefix),
    new LagSamples(db, prefix),
    new BackfillStore(db, prefix, versions),
    now,
  );
}

/** A store as it is, for looking only: nothing is created in the database. */
export function peekAtLinks(db: Db): Pick<LinkStore, 'getMany' | 'owners'> {
  return storeIn(db, '', '', () => new Date(), SCHEMA);
}

class MongoLinkStore implements LinkStore {
  constructor(
    readonly since: string,
    private readonly links: VersionedDocuments<LinkDocument>,
    private readonly claims: VersionedDocuments<ClaimDocument>,
    private readonly observations: VersionedDocuments<ObservationDocument>,
    private readonly pending: VersionedDocuments<DecisionDocument>,
    private readonly cursors: Collection<CursorDocument>,
    readonly hints: HintStore,
    readonly identities: Identities,
    readonly mappings: MappingVersions,
    readonly upkeep: Upkeep,
    readonly control: ControlStore,
    readonly lag: LagSamples,
    readonly backfill: BackfillStore,
    private readonly now: () => Date,
  ) {
    this.readLinks = byIds(links.all);
    this.readJoined = byIds<LinkDocument, JoinedDocument>(links.all, JOINED);
    this.readClaims = byIds(claims.all);
    this.readObservations = byIds(observations.all);
  }

  private readonly readLinks: ReadByIds<LinkDocument>;
  private readonly readJoined: ReadByIds<JoinedDocument>;
  private readonly readClaims: ReadByIds<ClaimDocument>;
  private readonly readObservations: ReadByIds<ObservationDocument>;
  private readonly saves = new Together<Link, Link | null>(TOGETHER, (links) => this.saveEach(links));
  private readonly forgets = new Together<Filter<ObservationDocument>[], void>(TOGETHER, async (lists) => {
    await this.observations.all.bulkWrite(
      lists.flat().map((filter) => ({ deleteOne: { filter } })),
      { ordered: false },
    );
    return lists.map(() => undefined);
  });
  /** Pairs that had both their records when they were last read. */
  private readonly whole = new Lately<CanonicalKey, JoinedPair>(KNOWN);
  private readonly saved = new Lately<CanonicalKey, Link>(KNOWN);

  async get(key: CanonicalKey): Promise<Link | null> {
    const [found] = await this.readLinks([key]);
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
      if (SIDES.every((side) => refs[side] !== undefined)) this.whole.set(_id, pair, readAt);
    }
    return pairs;
  }

  /** A part of a document cannot be brought up to date: where that is more than its number, the whole is read. */
  private async joinedNow(keys: CanonicalKey[]): Promise<JoinedDocument[]> {
    const parts = await this.readJoined(keys);
    const older = parts.filter((part) => this.links.isOther(part)).map(({ _id }) => _id);
    if (older.length === 0) return parts;
    const whole = (await this.readLinks(older)).map((document) => this.links.read(document));
    return [...parts.filter(({ _id }) => !older.includes(_id)), ...whole];
  }

  async owners(refs: Iterable<RefKey>): Promise<Map<RefKey, CanonicalKey>> {
    const found = await this.readClaims([...new Set(refs)]);
    return new Map(found.map((claim) => [claim._id, this.claims.read(claim).key]));
  }

  async claim(ref: RefKey, key: CanonicalKey): Promise<CanonicalKey> {
    // Between a refused insert and the look for its owner, the owner may let go: then it is free again.
    for (;;) {
      try {
        await (await this.claims.toWrite()).insertOne(this.claims.stamp({ _id: ref, key }));
        return key;
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
        const owner = await this.claims.all.findOne({ _id: ref });
        if (owner) return this.claims.read(owner).key;
      }
    }
  }

  async release(ref: RefKey, key: CanonicalKey): Promise<void> {
    await this.claims.all.deleteOne({ _id: ref, key });
  }

  async save(link: Link): Promise<Link> {
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

  justSaved(key: CanonicalKey): Link | null {
    return this.saved.get(key) ?? null;
  }

  private documentOf(link: Link): LinkDocument {
    return this.links.stamp(toDocument(link));
  }

  private remember(link: Link): Link {
    this.saved.set(link._id, link);
    return link;
  }

  async claimMany(claims: readonly { ref: RefKey; key: CanonicalKey }[]): Promise<Map<RefKey, CanonicalKey>> {
    const documents = claims.map(({ ref, key }) => this.claims.stamp({ _id: ref, key }));
    const refused = await insertNew(await this.claims.toWrite(), documents);
    const owners = await this.owners(refused);
    for (const { ref, key } of claims) if (!refused.has(ref)) owners.set(ref, key);
    return owners;
  }

  async insertMany(links: readonly Link[]): Promise<Link[]> {
    const updatedAt = this.now().toISOString();
    const next = links.map((link) => ({ ...link, rev: 1, updatedAt }));
    const documents = next.map((link) => this.documentOf(link));
    const refused = await insertNew(await this.links.toWrite(), documents);
    return next.filter(({ _id }) => !refused.has(_id));
  }

  async saveMany(links: readonly Link[]): Promise<Link[]> {
    if (links.length === 0) return [];
    return (await this.saveEach(links)).filter((link) => link !== null);
  }

  /** @returns each as it was stored; null where somebody else wrote it meanwhile, be it in the same command */
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
    // Whose revision it is now, its content says.
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

  async observe(records: SyncRecord[]): Promise<void> {
    if (records.length === 0) return;
    const at = this.now().toISOString();
    const writes = records.map((record): AnyBulkWriteOperation<ObservationDocument> => {
      const _id = refKey(record.ref);
      // A newer observation does not match the filter; the upsert then meets its _id and is refused.
      return {
        replaceOne: {
          filter: { _id, order: { $lte: record.order } },
          replacement: this.observations.stamp({
            order: record.order,
            at,
            record: JSON.stringify(record),
            digest: observationDigest(record),
            ...(record.parent !== undefined && { parent: record.parent }),
          }),
          upsert: true,
        },
      };
    });
    try {
      await (await this.observations.toWrite()).bulkWrite(writes, { ordered: false });
    } catch (error) {
      duplicatesOf(error);
    }
  }

  async observed(refs: Iterable<RefKey>): Promise<Map<RefKey, SyncRecord>> {
    const found = await this.observations.readInPlace(await this.readObservations([...new Set(refs)]));
    return new Map(found.map(({ _id, record }) => [_id, JSON.parse(record) as SyncRecord]));
  }

  async observedBelow(parent: RefKey): Promise<SyncRecord[]> {
    const found = await this.observations.readInPlace(await this.observations.all.find({ parent }).toArray());
    return found.map(({ record }) => JSON.parse(record) as SyncRecord);
  }

  async forget(records: SyncRecord[]): Promise<void> {
    // By content, not by order: two contents may share an order where the side's clock is coarse.
    const filters = records.map((record) => ({ _id: refKey(record.ref), record: JSON.stringify(record) }));
    if (filters.length > 0) await this.forgets.do(filters);
  }

  async forgetTakenIn(records: TakenIn[]): Promise<void> {
    const filters = records.map(({ ref, order, digest }): Filter<ObservationDocument> => ({
      _id: ref,
      $or: [{ order: { $lt: order } }, ...(digest === undefined ? [] : [{ digest }])],
    }));
    if (filters.length > 0) await this.forgets.do(filters);
  }

  async decide(key: CanonicalKey, decision: Decision): Promise<void> {
    const _id = decisionId(key, 'row' in decision ? decision.row : null);
    const document = this.pending.stamp({ decision: JSON.stringify(decision) });
    await (await this.pending.toWrite()).replaceOne({ _id }, document, { upsert: true });
  }

  async decisions(key: CanonicalKey, rows: string[]): Promise<Decisions> {
    const found = await this.pending.all.find({ _id: { $in: decisionIds(key, rows) } }).toArray();
    return decisionsOf(found.map((each) => JSON.parse(this.pending.read(each).decision) as Decision));
  }

  async dropDecisions(key: CanonicalKey, rows: string[]): Promise<void> {
    await this.pending.all.deleteMany({ _id: { $in: decisionIds(key, rows) } });
  }

  async position(name: string): Promise<StreamPosition | null> {
    const found = await this.cursors.findOne({ _id: name });
    return found && toPosition(found);
  }

  async positions(): Promise<StreamPosition[]> {
    return (await this.cursors.find().sort({ _id: 1 }).toArray()).map(toPosition);
  }

  async advance(name: string, from: string | null, to: string): Promise<boolean> {
    const set = { $set: { cursor: to, updatedAt: this.now().toISOString() } };
    try {
      // Before the first page there is no document. Where the cursor moved, the upsert meets its _id and is refused.
      const { matchedCount, upsertedCount } = await this.cursors.updateOne({ _id: name, cursor: from }, set, {
        upsert: from === null,
      });
      return matchedCount + upsertedCount > 0;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }

  async rewind(name: string, to: string | null): Promise<void> {
    const set = { cursor: to, updatedAt: this.now().toISOString() };
    await this.cursors.updateOne(
      { _id: name },
      { $set: set, $unset: { readAt: '', currentAt: '' } },
      { upsert: true },
    );
  }

  async noteRead(name: string, at: Date): Promise<void> {
    await this.setCurrent(name, at, { readAt: at.toISOString() });
  }

  async noteCurrent(name: string, at: Date): Promise<void> {
    await this.setCurrent(name, at, {});
  }

  private async setCurrent(name: string, at: Date, set: { readAt?: string }): Promise<void> {
    const before = await this.cursors.findOneAndUpdate(
      { _id: name },
      { $set: { ...set, currentAt: at.toISOString() } },
      { returnDocument: 'before' },
    );
    if (before?.currentAt === undefined) return;
    await this.lag.note(name, at, Math.max(0, at.getTime() - Date.parse(before.currentAt)));
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

  async countUnsettled(): Promise<{ entity: EntityType; status: UnsettledStatus; count: number }[]> {
    const kinds = ENTITY_TYPES.flatMap((entity) => UNSETTLED.map((status) => ({ entity, status })));
    return Promise.all(
      kinds.map(async (kind) => ({ ...kind, count: await this.links.all.countDocuments(kind) })),
    );
  }

  async countObservations(): Promise<number> {
    return this.observations.all.estimatedDocumentCount();
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

  async *all(filter: { status?: LinkStatus } = {}): AsyncIterable<Link> {
    for await (const document of this.links.all.find(filter).sort({ _id: 1 })) yield this.linkOf(document);
  }

  async find(filter: LinkFilter, after: CanonicalKey | null, limit: number): Promise<Link[]> {
    const { entity, status, code, text } = filter;
    const part = text === undefined ? null : new RegExp(text.replace(/[^\w]/g, '\\$&'));
    const query: Filter<LinkDocument> = {
      ...(after !== null && { _id: { $gt: after } }),
      ...(entity && { entity }),
      ...(status && { status }),
      ...(code !== undefined && { 'reason.code': code }),
      ...(part && { $or: [{ _id: part }, { 'sides.zendesk.ref': part }, { 'sides.pms.ref': part }] }),
    };
    return (await this.links.all.find(query).sort({ _id: 1 }).limit(limit).toArray()).map((each) =>
      this.linkOf(each),
    );
  }

  async linksAfter(key: CanonicalKey | null, limit: number): Promise<Link[]> {
    const filter = key === null ? {} : { _id: { $gt: key } };
    return (await this.links.all.find(filter).sort({ _id: 1 }).limit(limit).toArray()).map((each) =>
      this.linkOf(each),
    );
  }
}

/** Names what was observed of a record by its content. */
export function observationDigest(record: SyncRecord): string {
  return createHash('sha1').update(JSON.stringify(record)).digest('base64');
}

function toPosition({ _id, cursor, updatedAt, readAt, currentAt }: CursorDocument): StreamPosition {
  return {
    name: _id,
    cursor,
    movedAt: updatedAt,
    readAt: readAt ?? null,
    currentAt: currentAt ?? readAt ?? null,
  };
}

function toDocument(link: Link): LinkDocument {
  return { ...link, intent: link.intent && JSON.stringify(link.intent) };
}

function fromDocument({ v: _v, intent, ...rest }: LinkDocument): Link {
  return { ...rest, intent: intent === null ? null : (JSON.parse(intent) as Intent) };
}

function decisionId(key: CanonicalKey, row: string | null): string {
  return `${key}#${row ?? ''}`;
}

function decisionIds(key: CanonicalKey, rows: string[]): string[] {
  return [null, ...rows].map((row) => decisionId(key, row));
}

/** Reads documents by their `_id`s, each at most once; those that are not there are absent. */
type ReadByIds<T> = (ids: readonly string[]) => Promise<T[]>;

/** @param projection of what is wanted, if not all: `T` is what is left of a document */
function byIds<D extends { _id: string }, T extends { _id: string } = D>(
  collection: Collection<D>,
  projection?: Record<string, 1>,
): ReadByIds<T> {
  const find = async (ids: readonly string[]) =>
    (await collection
      .find({ _id: { $in: ids } } as Filter<D>, projection && { projection })
      .toArray()) as unknown as T[];
  const few = new Together<readonly string[], T[]>(TOGETHER, async (questions) => {
    const found = new Map((await find([...new Set(questions.flat())])).map((each) => [each._id, each]));
    return questions.map((ids) => ids.flatMap((id) => found.get(id) ?? []));
  });
  return async (ids) => {
    if (ids.length === 0) return [];
    return ids.length > FEW ? find(ids) : few.do(ids);
  };
}

/** Inserts what is not there yet. @returns the `_id`s of what is */
async function insertNew<T extends { _id: string }>(
  collection: Collection<T>,
  documents: T[],
): Promise<Set<string>> {
  if (documents.length === 0) return new Set();
  try {
    await collection.insertMany(documents as OptionalUnlessRequiredId<T>[], { ordered: false });
    return new Set();
  } catch (error) {
    return new Set(duplicatesOf(error).flatMap((index) => documents[index]?._id ?? []));
  }
}

/** The value that whoever came first stored under a name. */
async function firstValue(meta: Collection<MetaDocument>, name: string, value: string): Promise<string> {
  try {
    await meta.insertOne({ _id: name, value });
    return value;
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
    return (await meta.findOne({ _id: name }))?.value ?? value;
  }
}
