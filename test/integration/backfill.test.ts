import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { controlsOf } from 'testkit';
import { generateData } from '../../apps/demo/data';
import { seedPms, seedZendesk } from '../../apps/demo/seed';
import type { PlanCounts } from '../../src/checks/plan/dryRun';
import type { Link } from '../../src/sync/link';
import { ENTITY_TYPES, type Side } from '../../src/sync/record';
import { startBackfill } from '../../src/workers/startBackfill';
import {
  backfillProgress,
  cancelBackfill,
  pauseBackfill,
  resumeBackfill,
  type BackfillProgress,
} from '../../src/workflows/backfill';
import { pauseUpdate, resumeUpdate } from '../../src/workflows/control';
import { controlId } from '../../src/workflows/ids';
import { syncControl } from '../../src/workflows';
import { cliOf, type Ran } from '../support/cli';
import { startSandboxes, type Sandboxes } from '../support/sandboxes';
import { seedAccess } from '../support/seedAccess';
import { testServers } from '../support/servers';
import { startStack, type Stack } from '../support/stack';

/** The first sync in bulk, over HTTP: the same result as by the workflows of pairs, with far fewer calls. */

/**
 * The tags that a new ticket inherits depend on the moment when its organization gets tags from the PMS, so two
 * correct worlds may differ. backfillAgrees.test.ts switches that rule on.
 */
const TAGS_OF_THEIR_OWN = { zendesk: { obeys: { inheritedTags: false } } };

let boxes: Sandboxes;
let stack: Stack;
let cli: (...args: string[]) => Promise<Ran>;

beforeEach(async () => {
  boxes = await startSandboxes(TAGS_OF_THEIR_OWN);
  stack = await startStack(testServers(), boxes.mapping, boxes.systems);
  cli = cliOf(boxes, stack);
});
afterEach(async () => {
  await stack.stop();
  await boxes.close();
});

/** @returns the titles of projects that were created without a customer */
async function seed(into: Sandboxes): Promise<Set<unknown>> {
  const access = await seedAccess(into);
  const data = generateData({ size: 1, seed: 7 });
  // One after the other: if both have an organization, the later values win, and that must be the same side in both
  // worlds.
  await seedZendesk(access.zendesk, data);
  await seedPms(access.pms, data);
  const projects = [...into.pms.store.all('project')];
  return new Set(projects.flatMap(({ customerId, title }) => (customerId ? [] : [title])));
}

const begin = () => startBackfill(stack.client, stack.store, stack.taskQueue);
const run = async (): Promise<BackfillProgress> => (await begin()).result();
/** Waits until the pairs that the backfill left work to, and the polls, have ended. */
const quiet = async () => {
  await stack.quiet();
  await stack.settle();
  await stack.settle();
};

async function expectNothingPlanned(): Promise<void> {
  const { out, err } = await cli('plan', '--json');
  expect(err).toBe('');
  const { lines, counts } = JSON.parse(out) as { lines: unknown[]; counts: PlanCounts };
  expect(lines).toEqual([]);
  expect(Object.keys(counts)).toEqual([...ENTITY_TYPES]);
}

async function links(of: Stack): Promise<Link[]> {
  const all: Link[] = [];
  for await (const link of of.store.all()) all.push(link);
  return all;
}

/**
 * The content that people see, without ids and times: two worlds with the same content give the same list.
 *
 * @param isFree titles of projects that were created without a customer: their tickets get the organization of their
 * requester at that moment, which may differ between two worlds
 */
