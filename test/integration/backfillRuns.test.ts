import { startTemporal, type EmbeddedTemporal } from '../../src/platform/embedded/embeddedServers';
import { startBackfill } from '../../src/workers/startBackfill';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/searchAttributes';
import { startSandboxes, type Sandboxes } from '../support/sandboxes';
import { testServers } from '../support/servers';
import { startStack, type Stack } from '../support/stack';

/**
 * The history of a workflow must not grow with the account, so a long run continues as new. Temporal suggests when;
 * here it suggests it early.
 */

const SUGGESTED = 60;
/** Five pages are open when Temporal suggests it. Each adds three events, and three of a workflow task. */
const STILL_TO_COME = 5 * 6 + 6;
const CUSTOMERS = 900;
const ORGANIZATIONS = 450;

let temporal: EmbeddedTemporal;
let boxes: Sandboxes;
let stack: Stack;

beforeAll(async () => {
  temporal = await startTemporal({
    searchAttributes: SEARCH_ATTRIBUTES,
    temporalConfig: { 'limit.historyCount.suggestContinueAsNew': SUGGESTED },
    env: { ...process.env, TEMPORAL_ADDRESS: '' },
  });
  boxes = await startSandboxes();
  stack = await startStack(
    { ...testServers(), temporalAddress: temporal.address },
    boxes.mapping,
    boxes.systems,
  );
});
afterAll(async () => {
  await stack.stop();
  await boxes.close();
  await temporal.stop();
});

test('a backfill continues as new when Temporal suggests it, and skips nothing', async () => {
  const { pms, zendesk } = boxes;
  for (let n = 0; n < CUSTOMERS; n += 1) pms.store.create('customer', { name: `Customer ${n}` }, 'U-1001');
  const admin = zendesk.store.userByEmail.get('ann@sandbox.example');
  for (let n = 0; n < ORGANIZATIONS; n += 1)
    zendesk.organizations.create({ name: `Organization ${n}` }, admin?.id ?? 0);

  const handle = await startBackfill(stack.client, stack.store, stack.taskQueue);
  const progress = await handle.result();

  expect(progress).toMatchObject({ state: 'done', failed: [], open: [] });
  expect(progress.tallies.OrgToCustomer).toMatchObject({
    created: { zendesk: CUSTOMERS, pms: ORGANIZATIONS },
    left: 0,
  });
  await stack.quiet();
  expect(zendesk.store.organizations.size).toBe(CUSTOMERS + ORGANIZATIONS);
  expect([...pms.store.all('customer')]).toHaveLength(CUSTOMERS + ORGANIZATIONS);

  const runs: { status: string; events: number }[] = [];
  const query = `WorkflowId = '${handle.workflowId}'`;
  for await (const run of stack.client.workflow.list({ query }))
    runs.push({ status: run.status.name, events: run.historyLength });
  expect(runs.length).toBeGreaterThan(2);
  expect(runs.filter(({ status }) => status !== 'CONTINUED_AS_NEW')).toEqual([
    expect.objectContaining({ status: 'COMPLETED' }),
  ]);
  for (const { events } of runs) expect(events).toBeLessThan(SUGGESTED + STILL_TO_COME);
});
