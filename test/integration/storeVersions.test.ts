import { randomUUID } from 'node:crypto';
import { MongoClient, type Db, type Document } from 'mongodb';
import { migrateStore } from '../../src/links/migrate';
import { MIGRATIONS, VERSIONED, type Migration } from '../../src/links/migrations';
import { NewerStore, SCHEMA, Schema } from '../../src/links/migrations/storedSchema';
import { Versions } from '../../src/links/versions';
import { openLinkStore, type LinkStore } from '../../src/links/linkStore';
import { StaleLink } from '../../src/links/staleLink';
import { type Link, newLink } from '../../src/sync/link';
import type { Reason } from '../../src/sync/reasons';
import { recordedStore, restoreStore } from '../support/recordStore';
import { runShared } from '../support/cli';
import { startSandboxes } from '../support/sandboxes';
import { serviceEnvironment } from '../support/serviceProcess';
import { testServers } from '../support/servers';
import { record } from '../support/world';

/** Stored documents of several versions, in a real database. */

const KEY = 'TicketToProject/zendesk:ticket:1';
const LINK: Link = newLink(KEY, 'TicketToProject', 'mapping', '2026-01-01T00:00:00.000Z');
const V = SCHEMA.version;

/** A possible change of links and observations by a newer release. */
const LATER: Migration = {
  from: V,
  name: 'a status is called status, and every record says that it was seen',
  documents: {
    links: ({ state, ...rest }) => ({ ...rest, status: state }),
    observations: ({ record: text, ...rest }) => ({
      ...rest,
      record: JSON.stringify({ ...(JSON.parse(String(text)) as object), seen: true }),
    }),
  },
};
const NEXT = new Schema([...MIGRATIONS, LATER]);

let mongo: MongoClient;
let db: Db;
beforeAll(async () => (mongo = await MongoClient.connect(testServers().mongodbUri)));
afterAll(async () => mongo.close());
beforeEach(() => (db = mongo.db(`versions-${randomUUID().slice(0, 8)}`)));
afterEach(async () => db.dropDatabase());

const raw = (name: string) => db.collection<Document & { _id: string }>(name);
const openNext = () => openLinkStore(db, undefined, '', NEXT);
/** A link in the form of the release before {@link NEXT}. */
async function storeOlder(...keys: string[]): Promise<void> {
  const { status: state, ...rest } = LINK;
  for (const _id of keys) await raw('links').insertOne({ ...rest, _id, state, rev: 1, v: V });
}
const versionsIn = async (name: string) => (await raw(name).find().toArray()).map(({ v }) => v as unknown);

/** Collections that version 0 did not have. */
const SINCE_THEN = ['journal', 'undos', 'undoItems'];