function contents({ zendesk, pms }: Sandboxes, isFree: ReadonlySet<unknown>): string[] {
  const { store } = zendesk;
  const project = (id: unknown) => pms.store.find('project', String(id));
  return [
    ...[...store.organizations.values()].map(({ name, tags, domain_names: domains }) =>
      JSON.stringify(['organization', name, [...tags].sort(), domains]),
    ),
    ...[...store.tickets.values()].map(({ subject, status, priority, tags, ...ticket }) =>
      JSON.stringify([
        'ticket',
        subject,
        status,
        priority,
        [...tags].sort(),
        isFree.has(subject) || store.organizations.get(ticket.organization_id ?? 0)?.name,
      ]),
    ),
    ...[...store.comments].flatMap(([id, list]) =>
      list.map(({ plain_body: body, public: isPublic }) =>
        JSON.stringify(['comment', store.tickets.get(id)?.subject, body, isPublic]),
      ),
    ),
    ...[...pms.store.all('customer')].map(({ name, tags, domains }) =>
      JSON.stringify(['customer', name, [...(tags as string[])].sort(), domains]),
    ),
    ...[...pms.store.all('project')].map(({ title, status, priority, tags, customerId }) =>
      JSON.stringify([
        'project',
        title,
        status,
        priority,
        [...(tags as string[])].sort(),
        isFree.has(title) || pms.store.find('customer', String(customerId))?.['name'],
      ]),
    ),
    ...[...pms.store.all('note')].map(({ body, visibility, projectId }) =>
      JSON.stringify(['note', project(projectId)?.['title'], body, visibility]),
    ),
  ].sort();
}

/** The states of all links, without ids and times. */
const standing = (all: Link[]): string[] =>
  all
    .map(({ entity, status, sides, waitsFor, intent, conflicts }) =>
      JSON.stringify([
        entity,
        status,
        Object.keys(sides).sort(),
        waitsFor.length,
        intent === null,
        conflicts.length,
      ]),
    )
    .sort();

const callsOf = (side: Side, method: string, path: RegExp) =>
  boxes.calls.filter((call) => call.side === side && call.method === method && path.test(call.path)).length;

const ticketsNaming = () => {
  const named = [...boxes.zendesk.store.tickets.values()].flatMap((ticket) => ticket.external_id ?? []);
  return { all: named.length, different: new Set(named).size };
};

test('a full backfill ends in the same state as single pairs, in bulk', async () => {
  const isFree = await seed(boxes);
  boxes.calls.length = 0;
  const progress = await run();
  const written = boxes.calls.filter(({ method }) => method !== 'GET').length;
  expect(progress).toMatchObject({ state: 'done', failed: [], open: [] });
  await quiet();
  await expectNothingPlanned();

  const other = await startSandboxes(TAGS_OF_THEIR_OWN);
  const single = await startStack(testServers(), other.mapping, other.systems);
  try {
    await seed(other);
    other.calls.length = 0;
    for (let i = 0; i < 3; i += 1) await single.settle();
    expect(contents(boxes, isFree)).toEqual(contents(other, isFree));
    expect(standing(await links(stack))).toEqual(standing(await links(single)));
    const one = other.calls.filter(({ method }) => method !== 'GET').length;
    expect(written).toBeLessThan(one / 4);
  } finally {
    await single.stop();
    await other.close();
  }
}, 900_000);

test('matching records of both sides are linked, and a person decides ambiguous ones', async () => {
  await boxes.zd('POST', '/organizations', { organization: { name: 'Acme' } });
  await boxes.pm('POST', '/customers', { name: 'Acme' });
  await boxes.zd('POST', '/organizations', { organization: { name: 'Globex' } });
  await boxes.pm('POST', '/customers', { name: 'Globex' });
  await boxes.pm('POST', '/customers', { name: 'Globex' });
  const progress = await run();
  expect(progress.tallies.OrgToCustomer).toMatchObject({
    joined: 1,
    created: { zendesk: 0, pms: 0 },
  });
  await quiet();
  expect([...boxes.pms.store.all('customer')]).toHaveLength(3);
  expect(boxes.zendesk.store.organizations.size).toBe(2);
  const all = await links(stack);
  expect(all.filter(({ status }) => status === 'linked')).toHaveLength(1);
  const conflicts = all.filter(({ status }) => status === 'conflict');
  expect(conflicts.map(({ reason }) => reason?.code)).toEqual(conflicts.map(() => 'ambiguous_match'));
  expect(conflicts.length).toBeGreaterThan(0);
});

