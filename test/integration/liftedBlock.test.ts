import { randomUUID } from 'node:crypto';
import { MongoClient, type Db } from 'mongodb';
import type { BucketDocument } from '../../src/systems/budget/budgetWindow';
import { currentBudgets, liftBlocks } from '../../src/systems/budget/currentBudget';
import { RateBudgets } from '../../src/systems/budget/rateBudgets';
import { untoldRate } from '../../src/systems/pmsAdapter';
import { testServers } from '../support/servers';

/** A8: one answer can block an API for a quarter of an hour at most, and a person can lift the block. */

const ACCOUNT = [{ bucket: 'account' }];
let mongo: MongoClient;
let db: Db;
let budgets: RateBudgets;

beforeEach(async () => {
  mongo = await MongoClient.connect(testServers().mongodbUri);
  db = mongo.db(`lift-${randomUUID().slice(0, 8)}`);
  const rate = { name: 'PMS', rules: untoldRate(), ceiling: null };
  budgets = new RateBudgets({ zendesk: rate, pms: rate });
  budgets.open(db);
});
afterEach(() => mongo.close());

test('A8: a block is bounded and shown, and calls continue after an operator lifts it', async () => {
  const budget = budgets.of('pms');
  await budget.learn(await budget.take(ACCOUNT), [], { retryAfterMs: 1.8e12 });
  const [blocked] = await currentBudgets(db, new Date());
  const until = Date.parse(blocked?.blockedUntil ?? '') - Date.now();
  expect(until).toBeGreaterThan(60_000);
  expect(until).toBeLessThanOrEqual(15 * 60_000);
  await expect(budget.take(ACCOUNT)).rejects.toThrow('no call before');
  expect(await liftBlocks(db, new Date(), 'zendesk:account')).toEqual([]);
  expect(await liftBlocks(db, new Date(), 'pms:account')).toEqual(['pms:account']);
  expect((await budget.take(ACCOUNT)).windows.size).toBe(1);
  expect(await liftBlocks(db, new Date())).toEqual([]);
});

test('A8: a block until 2083, which an earlier release stored, is ignored', async () => {
  await budgets.of('pms').take(ACCOUNT);
  const stored = db.collection<BucketDocument>('budgets');
  await stored.updateOne({ _id: 'pms:account' }, { $set: { blockedUntil: Date.UTC(2083, 0, 1) } });
  const rate = { name: 'PMS', rules: untoldRate(), ceiling: null };
  const restarted = new RateBudgets({ zendesk: rate, pms: rate });
  restarted.open(db);
  expect((await restarted.of('pms').take(ACCOUNT)).windows.size).toBe(1);
});