describe('a store of version 0', () => {
  let store: LinkStore;
  beforeEach(async () => {
    await restoreStore(db, 0);
    store = await openLinkStore(db);
  });

  test('is read completely, and reading changes nothing', async () => {
    const documents = recordedStore(0);
    const links: Link[] = [];
    for await (const link of store.all()) links.push(link);
    expect(links).toEqual(
      documents['links']?.map((link) => ({
        ...link,
        intent: link['intent'] === null ? null : (JSON.parse(String(link['intent'])) as object),
      })),
    );
    expect(new Set(links.map(({ status }) => status)).size).toBe(5);
    const refs = documents['claims']?.map(({ _id }) => String(_id)) ?? [];
    expect([...(await store.claims.owners(refs)).keys()].sort()).toEqual(refs);
    const seen = documents['observations']?.map(({ _id }) => String(_id)) ?? [];
    expect([...(await store.observations.get(seen)).keys()].sort()).toEqual(seen);
    expect(await store.upkeep.claimsAfter(null, 100)).toHaveLength(refs.length);
    expect(await store.upkeep.observationsAfter(null, 100)).toHaveLength(seen.length);
    expect(await store.upkeep.reportsFirst(9)).toHaveLength(1);
    for (const [name, stored] of Object.entries(documents))
      expect([name, await raw(name).find().sort({ _id: 1 }).toArray()]).toEqual([name, stored]);
  });

  test('continues its work: cursors, decisions, pauses, hints, pages of a backfill', async () => {
    const [tickets] = (await store.cursors.positions()).filter(({ name }) => name === 'zendesk:tickets');
    expect(await store.cursors.advance('zendesk:tickets', 'elsewhere', 'x')).toBe(false);
    expect(await store.cursors.advance('zendesk:tickets', tickets?.cursor ?? '', 'x')).toBe(true);
    expect(Object.keys(await store.control.paused())).toEqual(['CommentToProject']);
    const held = await store.control.heldBack('CommentToProject', 9);
    expect(held).toHaveLength(1);
    for (const side of ['zendesk', 'pms'] as const) {
      const hints = await store.hints.take(side, 9);
      expect(hints).toHaveLength(1);
      await store.hints.drop(side, hints);
      expect(await store.hints.count(side)).toBe(0);
    }
    for (const { _id } of recordedStore(0)['decisions'] ?? []) {
      const [key = '', row = ''] = String(_id).split('#');
      expect([...(await store.decisions.of(key, [row])).rows.keys()]).toEqual([row]);
    }
    const chunks = await Promise.all(
      [0, 1, 2, 3, 4, 5].map(async (page) =>
        store.backfill.chunk((await store.backfill.chunksOf('run', page))[0] ?? ''),
      ),
    );
    expect(chunks.filter((chunk) => chunk?.tallies && chunk.records === null).length).toBeGreaterThan(0);
    expect(chunks.filter((chunk) => chunk?.records && chunk.tallies === null).length).toBeGreaterThan(0);
    const found = await store.observations.get(
      recordedStore(0)['observations']?.map(({ _id }) => String(_id)) ?? [],
    );
    await store.observations.forget([...found.values()]);
    expect(await raw('observations').countDocuments()).toBe(0);
  });

  test('store migrate brings all documents to this version, and changes nothing the second time', async () => {
    const kept = await raw('links').find().sort({ _id: 1 }).toArray();
    const tried = await migrateStore(db, { dryRun: true });
    expect(await raw('links').find().sort({ _id: 1 }).toArray()).toEqual(kept);
    expect(await raw('meta').findOne({ _id: 'store' })).toBeNull();
    const done = await migrateStore(db, { dryRun: false });
    expect(done).toEqual(tried);
    const names = [
      ...Object.keys(VERSIONED).filter((name) => name !== 'shelf'),
      'backfill-run-records',
    ].sort();
    expect(done.map(({ collection }) => collection)).toEqual(names);
    for (const name of names) {
      const stored = recordedStore(0)[name] ?? [];
      const versioned = name === 'backfill-run-records' ? 'shelf' : (name as keyof typeof VERSIONED);
      expect(await raw(name).find().sort({ _id: 1 }).toArray()).toEqual(
        stored.map((document) => SCHEMA.read(versioned, document as unknown as { _id: string })),
      );
    }
    for (const { collection, older, migrated, left, failed } of done)
      expect({ older: older > 0, migrated, left, failed }).toEqual({
        older: !SINCE_THEN.includes(collection),
        migrated: older,
        left: 0,
        failed: [],
      });
    expect((await migrateStore(db, { dryRun: false })).every(({ older }) => older === 0)).toBe(true);
  });
});

describe('documents of the previous version', () => {
  test('are read in the present form, by every method', async () => {
    await storeOlder(KEY);
    const store = await openNext();
    const expected = { ...LINK, rev: 1 };
    const all: Link[] = [];
    for await (const link of store.all()) all.push(link);
    expect([
      await store.get(KEY),
      (await store.getMany([KEY])).get(KEY),
      (await store.find({}, null, 9))[0],
      (await store.linksAfter(null, 9))[0],
      all[0],
    ]).toEqual(Array(5).fill(expected));
    expect((await store.joined([KEY])).get(KEY)).toEqual({ refs: {}, status: 'pending', unlinked: false });
    expect(await versionsIn('links')).toEqual([V]);
  });

  test('are written completely in the present form, and the store records it', async () => {
    await storeOlder(KEY);
    const store = await openNext();
    expect(await raw('meta').findOne({ _id: 'store' })).toBeNull();
    const link = await store.get(KEY);
    await store.save({ ...(link as Link), status: 'quarantined' });
    expect(await raw('links').findOne({ _id: KEY })).toMatchObject({
      status: 'quarantined',
      v: V + 1,
      rev: 2,
    });
    expect(await raw('links').findOne({ _id: KEY })).not.toHaveProperty('state');
    expect(await raw('meta').findOne({ _id: 'store' })).toEqual({ _id: 'store', version: V + 1 });
  });

  test('a reason that is noted before a link was read does not mix two versions', async () => {
    await storeOlder(KEY);
    const store = await openNext();
    const reason: Reason = { code: 'retry_later', text: 'away', since: LINK.createdAt, nextAttempt: null };
    await store.noteReason(KEY, reason);
    expect(await store.get(KEY)).toEqual({ ...LINK, rev: 1, reason });
  });

  test('a processed observation is dropped, though its content was migrated', async () => {
    const seen = record('zendesk', { subject: 'a' });
    await (await openLinkStore(db)).observations.keep([seen]);
    const store = await openNext();
    const [found] = [...(await store.observations.get(['zendesk:ticket:1'])).values()];
    expect(found).toEqual({ ...seen, seen: true });
    expect(await versionsIn('observations')).toEqual([V + 1]);
    await store.observations.forget(found ? [found] : []);
    expect(await store.observations.count()).toBe(0);
  });
});