test('customers that a join has changed are read again in bulk, not each by its pair', async () => {
  const names = ['Acme', 'Globex', 'Initech'];
  for (const name of names) {
    const domain_names = [`${name.toLowerCase()}.example`];
    await boxes.zd('POST', '/organizations', { organization: { name, domain_names } });
    await boxes.pm('POST', '/customers', { name });
  }
  boxes.calls.length = 0;
  const { agreed, left } = (await run()).tallies.OrgToCustomer;
  // If the customers' page joins first, it leaves those to their pairs whose update is not for the other side.
  expect(agreed + left).toBe(names.length);
  await quiet();
  // A page of the list, and one call for the changed customers.
  expect(callsOf('pms', 'GET', /^\/api\/v1\/customers/)).toBeLessThanOrEqual(2 + 2 * left);
  for (const { domains } of boxes.pms.store.all('customer')) expect(domains).toHaveLength(1);
});

test('answers lost after the write cause no duplicates, on either side', async () => {
  for (let i = 0; i < 3; i += 1) {
    await boxes.zd('POST', '/tickets', { ticket: { subject: `t${i}`, comment: { body: 'x' } } });
    await boxes.pm('POST', '/projects', { title: `p${i}` });
  }
  const lost = (route: string) => ({ route, kind: 'timeoutAfterWrite', times: 1 }) as const;
  await controlsOf(boxes.pms).setFaults(lost('^POST /api/v1/projects/bulk'));
  await controlsOf(boxes.zendesk).setFaults(lost('^POST /api/v2/tickets/create_many'));
  const progress = await run();
  expect(progress).toMatchObject({ state: 'done', failed: [] });
  await quiet();
  expect(boxes.zendesk.store.tickets.size).toBe(6);
  expect([...boxes.pms.store.all('project')]).toHaveLength(6);
  expect(ticketsNaming()).toEqual({ all: 3, different: 3 });
  await expectNothingPlanned();
});

test('a refused record is passed to its own pair, and the others are done', async () => {
  await boxes.zd('POST', '/tickets', { ticket: { subject: 'fine', comment: { body: 'x' } } });
  const { ticket } = await boxes.zd('POST', '/tickets', {
    ticket: { subject: 'odd', comment: { body: 'x' } },
  });
  const { id } = ticket as { id: number };
  // Longer than a title of the PMS and a new subject in Zendesk may be, but an old ticket has it.
  const old = boxes.zendesk.store.tickets.get(id);
  if (old) old.subject = 'long '.repeat(80);
  const progress = await run();
  expect(progress.tallies.TicketToProject).toMatchObject({ created: { pms: 1 }, left: 1 });
  await quiet();
  const link = await stack.store.get(`TicketToProject/zendesk:ticket:${id}`);
  expect(link).toMatchObject({ status: 'quarantined', reason: { code: 'invalid_field' } });
});

test('an edit during the write of a page is not lost', async () => {
  const { ticket } = await boxes.zd('POST', '/tickets', {
    ticket: { subject: 'before', comment: { body: 'x' } },
  });
  const { id } = ticket as { id: number };
  const slow = { route: '^POST /api/v1/projects/bulk', kind: 'delay', delayMs: 1_500 } as const;
  await controlsOf(boxes.pms).setFaults(slow);
  const handle = await begin();
  for (;;) {
    const link = await stack.store.get(`TicketToProject/zendesk:ticket:${id}`);
    if (link?.intent?.hold) break;
    await sleep(20);
  }
  await boxes.zd('PUT', `/tickets/${id}`, { ticket: { subject: 'after' } });
  await stack.settle();
  expect(await handle.result()).toMatchObject({ state: 'done', failed: [] });
  await quiet();
  const [project, ...more] = [...boxes.pms.store.all('project')];
  expect(more).toEqual([]);
  expect(project).toMatchObject({ title: 'after' });
});

