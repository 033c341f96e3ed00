import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { MongoClient, type Db } from 'mongodb';
import { NO_LIMITS, type LimitOptions, startZendeskSandbox, type ZendeskSandbox } from 'zendesk-sandbox';
import { controlsOf } from 'testkit';
import { RateBudgets } from '../../src/systems/budget/rateBudgets';
import { untoldRate } from '../../src/systems/pmsAdapter';
import { inCallContext, type Attempt } from '../../src/systems/callContext';
import { RetryLater } from '../../src/systems/errors';
import type { ApiCall } from '../../src/systems/http';
import type { SystemPort } from '../../src/systems/port';
import { zendeskSystem } from '../../src/systems/zendesk/zendeskSystem';
import { ZENDESK_RATE } from '../../src/systems/zendesk/zendeskLimits';
import { ManualClock } from '../support/clocks';
import { serviceAuth } from '../support/sandboxes';
import { testServers } from '../support/servers';

/**
 * Limits of endpoints and records, kept by two workers: two budgets over one database, on a clock that the test
 * moves.
 */

/** After this number of round trips to both servers without a call, all callers wait. */
const QUIET_ROUNDS = 4;

let clock: ManualClock;
let mongo: MongoClient;
let db: Db;
let zendesk: ZendeskSandbox;
let workers: SystemPort[];
let calls: ApiCall[];
let underWay: number;

const start = async (limits: Partial<LimitOptions>, share = 1) => {
  clock = new ManualClock();
  calls = [];
  underWay = 0;
  mongo = await MongoClient.connect(testServers().mongodbUri);
  db = mongo.db(`limits-${randomUUID().slice(0, 8)}`);
  zendesk = await startZendeskSandbox({
    ...NO_LIMITS,
    ...limits,
    clock: clock.now,
  });
  workers = [0, 1].map(() => {
    const zendeskRate = { name: 'Zendesk', rules: ZENDESK_RATE, ceiling: null, share };
    const budgets = new RateBudgets(
      { zendesk: zendeskRate, pms: { name: 'PMS', rules: untoldRate(), ceiling: null } },
      clock,
    );
    budgets.open(db, 20);
    return zendeskSystem({
      baseUrl: zendesk.url,
      auth: serviceAuth(zendesk),
      budget: budgets.of('zendesk'),
      onCall: (call) => void calls.push(call),
    });
  });
};
afterEach(async () => {
  await zendesk.close();
  await mongo.close();
});

/** Creates tickets in the sandbox without counting against a limit. */
const makeTickets = (count: number): number[] => {
  const [agent] = [...zendesk.store.users.values()];
  if (!agent) throw new Error('no user');
  return Array.from({ length: count }, (_, n) => {
    const { ticket } = zendesk.tickets.create({ subject: `T${n}`, comment: { body: 'x' } }, agent);
    return ticket.id;
  });
};
const update = (worker: number, id: number, subject = 'edited') => {
  const version = zendesk.tickets.get(id).updated_at;
  const ref = { side: 'zendesk' as const, kind: 'ticket', id: String(id) };
  underWay += 1;
  return (workers[worker] as SystemPort)
    .update(ref, { subject }, { version, backRef: null })
    .finally(() => (underWay -= 1));
};
/** An attempt of an activity, which can be postponed. */
const inActivity = <T>(work: () => Promise<T>, awaited = false): Promise<T> => {
  const attempt: Attempt = { awaited, wrote: false };
  return inCallContext({ lane: 'interactive', attempt }, work);
};
/** Waits until nothing more happens at this time of the clock. */
const rest = async () => {
  for (let quiet = 0, before = -1; quiet < QUIET_ROUNDS;) {
    await sleep(3);
    await Promise.all([db.command({ ping: 1 }), controlsOf(zendesk).calls()]);
    quiet = calls.length === before ? quiet + 1 : 0;
    before = calls.length;
  }
};
const until = async (holds: () => boolean) => {
  while (!holds()) await sleep(5);
};
const advance = (ms: number) => clock.advance(ms, 2_000, rest);

/** Advances the clock until all calls are answered. Calls in progress may begin to sleep while the clock moves. */
async function answered(all: Promise<unknown>): Promise<void> {
  let isDone = false;
  const done = all.then(() => (isDone = true));
  while (!isDone) await advance(2_000);
  await done;
}
const refused = () => calls.filter(({ status }) => status === 429);
const written = () => calls.filter(({ method, status }) => method === 'PUT' && status === 200).length;

