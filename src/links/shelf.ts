import { randomBytes } from 'node:crypto';
import { type AnyBulkWriteOperation, type Collection, type Db } from 'mongodb';
import { duplicatesOf } from '../platform/mongoErrors';
import { matchKey, refKey } from '../sync/canonicalKey';
import { fits } from './documentSize';
import { SCHEMA, type Schema } from './migrations/storedSchema';
import type { Stored } from './migrations';
import type { Json, RecordRef, RefKey, Side, SyncRecord } from '../sync/record';

/**
 * A shelf: records of both systems in a temporary collection of the link store's database, for a command that needs
 * more records than fit into memory. The command drops the collection at its end.
 */
export interface RecordShelf {
  /** Stores each record, unless a newer one is stored already. @returns the records that are too large */
  put(records: SyncRecord[]): Promise<TooLargeRecord[]>;
  remove(refs: RecordRef[]): Promise<void>;
  get(refs: Iterable<RefKey>): Promise<Map<RefKey, SyncRecord>>;
  /** The records with one of these back-references. */
  naming(refs: Iterable<RefKey>): Promise<SyncRecord[]>;
  /** The live records of a kind whose property has the value; case is ignored. */
  holding(side: Side, kind: string, property: string, value: Json): Promise<SyncRecord[]>;
  /** Those of the values, as text in lower case, that a live record of a kind has in a property. Costs one query. */
  held(side: Side, kind: string, property: string, values: readonly Json[]): Promise<Set<string>>;
  /** All records of a kind, in the order of their references. */
  all(side: Side, kind: string): AsyncIterable<SyncRecord>;
}

/** A record that is too large for MongoDB. */
export interface TooLargeRecord {
  ref: RecordRef;
  /** The size of its JSON text. */
  bytes: number;
}

interface ShelfDocument extends Stored {
  _id: RefKey;
  order: number;
  backRef: RefKey | null;
  /** `kind property value`, in lower case, for every property that look-ups use. */
  held: string[];
  record: string;
}

const SCRATCH = /^scratch-(\d+)-/;
const STALE_MS = 24 * 60 * 60_000;

/**
 * Runs work with a temporary prefix of collection names, and drops these collections afterwards. If the process is
 * killed, a later run drops them, after a day.
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

/**
 * @param lookedFor by side and kind (`zendesk:organization`), the properties that {@link RecordShelf.holding} looks up
 */
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
      // A newer record does not match the filter; the upsert then fails with a duplicate _id.
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
    // ";" is the character after ":", so the range has all references that begin with the kind.
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