describe('a newer release', () => {
  test('is noticed at the start: one line, and no document is changed', async () => {
    await (await openNext()).decisions.keep(KEY, { row: 'title', choice: 'pms' });
    const refused = openLinkStore(db);
    await expect(refused).rejects.toBeInstanceOf(NewerStore);
    await expect(refused).rejects.toThrow(
      `MONGODB_DATABASE ${db.databaseName}: found version ${V + 1} of stored documents, expected at most ${V}`,
    );
    await expect(migrateStore(db, { dryRun: false })).rejects.toBeInstanceOf(NewerStore);
  });

  test('that only read the store is no reason to refuse', async () => {
    await storeOlder(KEY);
    await (await openNext()).get(KEY);
    expect(await (await openLinkStore(db)).cursors.position('zendesk:tickets')).toBeNull();
  });

  test('protects its documents from older workers: these retry, and lose nothing', async () => {
    const older = await openLinkStore(db);
    const created = await older.save(LINK);
    const read = await older.get(KEY);
    // Between reading and saving, the newer release migrates and writes.
    await migrateStore(db, {
      dryRun: false,
      schema: new Schema([...MIGRATIONS, { ...LATER, documents: {} }]),
    });
    const next = await openNext();
    await raw('links').updateOne({ _id: KEY }, { $set: { rev: created.rev + 1, added: 'by the later one' } });
    await expect(older.save(read as Link)).rejects.toBeInstanceOf(StaleLink);
    await expect(older.get(KEY)).rejects.toBeInstanceOf(NewerStore);
    await expect(older.joined([KEY])).rejects.toBeInstanceOf(NewerStore);
    expect((await next.get(KEY)) as object).toMatchObject({ added: 'by the later one' });
    // Documents that only name records are written by both.
    await older.hints.keep([{ ref: 'zendesk:ticket:1', order: 1, actor: null }]);
    expect(await next.hints.count('zendesk')).toBe(1);
  });

  test('stops an older process, which did not notice it, by its first write at the latest', async () => {
    const older = await openLinkStore(db);
    await (await openNext()).decisions.keep(KEY, { row: 'title', choice: 'pms' });
    await expect(older.save(LINK)).rejects.toBeInstanceOf(NewerStore);
    expect(await raw('links').countDocuments()).toBe(0);
  });
});

