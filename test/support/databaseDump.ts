import { writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { BSON, type Db } from 'mongodb';

/** All documents of a database in one file, for `mongorestore.mjs`. The service creates the indexes. */
export async function dumpTo(file: string, db: Db): Promise<void> {
  const collections: { name: string; documents: unknown[] }[] = [];
  for (const { name } of await db.listCollections().toArray())
    collections.push({ name, documents: await db.collection(name).find().toArray() });
  const text = BSON.EJSON.stringify({ database: db.databaseName, collections }, { relaxed: false });
  writeFileSync(file, gzipSync(text));
}
