import { setTimeout as sleep } from 'node:timers/promises';
import { randomUUID } from 'node:crypto';
import { MongoClient, type Db } from 'mongodb';
import { NO_LIMITS, startZendeskSandbox, type ZendeskSandbox } from 'zendesk-sandbox';
import { controlsOf } from 'testkit';
import { RateBudgets } from '../../src/systems/budget/rateBudgets';
import type { BucketDocument } from '../../src/systems/budget/budgetWindow';
import { usedSince } from '../../src/systems/budget/pastWindows';
import type { Clock } from '../../src/systems/budget/clock';
import type { Lane } from '../../src/sync/lane';
import { inCallContext } from '../../src/systems/callContext';
import { RetryLater } from '../../src/systems/errors';
import { loadProfile } from '../../src/config/loadProfile';
import { rateRules } from '../../src/systems/profile/rate';
import type { SystemPort } from '../../src/systems/port';
import { zendeskSystem } from '../../src/systems/zendesk/zendeskSystem';
import { ZENDESK_RATE } from '../../src/systems/zendesk/zendeskLimits';
import { bearerOf } from '../support/sandboxes';
import { testServers } from '../support/servers';

const LIMIT = 120;
/**
 * A minute passes in six seconds, for the sandbox and the workers. With a faster clock, a busy machine would delay
 * calls beyond the end of a window.
 */
const SPEED = 10;
const started = Date.now();
/** If set, the clock does not move. */
let frozenAt: number | null = null;
const clock: Clock = {
  now: () => frozenAt ?? started + (Date.now() - started) * SPEED,
  sleep: (ms, signal) => sleep(ms / SPEED, undefined, signal && { signal }),
  until: (at) => at - clock.now(),
};

