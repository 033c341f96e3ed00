import { isDeepStrictEqual } from 'node:util';
import { type AnyBulkWriteOperation, type Collection, type Db, type Filter } from 'mongodb';
import { isDuplicateKey } from '../platform/mongoErrors';
import { VERSIONED, type Stored, type VersionedCollection } from './migrations';
import { NewerStore, type Schema } from './migrations/storedSchema';

/** The document in `meta` with the newest version that was written to the store. */
interface StoreDocument {
  _id: 'store';
  version: number;
}

/**
 * The versions of stored documents: documents are migrated when they are read, and get a version when they are written.
 */
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

  /** @throws NewerStore if a later release has written to the store */
  async check(): Promise<void> {
    this.expectKnown((await this.meta.findOne({ _id: 'store' }))?.version ?? 0);
  }

  /** Stores the version before the process writes its first document. @throws NewerStore */
  say(): Promise<void> {
    this.said ??= this.raise().catch((error: unknown) => {
      this.said = null;
      throw error;
    });
    return this.said;
  }

  private async raise(): Promise<void> {
    // If two processes insert it at once, one of them finds the other's document.
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

/** A collection of documents with versions. */
export class VersionedDocuments<D extends Stored> {
  private readonly schema: Schema;

  constructor(
    /** The collection itself, for reads, deletions, and updates of fields that are written separately. */
    readonly all: Collection<D>,
    private readonly name: VersionedCollection,
    private readonly versions: Versions,
  ) {
    this.schema = versions.schema;
  }

  /** The collection for writing whole documents, each of which must be {@link stamp}ed. */
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

  /** For documents that are later deleted by their content: the stored document must equal the one that was read. */
  async readInPlace(documents: D[]): Promise<D[]> {
    const older = documents.filter((document) => this.isOther(document));
    if (older.length > 0) await this.bringUp(older);
    return documents.map((document) => this.read(document));
  }

  /**
   * Migrates documents to this version, except those that were written since they were read. It does not touch fields
   * that are written separately. @returns the number of migrated documents
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

/** The update that turns the first document into the second. */
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
