import type { Collection, Db, Filter } from 'mongodb';
import { VERSIONED, type Stored, type VersionedCollection } from './migrations';
import { SCHEMA, NewerStore } from './migrations/storedSchema';
import { Versions, VersionedDocuments } from './versions';

/** What became of the documents of one collection. */
export interface MigratedCollection {
  collection: string;
  /** Documents of an earlier version that were met. */
  older: number;
  /** Of these: brought to this version, by whomever; in a dry run, those that can be. */
  migrated: number;
  /** Those that another process of an earlier release wrote again meanwhile. */
  left: number;
  /** The earliest version that was met; null where all documents are of this one. */
  oldest: number | null;
  /** The `_id`s of those that no migration understands, each with the error's message. */
  failed: { id: string; why: string }[];
}

export interface MigrateOptions {
  /** Nothing is written; every migration is tried all the same. */
  dryRun: boolean;
  onProgress?: (collection: string, documents: number) => void;
  schema?: typeof SCHEMA;
  prefix?: string;
}

const PAGE = 200;
/** A backfill's shelves, as `BackfillStore` names them. */
const SHELF = /^backfill-.+-records$/;

/**
 * Brings every stored document to this release's version. It can be interrupted and repeated at any time, as what is done is
 * no longer older, and run beside workers of this release: what they write meanwhile stays as they wrote it.
 * @throws NewerStore where a later release has written to the store
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

/** One collection in the order of its `_id`s. */
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

  /** @returns how many are still older */
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