describe.each([20, 100])('%i ticket updates a minute', (limit) => {
  test('two workers use all of them together and no more, while other calls continue', async () => {
    await start({ ticketUpdatesPerMinute: limit });
    const tickets = makeTickets(limit + 15);
    const margin = Math.floor(limit / 100);
    const all = Promise.all(tickets.map((id, n) => update(n % 2, id)));
    // A window has a trial account's limit until an answer shows another one.
    await until(() => written() >= limit - margin);
    await rest();
    expect(written()).toBe(limit - margin);
    for (let n = 0; n < 5; n += 1) await (workers[n % 2] as SystemPort).whoAmI();
    expect(underWay).toBe(15 + margin);
    await advance(66_000);
    await answered(all);
    expect(refused()).toEqual([]);
    expect(written()).toBe(limit + 15);
  });

  test('a call that cannot run soon gets a time, and finds a permit then', async () => {
    await start({ ticketUpdatesPerMinute: limit });
    const tickets = makeTickets(3 * limit);
    const waits: number[] = [];
    let vain = 0;
    const one = async (id: number, worker: number) => {
      for (let tries = 0; ; tries += 1) {
        try {
          return await inActivity(() => update(worker, id), tries > 0);
        } catch (error) {
          if (!(error instanceof RetryLater) || error.options.queued !== true) throw error;
          if (tries > 0) vain += 1;
          waits.push(error.options.retryAfterMs ?? 0);
          await clock.sleep(error.options.retryAfterMs ?? 0);
        }
      }
    };
    const all = Promise.all(tickets.map((id, n) => one(id, n % 2)));
    // Five in each worker wait in their slots; the others do not occupy one.
    await until(() => underWay <= 10);
    await rest();
    expect(waits.length).toBeGreaterThanOrEqual(2 * limit - 10);
    // Three windows, each a step late; one hundredth of each is left unused.
    await clock.advance(3 * 61_000, 500, rest);
    expect(written()).toBeGreaterThanOrEqual(0.95 * 3 * limit);
    await advance(66_000);
    await answered(all);
    expect(refused()).toEqual([]);
    expect(written()).toBe(3 * limit);
    // The promises of two processes and the calls waiting in their slots overlap a little.
    expect(vain / waits.length).toBeLessThan(0.25);
  });

  test('the workers use everything that agents leave; agents keep their share until the minute ends', async () => {
    await start({ ticketUpdatesPerMinute: limit }, 0.7);
    const tickets = makeTickets(3 * limit);
    const all = Promise.allSettled(tickets.map((id, n) => update(n % 2, id)));
    await until(() => written() >= Math.floor(0.65 * limit));
    await rest();
    expect(written()).toBeLessThanOrEqual(Math.ceil(0.7 * limit));
    await advance(59_000);
    await clock.advance(900, 50, rest);
    expect(written()).toBeGreaterThanOrEqual(0.95 * limit);
    expect(zendesk.agentEdits(tickets[0] ?? 0, { priority: 'low' }).refused).toBe(false);
    await advance(4 * 61_000);
    await answered(all);
    expect(refused()).toEqual([]);
  });
});

test('a refusal of one endpoint blocks no other call', async () => {
  await start({ ticketUpdatesPerMinute: 20 });
  const [first = 0, second = 0, ...others] = makeTickets(40);
  await update(0, first);
  // Another program uses up the rest, which our answers have not shown.
  for (const id of others.slice(0, 19)) zendesk.agentEdits(id, { priority: 'low' });
  await expect(update(0, second)).rejects.toMatchObject({
    message: expect.stringContaining('answered 429') as string,
    options: { retryAfterMs: 60_000 },
  });
  expect(refused()).toHaveLength(1);
  await (workers[0] as SystemPort).whoAmI();
  await (workers[1] as SystemPort).whoAmI();
  // Both workers know.
  const waiting = [update(0, second), update(1, others[20] ?? 0)];
  await advance(30_000);
  expect(underWay).toBe(2);
  expect(refused()).toHaveLength(1);
  await advance(36_000);
  await Promise.all(waiting);
  expect(refused()).toHaveLength(1);
});

test('a ticket that was updated too often is handed back at once, and blocks no other', async () => {
  await start({ updatesOfOneTicket: 30, ticketUpdatesPerMinute: 100 });
  const [busy = 0, other = 0] = makeTickets(2);
  for (let n = 0; n < 30; n += 1) await update(0, busy, `Edit ${n}`);
  const late = await Promise.all(
    [0, 1].map((n) => inActivity(() => update(0, busy, `Late ${n}`)).catch((error: unknown) => error)),
  );
  for (const error of late)
    expect(error).toMatchObject({ options: { queued: true, unknownOutcome: false, retryAfterMs: 601_000 } });
  expect(refused()).toEqual([]);
  await update(0, other);
  // The other worker learns of it from Zendesk's refusal; then it waits for that ticket alone.
  await expect(inActivity(() => update(1, busy))).rejects.toThrow('answered 429');
  await expect(inActivity(() => update(1, busy))).rejects.toMatchObject({ options: { queued: true } });
  await update(1, other);
  expect(refused()).toHaveLength(1);
  await advance(602_000);
  await update(0, busy, 'At last');
  expect(zendesk.tickets.get(busy).subject).toBe('At last');
});

test('an organization allows five updates a minute, while jobs and exports continue', async () => {
  await start({ updatesOfOneOrganization: 5 });
  const { id } = zendesk.organizations.create({ name: 'Acme' }, 1);
  const ref = { side: 'zendesk' as const, kind: 'organization', id: String(id) };
  const write = (worker: number, notes: string) =>
    (workers[worker] as SystemPort).update(ref, { notes }, { version: '', backRef: null });
  for (let n = 0; n < 5; n += 1) await write(0, `Note ${n}`);
  await expect(write(0, 'more')).rejects.toMatchObject({ options: { retryAfterMs: 61_000 } });
  expect(refused()).toEqual([]);
  await expect(write(1, 'more')).rejects.toMatchObject({ options: { retryAfterMs: 60_000 } });
  await (workers[1] as SystemPort).changes('tickets', null);
  expect(
    (await db.collection<{ _id: string }>('budgets').find().toArray()).map(({ _id }) => _id).sort(),
  ).toEqual(['zendesk:account', 'zendesk:exports']);
  await advance(62_000);
  await write(1, 'at last');
});

test('answers show the jobs that others queued, and a refusal blocks jobs alone', async () => {
  await start({ jobsInFlight: 2 });
  const create = (name: string) =>
    (workers[0] as SystemPort).bulk?.create('organization', [
      { values: { name }, idempotencyKey: name, backRef: `pms:customer:${name}` },
    ]);
  expect(await create('A')).toHaveLength(1);
  const state = await db
    .collection<{ _id: string; limit: number }>('budgets')
    .findOne({ _id: 'zendesk:jobs' });
  expect(state?.limit).toBe(2);
  expect(await create('B')).toHaveLength(1);
  expect(refused()).toEqual([]);
});
