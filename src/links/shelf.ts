import { randomBytes } from 'node:crypto';
import { type AnyBulkWriteOperation, type Collection, type Db } from 'mongodb';
import { duplicatesOf } from '../platform/mongoErrors';
import { matchKey, refKey } from '../sync/canonicalKey';
import { fits } from './documentSize';
import { SCHEMA, type Schema } from './migrations/storedSchema';
import type { Stored } from './migrations';
import type { Json, RecordRef, RefKey, Side, SyncRecord } from '../sync/record';

/**
 * All records of both systems, put aside in the link store's database under a scratch name while a command needs
 * more of them than fit into memory. Nothing else reads them, and they are dropped in the end.
 */
export interface RecordShelf {
  /** Keeps each record unless a newer one is kept already. @returns those that are too large to be kept */
  put(records: SyncRecord[]): Promise<TooLargeRecord[]>;
  remove(refs: RecordRef[]): Promise<void>;
  get(refs: Iterable<RefKey>): Promise<Map<RefKey, SyncRecord>>;
  /** Records whose back-reference is one of these. */
  naming(refs: Iterable<RefKey>): Promise<SyncRecord[]>;
  /** Live records of a kind whose property holds the value, ignoring case. */
  holding(side: Side, kind: string, property: string, value: Json): Promise<SyncRecord[]>;
  /** Which of these values, as text in lower case, any live record of a kind holds in a property; one query. */
  held(side: Side, kind: string, property: string, values: readonly Json[]): Promise<Set<string>>;
  /** All records of a kind, in the order of their names. */
  all(side: Side, kind: string): AsyncIterable<SyncRecord>;
}

/** A record that MongoDB would refuse. */
export interface TooLargeRecord {
  ref: RecordRef;
  /** Of its JSON text. */
  bytes: number;
}

interface ShelfDocument extends Stored {
  _id: RefKey;
  order: number;
  backRef: RefKey | null;
  /** `kind property value`, lower case, for every property by which records are looked for. */
  held: string[];
  record: string;
}

const SCRATCH = /^scratch-(\d+)-/;
const STALE_MS = 24 * 60 * 60_000;

/**
 * Works under a scratch name of its own, and drops everything under it in the end. What a run that was killed left
 * behind is dropped by a later one, after a day.
 */
export async function withScratch<T>(db: Db, work: (prefix: string) => Promise<T>): Promise<T> {
  const prefix = `scratch-${Date.now()}-${randomBytes(3).toString('hex')}-`;
  const drop = async (stale: (name: string) => boolean) => {
    for (const { name } of await db.listCollections({}, { nameOnly: true }).toArray())
      if (stale(name)) await db.dropCollection(name);
  };
  await drop((name) => Number(SCRATCH.exec(name)?.[1] ?? Infinity) < Date.now() - STALE_MS);
  try {
    return await work(prefix);
  } finally {
    await drop((name) => name.startsWith(prefix));
  }
}

/** @param lookedFor properties by side and kind (`zendesk:organization`) that {@link RecordShelf.holding} is asked for */
export async function openShelf(
  db: Db,
  prefix: string,
  lookedFor: ReadonlyMap<string, readonly string[]>,
  schema = SCHEMA,
): Promise<RecordShelf> {
  const records = db.collection<ShelfDocument>(`${prefix}records`);
  await records.createIndex({ backRef: 1 });
  await records.createIndex({ held: 1 });
  return new MongoShelf(records, lookedFor, schema);
}

class MongoShelf implements RecordShelf {
  constructor(
    private readonly records: Collection<ShelfDocument>,
    private readonly lookedFor: ReadonlyMap<string, readonly string[]>,
    private readonly schema: Schema,
  ) {}

  async put(records: SyncRecord[]): Promise<TooLargeRecord[]> {
    const tooLarge: TooLargeRecord[] = [];
    const writes = records.flatMap((record): AnyBulkWriteOperation<ShelfDocument>[] => {
      const _id = refKey(record.ref);
      const { order, backRef } = record;
      const held = this.heldBy(record);
      const text = JSON.stringify(record);
      const replacement = this.schema.stamp({ order, backRef, held, record: text });
      if (!fits({ _id, ...replacement })) {
        tooLarge.push({ ref: record.ref, bytes: Buffer.byteLength(text) });
        return [];
      }
      // A newer one does not match the filter; the upsert then meets its _id and is refused.
      return [{ replaceOne: { filter: { _id, order: { $lte: order } }, replacement, upsert: true } }];
    });
    try {
      if (writes.length > 0) await this.records.bulkWrite(writes, { ordered: false });
    } catch (error) {
      duplicatesOf(error);
    }
    return tooLarge;
  }

  async remove(refs: RecordRef[]): Promise<void> {
    if (refs.length > 0) await this.records.deleteMany({ _id: { $in: refs.map(refKey) } });
  }

  async get(refs: Iterable<RefKey>): Promise<Map<RefKey, SyncRecord>> {
    const wanted = [...new Set(refs)];
    if (wanted.length === 0) return new Map();
    const found = await this.records.find({ _id: { $in: wanted } }).toArray();
    return new Map(found.map((each) => [each._id, this.recordOf(each)]));
  }

  async naming(refs: Iterable<RefKey>): Promise<SyncRecord[]> {
    const wanted = [...new Set(refs)];
    if (wanted.length === 0) return [];
    const found = await this.records.find({ backRef: { $in: wanted } }).toArray();
    return found.map((each) => this.recordOf(each));
  }

  async holding(side: Side, kind: string, property: string, value: Json): Promise<SyncRecord[]> {
    const found = await this.records.find({ held: holds(`${side}:${kind}`, property, value) }).toArray();
    return found
      .map((each) => this.recordOf(each))
      .filter((record) => record.state === 'live')
      .sort((a, b) => (refKey(a.ref) < refKey(b.ref) ? -1 : 1));
  }

  async held(side: Side, kind: string, property: string, values: readonly Json[]): Promise<Set<string>> {
    const named = `${side}:${kind}`;
    const wanted = new Map(values.map((value) => [holds(named, property, value), matchKey(value)]));
    if (wanted.size === 0) return new Set();
    const found = await this.records
      .find({ held: { $in: [...wanted.keys()] } })
      .project<{ held: string[] }>({ _id: 0, held: 1 })
      .toArray();
    return new Set(found.flatMap(({ held }) => held.flatMap((each) => wanted.get(each) ?? [])));
  }

  async *all(side: Side, kind: string): AsyncIterable<SyncRecord> {
    const first = `${side}:${kind}:`;
    // ";" follows ":": the range holds all names that begin with the kind.
    const range = { _id: { $gte: first, $lt: `${side}:${kind};` } };
    for await (const each of this.records.find(range).sort({ _id: 1 })) yield this.recordOf(each);
  }

  private recordOf(document: ShelfDocument): SyncRecord {
    return JSON.parse(this.schema.read('shelf', document).record) as SyncRecord;
  }

  private heldBy(record: SyncRecord): string[] {
    const kind = `${record.ref.side}:${record.ref.kind}`;
    return (this.lookedFor.get(kind) ?? []).flatMap((property) =>
      [record.values[property] ?? null]
        .flat()
        .flatMap((value) => (value === null ? [] : holds(kind, property, value))),
    );
  }
}

function holds(kind: string, property: string, value: Json): string {
  return `${kind} ${property} ${matchKey(value)}`;
}