test('the workflow of a pair finishes what a page left unfinished', async () => {
  const { ticket } = await boxes.zd('POST', '/tickets', { ticket: { subject: 'a', comment: { body: 'x' } } });
  const ref = { side: 'zendesk' as const, kind: 'ticket', id: String((ticket as { id: number }).id) };
  const key = `TicketToProject/zendesk:ticket:${ref.id}`;
  const refuse = { route: '^POST /api/v1/projects/bulk', kind: 'status', status: 503 } as const;
  await controlsOf(boxes.pms).setFaults(refuse);
  const handle = await begin();
  for (;;) {
    const link = await stack.store.get(key);
    if (link?.intent?.hold) break;
    await sleep(20);
  }
  await handle.terminate();
  const held = await stack.store.get(key);
  if (!held?.intent?.hold) throw new Error('not held any more');
  // As if half an hour had passed.
  const hold = { ...held.intent.hold, until: new Date(0).toISOString() };
  await stack.store.save({ ...held, intent: { ...held.intent, hold } });
  await controlsOf(boxes.pms).clearFaults();
  expect(await stack.hint('TicketToProject', ref)).toMatchObject({ status: 'linked' });
  expect([...boxes.pms.store.all('project')]).toHaveLength(1);
  expect((await stack.store.get(key))?.intent).toBeNull();
});

describe('control', () => {
  const tickets = async (count: number) => {
    for (let i = 0; i < count; i += 1)
      await boxes.zd('POST', '/tickets', { ticket: { subject: `t${i}`, comment: { body: 'x' } } });
  };

  test('waits while it is paused, continues after a resume, and reports its progress', async () => {
    await tickets(2);
    const slow = { route: '^GET /api/v1/customers', kind: 'delay', delayMs: 1_000 } as const;
    await controlsOf(boxes.pms).setFaults(slow);
    const handle = await begin();
    await handle.signal(pauseBackfill);
    for (;;) {
      const { state, steps, open } = await handle.query(backfillProgress);
      if (state === 'paused' && steps !== null && open.length === 0) break;
      await sleep(50);
    }
    expect([...boxes.pms.store.all('project')]).toHaveLength(0);
    const status = await cli('backfill', 'status', '--json');
    expect(JSON.parse(status.out)).toMatchObject({ state: 'paused', records: 0 });
    await handle.signal(resumeBackfill);
    expect(await handle.result()).toMatchObject({ state: 'done' });
    expect([...boxes.pms.store.all('project')]).toHaveLength(2);
  });

  test('skips what an operator paused', async () => {
    await tickets(1);
    const control = await stack.client.workflow.start(syncControl, {
      workflowId: controlId(stack.taskQueue),
      taskQueue: stack.taskQueue,
      args: [],
    });
    await control.executeUpdate(pauseUpdate, { args: ['TicketToProject'] });
    const handle = await begin();
    for (;;) {
      const { steps, done } = await handle.query(backfillProgress);
      if (steps !== null && done === steps.length) break;
      await sleep(50);
    }
    expect([...boxes.pms.store.all('project')]).toHaveLength(0);
    await control.executeUpdate(resumeUpdate, { args: ['TicketToProject'] });
    expect(await handle.result()).toMatchObject({ state: 'done', failed: [] });
    await quiet();
    expect([...boxes.pms.store.all('project')]).toHaveLength(1);
    await control.terminate();
  });

  test('ends when it is cancelled, and the next backfill does the rest', async () => {
    await tickets(2);
    const handle = await begin();
    await handle.signal(cancelBackfill);
    expect(await handle.result()).toMatchObject({ state: 'cancelled' });
    expect(await run()).toMatchObject({ state: 'done' });
    expect([...boxes.pms.store.all('project')]).toHaveLength(2);
  });
});

test('polls continue from the start of the backfill, and do not notify pairs of earlier changes', async () => {
  await boxes.zd('POST', '/tickets', { ticket: { subject: `t ${randomUUID()}`, comment: { body: 'x' } } });
  await boxes.pm('POST', '/projects', { title: 'p' });
  await stack.store.backfill.announce();
  await stack.settle();
  expect(boxes.zendesk.store.tickets.size).toBe(1);
  await run();
  const bulk = callsOf('zendesk', 'POST', /create_many/);
  await quiet();
  expect(bulk).toBe(1);
  expect(callsOf('zendesk', 'POST', /tickets$/)).toBe(0);
  await boxes.pm('POST', '/projects', { title: 'later' });
  await quiet();
  expect(boxes.zendesk.store.tickets.size).toBe(3);
});
