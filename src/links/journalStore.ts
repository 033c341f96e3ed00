import type { AnyBulkWriteOperation, Filter } from 'mongodb';
import { isDuplicateKey } from '../platform/mongoErrors';
import type { CanonicalKey } from '../sync/canonicalKey';
import { REDACTED, type JournalEntry, type JournalRow } from '../sync/journal';
import type { Cause } from '../sync/journalCauses';
import type { EntityType, Json } from '../sync/record';
import { SHARED_PACE, TOGETHER } from './byIds';
import type { Stored } from './migrations';
import { Together } from './together';
import type { VersionedDocuments } from './versions';

/** The bounds of the journal, in days and in size. */
export interface JournalBounds {
  days: number;
  megabytes: number;
}

export const JOURNAL_BOUNDS: JournalBounds = { days: 30, megabytes: 1_000 };

/** Values are stored as JSON text, because they may have names with dots, which MongoDB treats as paths. */
type RowDocument = Omit<JournalRow, 'before' | 'after' | 'shown' | 'former'> & {
  before?: string;
  after: string;
  shown?: string;
  former?: string;
};

export type JournalDocument = Omit<JournalEntry, 'id' | 'at' | 'rows'> &
  Stored & {
    at: Date;
    expires: Date;
    rows: RowDocument[];
    /** The approximate size of the entry: not every compatible server reports the size of a collection. */
    bytes: number;
  };

/** A filter of entries. An absent criterion excludes no entry. */
export interface JournalFilter {
  key?: CanonicalKey;
  entity?: EntityType;
  /** ISO times: an entry at `since` is included, an entry at `until` is not. */
  since?: string;
  until?: string;
  /** A cause, or a kind of causes: `remap` includes `remap:9f3a11c0`. */
  cause?: Cause;
  row?: string;
}

/** The approximate size of an entry's id, times and field names. */
const OVERHEAD_BYTES = 200;
export const DAY_MS = 24 * 3_600_000;
/** A sweep deletes down to this share of the bound, so that not every sweep has to delete something. */
const LEFT_AFTER_SWEEP = 0.9;

/** The journal: all writes of the sync to either system. */
export class JournalStore {
  private readonly notes = new Together<readonly JournalEntry[], void>(
    TOGETHER,
    (groups) => this.noteAll(groups),
    SHARED_PACE,
  );

  constructor(
    private readonly entries: VersionedDocuments<JournalDocument>,
    private readonly bounds: JournalBounds,
    private readonly now: () => Date,
  ) {}

  async createIndexes(): Promise<void> {
    const { all } = this.entries;
    await all.createIndex({ key: 1, at: -1 });
    await all.createIndex({ at: -1, _id: -1 });
    await all.createIndex({ causes: 1, at: -1 });
    await all.createIndex({ expires: 1 }, { expireAfterSeconds: 0 });
  }

  /**
   * Stores the outcomes of writes, each under its id. An entry with the outcome `done` keeps it. One command stores the
   * entries of several pairs.
   */
  async note(entries: readonly JournalEntry[]): Promise<void> {
    if (entries.length > 0) await this.notes.do(entries);
  }

  private async noteAll(groups: readonly (readonly JournalEntry[])[]): Promise<void[]> {
    const writes = groups.flat().map((entry) => this.upsert(entry));
    const collection = await this.entries.toWrite();
    try {
      await collection.bulkWrite(writes, { ordered: false });
    } catch (error) {
      // Two attempts stored the entry of one write at the same time.
      if (!isDuplicateKey(error)) throw error;
      await collection.bulkWrite(writes, { ordered: false });
    }
    return groups.map(() => undefined);
  }

  private upsert(entry: JournalEntry): AnyBulkWriteOperation<JournalDocument> {
    const { id, at, rows, ...rest } = entry;
    const first = { at: new Date(at), expires: new Date(Date.parse(at) + this.bounds.days * DAY_MS) };
    const content = { ...rest, rows: rows.map(toDocument) };
    const bytes = JSON.stringify(content).length + OVERHEAD_BYTES;
    const said = this.entries.stamp({ ...content, bytes });
    const update =
      entry.outcome === 'done'
        ? { $set: said, $setOnInsert: first }
        : { $setOnInsert: { ...said, ...first } };
    return { updateOne: { filter: { _id: id }, update: update, upsert: true } };
  }

  /** A page of entries, the latest first. @param after the last entry of the page before */
  async page(
    filter: JournalFilter,
    after: Pick<JournalEntry, 'at' | 'id'> | null,
    limit: number,
  ): Promise<JournalEntry[]> {
    const beyond = after && {
      $or: [{ at: { $lt: new Date(after.at) } }, { at: new Date(after.at), _id: { $lt: after.id } }],
    };
    const query = { $and: [queryOf(filter), ...(beyond ? [beyond] : [])] } as Filter<JournalDocument>;
    const found = await this.entries.all.find(query).sort({ at: -1, _id: -1 }).limit(limit).toArray();
    return found.map((each) => this.entryOf(each));
  }