describe('store migrate', () => {
  const MANY = 450;
  const keys = Array.from({ length: MANY }, (_, n) => `TicketToProject/zendesk:ticket:${1000 + n}`);
  const migrate = (onProgress?: () => void) =>
    migrateStore(db, { dryRun: false, schema: NEXT, ...(onProgress && { onProgress }) });

  const migrateLinks = async () => (await migrate()).filter(({ collection }) => collection === 'links');

  test('continues after an interruption', async () => {
    await storeOlder(...keys);
    const interrupt = () => {
      throw new Error('interrupted');
    };
    await expect(migrate(interrupt)).rejects.toThrow('interrupted');
    const rest = await raw('links').countDocuments({ v: V });
    expect(rest).toBeGreaterThan(0);
    expect(rest).toBeLessThan(MANY);
    expect(await migrate()).toMatchObject([{ collection: 'links', older: rest, migrated: rest, oldest: V }]);
    expect(
      await raw('links').countDocuments({ v: V + 1, status: 'pending', state: { $exists: false } }),
    ).toBe(MANY);
  });

  test('loses no writes of workers of the same release', async () => {
    await storeOlder(...keys);
    const store = await openNext();
    const work = async (key: string) => {
      for (const status of ['conflict', 'linked'] as const)
        for (;;) {
          try {
            await store.save({ ...((await store.get(key)) as Link), status });
            break;
          } catch (error) {
            if (!(error instanceof StaleLink)) throw error;
          }
        }
    };
    const [done] = await Promise.all([migrateLinks(), ...keys.slice(0, 300).map(work)]);
    expect(done).toMatchObject([{ left: 0, failed: [] }]);
    expect(await raw('links').countDocuments({ status: 'linked', rev: 3, v: V + 1 })).toBe(300);
    expect(await raw('links').countDocuments({ status: 'pending', rev: 1, v: V + 1 })).toBe(MANY - 300);
    expect(await raw('links').countDocuments({ state: { $exists: true } })).toBe(0);
  });

  test('does not overwrite later writes', async () => {
    const changing = new Schema([
      ...MIGRATIONS,
      {
        from: V,
        name: 'everything is marked',
        documents: Object.fromEntries(
          Object.keys(VERSIONED).map((name) => [name, (document: object) => ({ ...document, marked: true })]),
        ),
      },
    ]);
    const store = await openLinkStore(db);
    const write = async (title: string): Promise<void> => {
      const link = await store.get(KEY);
      await store.save(link ?? LINK);
      await store.claims.release('zendesk:ticket:1', 'before');
      await store.claims.claim('zendesk:ticket:1', title);
      await store.observations.keep([record('zendesk', { title })]);
      await store.decisions.keep(KEY, { row: 'title', choice: title === 'before' ? 'pms' : 'zendesk' });
      await store.backfill.putPage('run', 0, [[record('zendesk', { title })]]);
    };
    await write('before');
    const versions = new Versions(db, '', changing);
    const names = ['links', 'claims', 'observations', 'decisions', 'backfill'] as const;
    const read = await Promise.all(
      names.map(
        async (name) =>
          [
            name,
            await raw(name)
              .find({ _id: { $ne: 'run/0' } })
              .toArray(),
          ] as const,
      ),
    );
    await write('after');
    for (const [name, documents] of read) {
      const found = versions.of<Document & { _id: string }>(name);
      expect([name, documents.length, await found.bringUp(documents)]).toEqual([name, 1, 0]);
      expect(await raw(name).countDocuments({ marked: true })).toBe(0);
    }
  });

  test('names documents that no migration understands, and continues with the others', async () => {
    await raw('observations').insertOne({ _id: 'a', record: 'no JSON', v: V });
    await (await openLinkStore(db)).observations.keep([record('zendesk', {})]);
    expect((await migrate()).filter(({ collection }) => !SINCE_THEN.includes(collection))).toMatchObject([
      { collection: 'links', older: 0, oldest: null },
      { collection: 'observations', older: 2, migrated: 1, left: 0, failed: [{ id: 'a' }] },
    ]);
  });

  test('is a command that reports its changes, and refuses documents of a newer release', async () => {
    await restoreStore(db, 0);
    const boxes = await startSandboxes();
    const env = serviceEnvironment(boxes, db.databaseName);
    const run = (...args: string[]) => runShared(env, 'store', 'migrate', ...args);
    const stored = Object.values(recordedStore(0)['links'] ?? []).length;
    const tried = await run('--dry-run');
    expect([tried.code, tried.err]).toEqual([0, '']);
    expect(tried.out).toMatch(new RegExp(`^links +${stored} +${stored}$`, 'm'));
    expect(tried.out).toContain('0 to 1: documents say their version');
    expect(tried.out).toMatch(/\d+ documents would be migrated; nothing was written/);
    expect(new Set(await versionsIn('links'))).toEqual(new Set([undefined]));
    const done = await run();
    expect([done.code, done.out.split('\n').at(-2)]).toEqual([
      0,
      tried.out.split('\n').at(-2)?.replace('would be migrated; nothing was written', 'migrated'),
    ]);
    expect(new Set(await versionsIn('links'))).toEqual(new Set([V]));
    const again = JSON.parse((await run('--json')).out) as { collections: { older: number }[] };
    expect(again.collections.map(({ older }) => older)).toEqual(
      Array(Object.keys(VERSIONED).length - SINCE_THEN.length).fill(0),
    );
    await raw('meta').updateOne({ _id: 'store' }, { $set: { version: V + 1 } });
    const refused = await run();
    expect([refused.code, refused.err.trim().split('\n').length]).toEqual([2, 1]);
    expect(refused.err).toContain(`found version ${V + 1} of stored documents`);
    await boxes.close();
  });
});
