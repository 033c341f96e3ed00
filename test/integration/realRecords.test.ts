import path from 'node:path';
import { controlsOf } from 'testkit';
import { loadZendeskData } from 'zendesk-sandbox';
import { checkAgreement } from '../../apps/demo/checker';
import { startBackfill } from '../../src/workers/startBackfill';
import { startSandboxes, type Sandboxes } from '../support/sandboxes';
import { testServers } from '../support/servers';
import { startStack, type Stack } from '../support/stack';

/** F27: the demo's sync of a real account's records, by a backfill. */

const FIXTURE = path.resolve(__dirname, '../fixtures/zendesk-real');

let boxes: Sandboxes;
let stack: Stack;

beforeEach(async () => {
  boxes = await startSandboxes();
  stack = await startStack(testServers(), boxes.mapping, boxes.systems);
});
afterEach(async () => {
  await stack.stop();
  await boxes.close();
});

async function agreement() {
  const token = await controlsOf(boxes.pms).tokenOf({ email: 'checker@demo.example', name: 'Checker' });
  const links = [];
  for await (const { sides } of stack.store.all())
    if (sides.zendesk && sides.pms) links.push({ zendesk: sides.zendesk.ref, pms: sides.pms.ref });
  return checkAgreement({
    zendesk: { url: boxes.zendesk.url, token: boxes.zendesk.bearer('ann@sandbox.example') },
    pms: { url: boxes.pms.url, token },
    links,
  });
}

test('F27: records with deactivated requesters and odd spaces agree after a backfill, and an edit syncs', async () => {
  const { store, tickets } = boxes.zendesk;
  const loaded = await loadZendeskData(store, tickets, FIXTURE);
  expect(loaded).toMatchObject({ organizations: 3, tickets: 5, comments: 3, skipped: [] });
  const progress = await (await startBackfill(stack.client, stack.store, stack.taskQueue)).result();
  expect(progress).toMatchObject({ state: 'done', failed: [] });
  await stack.quiet();
  await stack.settle();
  const first = await agreement();
  expect(first.problems).toEqual([]);
  expect(first.rows.map(({ linked, agreeing }) => [linked, agreeing])).toEqual([
    [3, 3],
    [5, 5],
    [3, 3],
  ]);

  // The requester is named although the list of people omits them.
  const byTicket = (id: number) =>
    [...boxes.pms.store.all('project')].find(({ externalRef }) => externalRef === `zendesk:ticket:${id}`);
  const requester = boxes.pms.store.people.get(String(byTicket(125)?.['requesterId']));
  expect(requester?.email).toBe('requester@example.com');

  const [project] = [byTicket(126)];
  await boxes.pm('PATCH', `/projects/${project?.id}`, { title: 'By\u00a0the PMS ', priority: 'high' });
  await boxes.zd('PUT', '/tickets/125', { ticket: { comment: { body: 'seen\u00a0 to\u00a0' } } });
  await stack.settle();
  await stack.settle();
  const second = await agreement();
  expect(second.problems).toEqual([]);
  expect(store.tickets.get(126)?.priority).toBe('high');
});
