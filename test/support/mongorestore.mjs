#!/usr/bin/env node
/**
 * What the restore drill needs of mongorestore, which is no package: an archive as `dumpTo` of databaseDump.ts writes it,
 * restored under another name.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { BSON, MongoClient } from 'mongodb';

const options = new Map(
  process.argv.slice(2).map((arg) => {
    const [name, ...value] = arg.replace(/^--/, '').split('=');
    return [name, value.join('=')];
  }),
);
for (const name of ['uri', 'drop', 'gzip', 'archive', 'nsInclude', 'nsFrom', 'nsTo'])
  if (!options.has(name)) throw new Error(`mongorestore: --${name} is missing`);
const databaseOf = (namespaces) => options.get(namespaces).replace(/\.\*$/, '');
if (databaseOf('nsInclude') !== databaseOf('nsFrom')) throw new Error('mongorestore: another database');

const { database, collections } = BSON.EJSON.parse(
  gunzipSync(readFileSync(options.get('archive'))).toString(),
);
if (database !== databaseOf('nsFrom')) throw new Error(`mongorestore: the archive is of ${database}`);
const mongo = await MongoClient.connect(options.get('uri'));
const db = mongo.db(databaseOf('nsTo'));
await db.dropDatabase();
for (const { name, documents } of collections)
  if (documents.length > 0) await db.collection(name).insertMany(documents);
await mongo.close();
