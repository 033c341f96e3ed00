import { randomUUID } from 'node:crypto';
import { MongoClient, MongoServerError } from 'mongodb';
import { isForLater } from '../../src/activities/failures';
import { backfill, pollChanges } from '../../src/workflows';
import { textOf } from '../../src/sync/values';
import { MemorySystem } from '../support/memorySystem';
import { testServers } from '../support/servers';
import { startStack } from '../support/stack';
import { CODES, StepDownProxy, everyTime, type Fault } from '../support/stepDownProxy';
import { testMapping } from '../support/world';

/** A3: MongoDB fails over at any command; nothing is lost or duplicated, and no error counts as a bug. */

let proxy: StepDownProxy;

beforeEach(async () => {
  proxy = await StepDownProxy.start(testServers().mongodbUri);
});
afterEach(() => proxy.stop());

/** The first command with this name fails in this way. */
function once(name: string, fault: Fault): void {
  let isDone = false;
  proxy.decide = (command) => {
    if (isDone || command.name !== name) return null;
    isDone = true;
    return fault;
  };
}

describe('the proxy', () => {
  let client: MongoClient;
  const open = async (options = 'maxPoolSize=2') => {
    client = await MongoClient.connect(proxy.uri(options));
    return client.db(`stepdown-${randomUUID().slice(0, 8)}`).collection<{ _id: string; n: number }>('any');
  };
  afterEach(() => client.close());

  test.each(
    Object.keys(CODES)
      .map(Number)
      .filter((code) => CODES[code]?.isRetryable),
  )('a write that completed before the step-down (%i) is not repeated', async (code) => {
    const any = await open();
    await any.insertOne({ _id: 'a', n: 0 });
    for (const how of ['answer', 'concern', 'lost'] as const) {
      once('update', { when: 'after', how, code });
      await any.updateOne({ _id: 'a' }, { $inc: { n: 1 } });
    }
    expect(await any.findOne({ _id: 'a' })).toEqual({ _id: 'a', n: 3 });
    expect(proxy.made.get('update')).toBe(3);
  });

  test('an error of a call that the driver does not repeat has the server’s code, and is temporary', async () => {
    const any = await open();
    await any.insertOne({ _id: 'a', n: 0 });
    once('update', { when: 'before', how: 'answer', code: 10107 });
    const error: unknown = await any.updateMany({}, { $inc: { n: 1 } }).catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(MongoServerError);
    expect(error).toMatchObject({ code: 10107 });
    expect(isForLater(error)).toBe(true);
  });

  test('a lost cursor is temporary, too', async () => {
    const any = await open();
    await any.insertMany(Array.from({ length: 10 }, (_, n) => ({ _id: `${n}`, n })));
    once('getMore', { when: 'before', how: 'answer', code: 43 });
    const error: unknown = await any
      .find({}, { batchSize: 2 })
      .toArray()
      .catch((failure: unknown) => failure);
    expect(error).toMatchObject({ code: 43 });
    expect(isForLater(error)).toBe(true);
  });

  test('so is a wait for a free connection', async () => {
    const any = await open('waitQueueTimeoutMS=50&maxPoolSize=1');
    proxy.decide = () => ({ when: 'before', how: 'slow', ms: 300 });
    const [first, second] = await Promise.allSettled([any.findOne({}), any.findOne({})]);
    expect(first?.status).toBe('fulfilled');
    expect(second?.status === 'rejected' && isForLater(second.reason)).toBe(true);
    proxy.decide = () => null;
  });
});

describe.each(['', 'retryWrites=false'])('the sync through step-downs, %p', (options) => {
  const mapping = testMapping([
    { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both', winner: 'latest' },
  ]);

  test('a backfill creates every record once, and edits continue', async () => {
    const zendesk = new MemorySystem('zendesk', false);
    const pms = new MemorySystem('pms', true);
    const subjects = Array.from({ length: 60 }, (_, n) => `ticket ${n}`);
    const refs = subjects.map((subject) => zendesk.add('ticket', { subject }).ref);
    const servers = { ...testServers(), mongodbUri: proxy.uri(options) };
    const stack = await startStack(servers, mapping, { zendesk, pms });
    try {
      proxy.decide = everyTime(9);
      const run = await stack.client.workflow.execute(backfill, {
        workflowId: `${stack.taskQueue}-backfill`,
        taskQueue: stack.taskQueue,
      });
      expect(run.failed).toEqual([]);
      const titles = () => pms.all('project').map(({ values }) => textOf(values['title'] ?? null));
      expect(titles().sort()).toEqual([...subjects].sort());
      for (const ref of refs.slice(0, 5)) zendesk.edit(ref, { subject: `edited ${ref.id}` });
      await stack.client.workflow.execute(pollChanges, {
        workflowId: `${stack.taskQueue}-poll`,
        taskQueue: stack.taskQueue,
        args: ['zendesk'],
      });
      await stack.quiet();
      proxy.decide = () => null;
      expect(titles().filter((title) => title.startsWith('edited'))).toHaveLength(5);
      expect(await stack.store.countByCode('bug')).toBe(0);
      expect(await stack.store.aside.count()).toBe(0);
      expect((await stack.store.countByStatus()).TicketToProject).toMatchObject({ linked: 60, pending: 0 });
      expect([...proxy.made.values()].reduce((sum, made) => sum + made, 0)).toBeGreaterThan(5);
    } finally {
      proxy.decide = () => null;
      await stack.stop();
    }
  });
});