/** Two workers are two budgets that share only a database. */
describe('rate budget over two workers', () => {
  let mongo: MongoClient;
  let db: Db;
  let zendesk: ZendeskSandbox;
  let workers: SystemPort[];
  const statuses: number[] = [];

  beforeEach(async () => {
    statuses.length = 0;
    frozenAt = null;
    mongo = await MongoClient.connect(testServers().mongodbUri);
    db = mongo.db(`budget-${randomUUID().slice(0, 8)}`);
    zendesk = await startZendeskSandbox({
      ...NO_LIMITS,
      rateLimitPerMinute: LIMIT,
      incrementalPerMinute: 10,
      apiTokens: true,
      clock: () => clock.now(),
    });
    workers = [0, 1].map(() => {
      const rate = { name: 'Zendesk', rules: ZENDESK_RATE, ceiling: null };
      const budgets = new RateBudgets(
        { zendesk: rate, pms: { ...rate, rules: rateRules(loadProfile('contract')) } },
        clock,
      );
      budgets.open(db);
      return zendeskSystem({
        baseUrl: zendesk.url,
        // An access token would end by the sandbox's clock, which runs faster than its client's.
        auth: { by: 'apiToken', email: zendesk.adminEmail, token: zendesk.apiToken },
        budget: budgets.of('zendesk'),
        onCall: ({ status }) => void statuses.push(status ?? 0),
      });
    });
  });
  afterEach(async () => {
    await zendesk.close();
    await mongo.close();
  });

  const call = (worker: number, lane: Lane, signal?: AbortSignal) =>
    inCallContext({ lane, ...(signal && { signal }) }, () => (workers[worker] as SystemPort).whoAmI());
  const document = async () => {
    const found = await db.collection<BucketDocument>('budgets').findOne({ _id: 'zendesk:account' });
    if (!found) throw new Error('no budget');
    return found;
  };

  test('a flood of calls keeps to the limit, which is learned; an edit overtakes it', async () => {
    const stop = new AbortController();
    let background = 0;
    const flood = Array.from({ length: 3 * LIMIT }, (_, i) =>
      call(i % 2, 'background', stop.signal).then(
        () => void (background += 1),
        () => undefined,
      ),
    );
    let edits = 0;
    // Some calls of the flood are always waiting, and every edit overtakes them.
    while (background < 2 * LIMIT) {
      await call(edits % 2, 'interactive');
      edits += 1;
      expect(background).toBeLessThan(3 * LIMIT);
      await clock.sleep(5_000);
    }
    stop.abort();
    await Promise.all(flood);
    expect(edits).toBeGreaterThan(0);
    expect(statuses.filter((status) => status === 429)).toEqual([]);
    expect((await document()).limit).toBe(LIMIT);
    // More calls than two windows allow, so windows ended and began in between.
    expect((await document()).window).toBeGreaterThan(2);
  });

  test('past windows are kept for an hour, with the calls of each', async () => {
    const times = [0, 2, 3, 70].map((minutes) => clock.now() + minutes * 66_000);
    // Permits are leased in lots of one, two and four, so this number of calls uses all of them.
    for (const [n, calls] of [1, 3, 7, 3].entries()) {
      frozenAt = times[n] ?? NaN;
      for (let called = 0; called < calls; called += 1) await call(0, 'interactive');
    }
    const since = async (at: number | undefined) =>
      (await usedSince(db, new Date(at ?? NaN))).map(({ bucket, limit, used }) => [bucket, limit, used]);
    expect(await since(times[0])).toEqual([
      ['account', LIMIT, 1],
      ['account', LIMIT, 3],
      ['account', LIMIT, 7],
      ['account', LIMIT, 3],
    ]);
    expect(await since(times[3])).toEqual([['account', LIMIT, 3]]);
  });

  test('background work alone leaves an exact share of the window to edits', async () => {
    frozenAt = clock.now();
    const stop = new AbortController();
    const answered = { background: 0, interactive: 0 };
    const flood = (lane: Lane, count: number) =>
      Array.from({ length: count }, (_, i) =>
        call(i % 2, lane, stop.signal).then(
          () => void (answered[lane] += 1),
          () => undefined,
        ),
      );
    const calls = flood('background', LIMIT);
    // One hundredth is left unused, and a fifth is kept for edits.
    const share = LIMIT - Math.floor(LIMIT / 100) - LIMIT / 5;
    while (answered.background < share) await sleep(20);
    calls.push(...flood('interactive', LIMIT));
    while (answered.interactive < LIMIT / 5) await sleep(20);
    // Time in which an extra call would be sent.
    await sleep(200);
    stop.abort();
    await Promise.all(calls);
    expect(answered).toEqual({ background: share, interactive: LIMIT / 5 });
    expect((await document()).used).toBe(LIMIT - Math.floor(LIMIT / 100));
    expect(statuses).not.toContain(429);
  });

  test('exports have their own limit, and waiting for it blocks no other call', async () => {
    const stop = new AbortController();
    const exports = Array.from({ length: 14 }, (_, i) =>
      inCallContext({ lane: 'background', signal: stop.signal }, () =>
        (workers[i % 2] as SystemPort).changes('tickets', null),
      ).then(
        () => true,
        () => false,
      ),
    );
    for (let i = 0; i < 20; i += 1) await call(i % 2, 'background');
    stop.abort();
    expect((await Promise.all(exports)).filter(Boolean).length).toBeLessThan(14);
    expect(statuses).not.toContain(429);
  });

  test('if other programs use the account, the answers show it, and the workers keep to the rest', async () => {
    const stranger = async () =>
      (await fetch(`${zendesk.url}/api/v2/users/me`, { headers: bearerOf(zendesk) })).status;
    await call(0, 'interactive');
    for (let i = 0; i < LIMIT / 2; i += 1) await stranger();
    await call(0, 'interactive');
    await call(0, 'interactive');
    const { used, window } = await document();
    // If a window ended meanwhile, its count started again.
    expect(window > 1 || used >= LIMIT / 2).toBe(true);
    await Promise.allSettled(Array.from({ length: LIMIT }, (_, i) => call(i % 2, 'interactive')));
    expect(statuses.filter((status) => status === 429).length).toBeLessThanOrEqual(2);
  });

  test('after a 429 all workers pause, and a call that would pause long is handed back', async () => {
    await call(1, 'interactive');
    const rule = { route: '/api/', kind: 'status', status: 429, retryAfterSeconds: 600, times: 1 } as const;
    await controlsOf(zendesk).setFaults(rule);
    await expect(call(0, 'interactive')).rejects.toThrow('answered 429');
    const before = statuses.length;
    for (const worker of [0, 1]) {
      const refused = await call(worker, 'interactive').catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(RetryLater);
      expect((refused as RetryLater).options).toMatchObject({ unknownOutcome: false });
      expect((refused as RetryLater).options.retryAfterMs).toBeGreaterThan(60_000);
    }
    expect(statuses).toHaveLength(before);
  });
});
