import { isDeepStrictEqual } from 'node:util';
import { type AnyBulkWriteOperation, type Collection, type Db, type Filter } from 'mongodb';
import { isDuplicateKey } from '../platform/mongoErrors';
import { VERSIONED, type Stored, type VersionedCollection } from './migrations';
import { NewerStore, type Schema } from './migrations/storedSchema';

/** The store's own document in `meta`: the newest version of which anything was written. */
interface StoreDocument {
  _id: 'store';
  version: number;
}

/** A link store's documents and their versions: what is read is brought up to date, what is written says its version. */
export class Versions {
  private readonly meta: Collection<StoreDocument>;
  private said: Promise<void> | null = null;

  constructor(
    private readonly db: Db,
    private readonly prefix: string,
    readonly schema: Schema,
  ) {
    this.meta = db.collection(`${prefix}meta`);
  }

  of<D extends Stored>(name: Exclude<VersionedCollection, 'shelf'>): VersionedDocuments<D> {
    return new VersionedDocuments(this.db.collection<D>(`${this.prefix}${name}`), name, this);
  }

  /** @throws NewerStore where a later release has written to the store */
  async check(): Promise<void> {
    this.expectKnown((await this.meta.findOne({ _id: 'store' }))?.version ?? 0);
  }

  /** The store says this version before the first document of it is written; once a process. @throws NewerStore */
  say(): Promise<void> {
    this.said ??= this.raise().catch((error: unknown) => {
      this.said = null;
      throw error;
    });
    return this.said;
  }

  private async raise(): Promise<void> {
    // Where two are the first at once, one meets the other's document.
    for (;;) {
      try {
        const stored = await this.meta.findOneAndUpdate(
          { _id: 'store' },
          { $max: { version: this.schema.version } },
          { upsert: true, returnDocument: 'after' },
        );
        return this.expectKnown(stored?.version ?? 0);
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
      }
    }
  }

  private expectKnown(version: number): void {
    if (version > this.schema.version)
      throw new NewerStore(`MONGODB_DATABASE ${this.db.databaseName}`, version, this.schema.version);
  }
}

/** One collection of documents that say their version. */
export class VersionedDocuments<D extends Stored> {
  private readonly schema: Schema;

  constructor(
    /** For reading, for deleting, and for the fields that are written apart. */
    readonly all: Collection<D>,
    private readonly name: VersionedCollection,
    private readonly versions: Versions,
  ) {
    this.schema = versions.schema;
  }

  /** For writing whole documents, each {@link stamp}ed. */
  async toWrite(): Promise<Collection<D>> {
    await this.versions.say();
    return this.all;
  }

  stamp<T extends object>(document: T): T & { v: number } {
    return this.schema.stamp(document);
  }

  /** @throws NewerStore */
  read(document: D): D {
    return this.schema.read(this.name, document);
  }

  /** Whether a document has another form than this release writes. */
  isOther(document: Pick<Stored, 'v'>): boolean {
    return this.schema.isOther(this.name, document);
  }

  /** For documents that are dropped by their content later on: what is stored must be what was read. */
  async readInPlace(documents: D[]): Promise<D[]> {
    const older = documents.filter((document) => this.isOther(document));
    if (older.length > 0) await this.bringUp(older);
    return documents.map((document) => this.read(document));
  }

  /**
   * Brings documents to this version, except those that were written since they were read. Fields that are written apart
   * are left alone. @returns how many it brought
   */
  async bringUp(documents: D[]): Promise<number> {
    const writes = documents.map((document): AnyBulkWriteOperation<D> => {
      const known = VERSIONED[this.name].written.map((field) => [field, valueOf(document, field) ?? null]);
      const filter = { _id: document._id, ...Object.fromEntries(known) } as Filter<D>;
      const update = difference(document, this.read(document)) as object;
      return { updateOne: { filter, update } };
    });
    if (writes.length === 0) return 0;
    return (await (await this.toWrite()).bulkWrite(writes, { ordered: false })).matchedCount;
  }
}

function valueOf(document: object, field: string): unknown {
  return (document as Record<string, unknown>)[field];
}

/** The update that makes one document of the other. */
function difference(before: object, after: object): { $set: object; $unset?: object } {
  const set = Object.entries(after).filter(
    ([field, value]) => !isDeepStrictEqual(valueOf(before, field), value),
  );
  const gone = Object.keys(before).filter((field) => !(field in after));
  return {
    $set: Object.fromEntries(set),
    ...(gone.length > 0 && { $unset: Object.fromEntries(gone.map((field) => [field, ''])) }),
  };
}
