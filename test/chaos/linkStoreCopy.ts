import type { Db, Document } from 'mongodb';

/** All documents of a database, like a provider's snapshot. The service creates the indexes. */
export class LinkStoreCopy {
  private constructor(private readonly collections: ReadonlyMap<string, readonly Document[]>) {}

  /** @param db without other writers meanwhile */
  static async of(db: Db): Promise<LinkStoreCopy> {
    const collections = new Map<string, Document[]>();
    for (const { name } of await db.listCollections().toArray())
      collections.set(name, await db.collection(name).find().toArray());
    return new LinkStoreCopy(collections);
  }

  async restoreTo(db: Db): Promise<void> {
    for (const [name, documents] of this.collections)
      if (documents.length > 0) await db.collection(name).insertMany([...documents]);
  }
}
