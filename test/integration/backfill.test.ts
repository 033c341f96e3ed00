import { MongoClient } from 'mongodb';
import { generateData } from '../../demo/data';
import { seedBoth } from '../../demo/seed';
import type { PlanCounts } from '../../src/plan/dryRun';
import { backfill } from '../../src/workflows';
import type { BackfillProgress } from '../../src/workflows/backfill';
import { backfillId } from '../../src/workflows/ids';
import { cliOf, type Ran } from '../support/cli';
import { send, startSandboxes, type Sandboxes } from '../support/sandboxes';
import { testServers } from '../support/servers';
import { startStack, type Stack } from '../support/stack';

/** The first sync in bulk, over HTTP: the same end as the pairs' own workflows bring about, with far fewer calls. */

let boxes: Sandboxes;
let stack: Stack;
let mongo: MongoClient;
let cli: (...args: string[]) => Promise<Ran>;

beforeAll(async () => {
  mongo = await MongoClient.connect(testServers().mongodbUri);
});
afterAll(async () => mongo.close());
beforeEach(async () => {
  boxes = await startSandboxes();
  stack = await startStack(testServers(), boxes.mapping, boxes.systems);
  cli = cliOf(boxes, stack);
});
afterEach(async () => {
  await stack.stop();
  await boxes.close();
});

const quiet = async () => {
  await stack.settle();
  await stack.settle();
};

async function seed(size: number, seedNumber: number): Promise<void> {
  const person = { email: 'seeder@pms.example', name: 'Seeder' };
  const made = await send(`${boxes.pms.url}/_sandbox/tokens`, 'POST', {}, person);
  const access = {
    zendesk: { url: boxes.zendesk.url, email: 'ann@sandbox.example', token: boxes.zendesk.apiToken },
    pms: { url: boxes.pms.url, token: String(made['token']) },
  };
  await seedBoth(access, generateData({ size, seed: seedNumber }));
}

async function run(): Promise<BackfillProgress> {
  return stack.client.workflow.execute(backfill, {
    workflowId: backfillId(stack.taskQueue),
    taskQueue: stack.taskQueue,
    args: [],
  });
}

async function planned(): Promise<PlanCounts> {
  const { out, err } = await cli('plan', '--json');
  if (err !== '') throw new Error(err);
  return (JSON.parse(out) as { counts: PlanCounts }).counts;
}

test('a seeded account', async () => {
  await seed(1, 7);
  boxes.calls.length = 0;
  const began = Date.now();
  const progress = await run();
  console.log(JSON.stringify(progress, null, 1), Date.now() - began);
  const count: Record<string, number> = {};
  for (const { side, method, path } of boxes.calls) {
    const k = `${side} ${method} ${path.replace(/\d{3,}/g, '#').replace(/[0-9a-f]{32}/, '#')}`;
    count[k] = (count[k] ?? 0) + 1;
  }
  console.log(count);
  await stack.quiet();
  await quiet();
  console.log(JSON.stringify(await planned(), null, 1));
});
