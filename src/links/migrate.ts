import type { Collection, Db, Filter } from 'mongodb';
import { VERSIONED, type Stored, type VersionedCollection } from './migrations';
import { SCHEMA, NewerStore } from './migrations/storedSchema';
import { Versions, VersionedDocuments } from './versions';

/** The outcome for one collection. */
export interface MigratedCollection {
  collection: string;
  /** The number of documents of an earlier version. */
  older: number;
  /** Of these, the number that were migrated, also by other processes; in a dry run, that can be migrated. */
  migrated: number;
  /** The number that a process of an earlier release has written again meanwhile. */
  left: number;
  /** The earliest version; null if all documents have the present version. */
  oldest: number | null;
  /** The `_id`s of documents that a migration failed on, each with the error message. */
  failed: { id: string; why: string }[];
}

export interface MigrateOptions {
  /** Every migration is tried, and nothing is written. */
  dryRun: boolean;
  onProgress?: (collection: string, documents: number) => void;
  schema?: typeof SCHEMA;
  prefix?: string;
}

const PAGE = 200;
/** Matches the collections of a backfill's shelves (see `BackfillStore`). */
const SHELF = /^backfill-.+-records$/;

/**
 * Migrates every stored document to this release's version. It may be interrupted and repeated at any time, and may run
 * beside workers of this release: documents that they write meanwhile stay as they are.
 *
 * @throws NewerStore if a later release has written to the store
 */
export async function migrateStore(db: Db, options: MigrateOptions): Promise<MigratedCollection[]> {
  const { dryRun, schema = SCHEMA, prefix = '' } = options;
  const versions = new Versions(db, prefix, schema);
  await versions.check();
  if (!dryRun) await versions.say();
  const done: MigratedCollection[] = [];
  for (const [name, collection] of await collectionsOf(db, prefix)) {
    const documents = new VersionedDocuments<Stored>(collection, name, versions);
    done.push(await new Walk(documents, schema.version, options).toTheEnd());
  }
  return done;
}

async function collectionsOf(db: Db, prefix: string): Promise<[VersionedCollection, Collection<Stored>][]> {
  const found: [VersionedCollection, Collection<Stored>][] = [];
  for (const { name } of await db.listCollections({}, { nameOnly: true }).toArray()) {
    if (!name.startsWith(prefix)) continue;
    const own = name.slice(prefix.length);
    const versioned = SHELF.test(own) ? 'shelf' : own;
    if (isVersioned(versioned) && own !== 'shelf') found.push([versioned, db.collection<Stored>(name)]);
  }
  return found.sort(([, a], [, b]) => (a.collectionName < b.collectionName ? -1 : 1));
}

function isVersioned(name: string): name is VersionedCollection {
  return Object.hasOwn(VERSIONED, name);
}

/** Migrates one collection, in the order of its `_id`s. */
class Walk {
  private readonly result: MigratedCollection;

  constructor(
    private readonly documents: VersionedDocuments<Stored>,
    private readonly version: number,
    private readonly options: MigrateOptions,
  ) {
    this.result = {
      collection: documents.all.collectionName,
      older: 0,
      migrated: 0,
      left: 0,
      oldest: null,
      failed: [],
    };
  }

  async toTheEnd(): Promise<MigratedCollection> {
    const { result, options } = this;
    let after: string | null = null;
    for (;;) {
      const page = await this.pageAfter(after);
      const last = page.at(-1);
      if (!last) return result;
      after = last._id;
      const versions = page.map(({ v = 0 }) => v);
      result.oldest = Math.min(result.oldest ?? Infinity, ...versions);
      result.older += page.length;
      const readable = page.filter((document) => this.canRead(document));
      const left = options.dryRun ? 0 : await this.bringUp(readable);
      result.left += left;
      result.migrated += readable.length - left;
      options.onProgress?.(result.collection, result.older);
    }
  }

  /** @returns the number of documents that still have an earlier version */
  private async bringUp(documents: Stored[]): Promise<number> {
    if ((await this.documents.bringUp(documents)) === documents.length) return 0;
    const filter = { _id: { $in: documents.map(({ _id }) => _id) }, v: { $ne: this.version } };
    return this.documents.all.countDocuments(filter);
  }

  private pageAfter(after: string | null): Promise<Stored[]> {
    const filter = { v: { $ne: this.version }, ...(after !== null && { _id: { $gt: after } }) };
    return this.documents.all
      .find(filter as Filter<Stored>)
      .sort({ _id: 1 })
      .limit(PAGE)
      .toArray();
  }

  private canRead(document: Stored): boolean {
    try {
      this.documents.read(document);
      return true;
    } catch (error) {
      if (error instanceof NewerStore) throw error;
      this.result.failed.push({
        id: document._id,
        why: error instanceof Error ? error.message : String(error),
      });
      return false;
    }
  }
}