  /** All entries of some pairs, the oldest first. */
  async ofPairs(keys: readonly CanonicalKey[]): Promise<Map<CanonicalKey, JournalEntry[]>> {
    const found = await this.entries.all
      .find({ key: { $in: [...keys] } })
      .sort({ at: 1, _id: 1 })
      .toArray();
    const byKey = new Map<CanonicalKey, JournalEntry[]>(keys.map((key) => [key, []]));
    for (const each of found) byKey.get(each.key)?.push(this.entryOf(each));
    return byKey;
  }

  /** The next pairs, in the order of their keys, with an entry that a filter selects. */
  async keysAfter(filter: JournalFilter, after: CanonicalKey | null, limit: number): Promise<CanonicalKey[]> {
    const found = await this.entries.all
      .aggregate<{ _id: CanonicalKey }>([
        { $match: { $and: [queryOf(filter), ...(after === null ? [] : [{ key: { $gt: after } }])] } },
        { $group: { _id: '$key' } },
        { $sort: { _id: 1 } },
        { $limit: limit },
      ])
      .toArray();
    return found.map(({ _id }) => _id);
  }

  /** Removes the values of redacted rows, and the texts that were written instead of them. */
  async redact(key: CanonicalKey, rows: readonly string[]): Promise<void> {
    const gone = JSON.stringify(REDACTED);
    const blank = { before: gone, after: gone, shown: gone };
    const set = Object.fromEntries(
      Object.entries(blank).map(([name, text]) => [`rows.$[one].${name}`, text]),
    );
    await this.entries.all.updateMany(
      { key, 'rows.row': { $in: [...rows] } },
      { $set: { ...set, 'rows.$[one].cut': true }, $unset: { 'rows.$[one].former': '' } } as object,
      { arrayFilters: [{ 'one.row': { $in: [...rows] } }] },
    );
  }

  /**
   * Drops the entries that exceed the bounds of the journal, the oldest first. Link hygiene calls this.
   * @returns the number of dropped entries
   */
  async sweep(): Promise<number> {
    const { all } = this.entries;
    const oldest = new Date(this.now().getTime() - this.bounds.days * DAY_MS);
    const aged = await all.deleteMany({ at: { $lt: oldest } });
    const { bytes, count } = await this.size();
    const most = this.bounds.megabytes * 1_000_000;
    if (bytes <= most || count === 0) return aged.deletedCount;
    const surplus = Math.ceil(count * (1 - (most * LEFT_AFTER_SWEEP) / bytes));
    const [last] = await all
      .find()
      .sort({ at: 1, _id: 1 })
      .skip(surplus - 1)
      .limit(1)
      .toArray();
    if (!last) return aged.deletedCount;
    const more = await all.deleteMany({ at: { $lte: last.at } });
    return aged.deletedCount + more.deletedCount;
  }

  /** The approximate size of all entries, without indexes. */
  async size(): Promise<{ bytes: number; count: number }> {
    const [sum] = await this.entries.all
      .aggregate<{ bytes: number; count: number }>([
        { $group: { _id: null, bytes: { $sum: '$bytes' }, count: { $sum: 1 } } },
      ])
      .toArray();
    return sum ?? { bytes: 0, count: 0 };
  }

  private entryOf(document: JournalDocument): JournalEntry {
    const { _id, at, rows, key, entity, side, ref, op, joins, causes, from, mapping, outcome, words } =
      this.entries.read(document);
    const rest = {
      key,
      entity,
      side,
      ref,
      op,
      ...(joins && { joins }),
      causes,
      from,
      mapping,
      outcome,
      words,
    };
    return { id: _id, at: at.toISOString(), ...rest, rows: rows.map(fromDocument) };
  }
}

function queryOf({ key, entity, since, until, cause, row }: JournalFilter): Filter<JournalDocument> {
  const at = {
    ...(since !== undefined && { $gte: new Date(since) }),
    ...(until !== undefined && { $lt: new Date(until) }),
  };
  const kind = cause === undefined ? null : new RegExp(`^${cause.replace(/[^\w]/g, '\\$&')}:`);
  return {
    ...(key !== undefined && { key }),
    ...(entity !== undefined && { entity }),
    ...(Object.keys(at).length > 0 && { at }),
    ...(cause !== undefined && kind && { causes: { $in: [cause, kind] } }),
    ...(row !== undefined && { 'rows.row': row }),
  };
}

function toDocument({ before, after, shown, former, ...rest }: JournalRow): RowDocument {
  return {
    ...rest,
    ...(before !== undefined && { before: JSON.stringify(before) }),
    after: JSON.stringify(after),
    ...(shown !== undefined && { shown: JSON.stringify(shown) }),
    ...(former !== undefined && { former: JSON.stringify(former) }),
  };
}

function fromDocument({ before, after, shown, former, ...rest }: RowDocument): JournalRow {
  return {
    ...rest,
    ...(before !== undefined && { before: JSON.parse(before) as Json }),
    after: JSON.parse(after) as Json,
    ...(shown !== undefined && { shown: JSON.parse(shown) as Json }),
    ...(former !== undefined && { former: JSON.parse(former) as NonNullable<JournalRow['former']> }),
  };
}
