import { randomUUID } from 'node:crypto';
import { MongoClient, type Db } from 'mongodb';
import { openLinkStore } from '../../src/links/linkStore';
import { newLink, type Link } from '../../src/sync/link';
import type { BrakeHold } from '../../src/sync/holds';
import { testServers } from '../support/servers';

/** Issue 21, the brake: stored holds, and the marks on links. */

const NOW = '2026-05-01T12:00:00.000Z';
const hold: BrakeHold = {
  ...{ id: 'TicketToProject/emptied/priority/pms', entity: 'TicketToProject', kind: 'emptied' },
  ...{ row: 'priority', side: 'pms', state: 'held', by: 'brake', cause: 'many changes', since: NOW },
  counts: { pairs: 11, linked: 50, allowed: 10 },
  examples: ['TicketToProject/zendesk:ticket:1'],
};

let mongo: MongoClient;
let db: Db;

beforeAll(async () => {
  mongo = await MongoClient.connect(testServers().mongodbUri);
  db = mongo.db(`holds-${randomUUID().slice(0, 8)}`);
});
afterAll(async () => {
  await db.dropDatabase();
  await mongo.close();
});

test('if two processes begin the same hold, one succeeds; both see its state and its end', async () => {
  const [one, two] = [await openLinkStore(db), await openLinkStore(db)];
  const begun = await Promise.all([one, two].map(({ holds }) => holds.begin(hold)));
  expect(begun.filter(Boolean)).toHaveLength(1);
  expect(await two.holds.begin({ ...hold, since: '2030-01-01T00:00:00.000Z' })).toBe(false);
  expect(await two.holds.of('TicketToProject')).toEqual([hold]);
  expect(await two.holds.of('OrgToCustomer')).toEqual([]);
  expect(await one.holds.setState(hold.id, 'discarding')).toBe(true);
  expect(await one.holds.setState('another', 'discarding')).toBe(false);
  expect(await one.holds.all()).toEqual([{ ...hold, state: 'discarding' }]);
  await one.holds.end(hold.id);
  expect(await one.holds.of('TicketToProject')).toEqual([]);
});

test('pairs are found by the holds on their links', async () => {
  const store = await openLinkStore(db);
  const keys = [1, 2, 3].map((n) => `TicketToProject/zendesk:ticket:${n}`);
  const links = keys.map((key, n): Link => ({
    ...newLink(key, 'TicketToProject', 'm', NOW),
    ...(n !== 1 && { braked: [{ hold: hold.id, row: 'priority' }] }),
  }));
  await store.insertMany(links);
  expect(await store.heldBy(hold.id, null, 10)).toEqual([keys[0], keys[2]]);
  expect(await store.heldBy(hold.id, keys[0] ?? null, 10)).toEqual([keys[2]]);
  expect(await store.countHeldBy(hold.id)).toBe(2);
  expect(await store.countHeldBy('another')).toBe(0);
});
