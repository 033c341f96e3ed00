import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { BSON, type Db, type Document } from 'mongodb';
import { SIDES, type Side, type SyncRecord } from '../../src/sync/record';
import { manualMapping } from './manualMapping';
import { RecordedService } from './recordedService';
import { StoreStates } from './storeStates';
import { until } from './serviceProcess';

/**
 * The link store of a release: all collections, one file each, in MongoDB Extended JSON, with the records of both
 * systems next to it. https://www.mongodb.com/docs/manual/reference/mongodb-extended-json/
 */

export const FIXTURES = path.resolve(__dirname, '../fixtures');

/** The id of a backfill's shelf contains its run, which differs each time. */
const RUN = /^backfill-(.+)-records$/;

/** @returns the documents of each collection of a recorded store, by the collection's name */
export function recordedStore(version: number): Record<string, Document[]> {
  const folder = path.join(FIXTURES, `store-v${version}`, 'collections');
  return Object.fromEntries(
    readdirSync(folder).map((file) => {
      const text = readFileSync(path.join(folder, file), 'utf8');
      return [file.replace(/\.json$/, ''), BSON.EJSON.parse(text) as Document[]];
    }),
  );
}

/** The records of both systems when the store was recorded, as the adapters return them. */
export function recordedSystems(version: number): Record<Side, SyncRecord[]> {
  const read = (side: Side) =>
    JSON.parse(
      readFileSync(path.join(FIXTURES, `store-v${version}`, 'systems', `${side}.json`), 'utf8'),
    ) as SyncRecord[];
  return { zendesk: read('zendesk'), pms: read('pms') };
}

export function recordedMapping(version: number): string {
  return path.join(FIXTURES, `store-v${version}`, 'mapping.yaml');
}

/** Puts a recorded store into a database. */
export async function restoreStore(db: Db, version: number): Promise<void> {
  for (const [name, documents] of Object.entries(recordedStore(version)))
    await db.collection(name).insertMany(documents);
}

/** Produces all states and rewrites the fixture. */
export async function recordStore(version: number): Promise<void> {
  const folder = path.join(FIXTURES, `store-v${version}`);
  const mappingFile = manualMapping();
  const service = await RecordedService.start(mappingFile);
  try {
    const states = new StoreStates(service);
    await states.atRest();
    await states.halfDone();
    await states.heldBack();
    await states.backfill();
    await states.lostAnswer();
    await pastWindow(service.db);
    await service.failToServe();
    await service.stopWorkers();
    await states.hints();
    await service.faults('pms');
    await service.faults('zendesk');
    for (const part of ['collections', 'systems']) {
      rmSync(path.join(folder, part), { recursive: true, force: true });
      mkdirSync(path.join(folder, part), { recursive: true });
    }
    copyFileSync(mappingFile, path.join(folder, 'mapping.yaml'));
    await dumpCollections(service, path.join(folder, 'collections'));
    await dumpSystems(service, path.join(folder, 'systems'));
  } finally {
    await service.close();
  }
}

/** Windows of a rate limit last a minute. */
async function pastWindow(db: Db): Promise<void> {
  await until(async () => (await db.collection('budgetWindows').countDocuments()) > 0);
}

async function dumpCollections({ db, name }: RecordedService, folder: string): Promise<void> {
  const collections = (await db.listCollections({}, { nameOnly: true }).toArray()).map((each) => each.name);
  const [run] = collections.flatMap((each) => RUN.exec(each)?.[1] ?? []);
  if (run === undefined) throw new Error('no backfill was under way');
  const neutral = (text: string) =>
    text.replaceAll(hostname(), 'host').replaceAll(name, 'zendesk-pms-sync').replaceAll(run, 'run');
  for (const collection of collections) {
    const documents = await db.collection(collection).find().sort({ _id: 1 }).toArray();
    const text = BSON.EJSON.stringify(documents, undefined, 1, { relaxed: false });
    writeFileSync(path.join(folder, `${neutral(collection)}.json`), `${neutral(text)}\n`);
  }
}

async function dumpSystems({ boxes: { systems } }: RecordedService, folder: string): Promise<void> {
  const kinds = { zendesk: ['organization', 'ticket', 'comment'], pms: ['customer', 'project', 'note'] };
  for (const side of SIDES) {
    const records: SyncRecord[] = [];
    for (const kind of kinds[side]) {
      let cursor: string | null = null;
      do {
        const page = await systems[side].walk(kind, cursor, null);
        records.push(...page.records);
        ({ cursor } = page);
      } while (cursor !== null);
    }
    writeFileSync(path.join(folder, `${side}.json`), `${JSON.stringify(records, null, 1)}\n`);
  }
}
