import { MongoClient } from 'mongodb';
import { generateData } from '../../apps/demo/data';
import { seedBoth } from '../../apps/demo/seed';
import type { PlanCounts, PlanLine } from '../../src/checks/plan/dryRun';
import type { Forecast } from '../../src/sync/forecast';
import type { Link } from '../../src/sync/link';
import { SIDES, type Side } from '../../src/sync/record';
import { cliOf, type Ran } from '../support/cli';
import { startSandboxes, type Sandboxes } from '../support/sandboxes';
import { seedAccess } from '../support/seedAccess';
import { testServers } from '../support/servers';
import { startStack, type Stack } from '../support/stack';

/** The dry run over HTTP: it writes nothing, and the following sync does exactly what it predicted. */

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
  await seedBoth(await seedAccess(boxes), generateData({ size, seed: seedNumber }));
}

async function plan(): Promise<{ ran: Ran; lines: PlanLine[]; counts: PlanCounts; forecast: Forecast }> {
  const ran = await cli('plan', '--json');
  if (ran.err !== '') throw new Error(ran.err);
  return { ran, ...(JSON.parse(ran.out) as { lines: PlanLine[]; counts: PlanCounts; forecast: Forecast }) };
}

/** The content of a record that people see, without values that change by themselves. */
function records(): Map<string, string> {
  const found = new Map<string, string>();
  const keep = (name: string, record: object, hidden: string[]) => {
    const entries = Object.entries(record).filter(([key]) => !hidden.includes(key));
    found.set(name, JSON.stringify(Object.fromEntries(entries)));
  };
  for (const ticket of boxes.zendesk.store.tickets.values()) {
    const {
      subject,
      status,
      priority,
      type,
      tags,
      due_at,
      assignee_id,
      requester_id,
      organization_id,
      external_id,
    } = ticket;
    const shown = {
      subject,
      status,
      priority,
      type,
      tags,
      due_at,
      assignee_id,
      requester_id,
      organization_id,
      external_id,
    };
    keep(`zendesk:ticket:${ticket.id}`, shown, []);
  }
  for (const org of boxes.zendesk.store.organizations.values())
    keep(`zendesk:organization:${org.id}`, org, ['updated_at']);
  for (const [id, comments] of boxes.zendesk.store.comments)
    for (const comment of comments) keep(`zendesk:comment:${id}-${comment.id}`, comment, []);
  for (const kind of ['customer', 'project', 'note'] as const)
    for (const record of boxes.pms.store.all(kind))
      keep(`pms:${kind}:${record.id}`, record, ['revision', 'updatedAt']);
  return found;
}

async function links(): Promise<Map<string, Link>> {
  const all = new Map<string, Link>();
  for await (const link of stack.store.all()) all.set(link._id, link);
  return all;
}

/** The plan's lines, by existing records. */
function predicted(lines: PlanLine[]): string[] {
  return lines
    .map(({ action, zendesk, pms, on }) =>
      [action, zendesk, pms, on].filter((part) => part !== null).join(' '),
    )
    .sort();
}

/** The actions of a sync in the same form, from a comparison of before and after. */
function done(
  before: { links: Map<string, Link>; records: Map<string, string> },
  after: { links: Map<string, Link>; records: Map<string, string> },
): string[] {
  const lines: string[] = [];
  for (const link of after.links.values()) {
    const origin = link._id.slice(link._id.indexOf('/') + 1);
    const refOf = (side: Side) => {
      const ref = link.sides[side]?.ref ?? (origin.startsWith(`${side}:`) ? origin : null);
      return ref !== null && before.records.has(ref) ? ref : null;
    };
    const refs = [refOf('zendesk'), refOf('pms')].filter((ref) => ref !== null);
    const add = (action: string, on?: Side) => lines.push([action, ...refs, ...(on ? [on] : [])].join(' '));
    const both = ({ sides }: Link) => Boolean(sides.zendesk && sides.pms);
    const was = before.links.get(link._id);
    const made = SIDES.find((side) => link.sides[side] && !before.records.has(link.sides[side].ref));
    if (made) add('create', made);
    else {
      if (both(link) && !(was && both(was))) add('link');
      for (const side of SIDES) {
        const ref = link.sides[side]?.ref;
        if (ref !== undefined && before.records.get(ref) !== after.records.get(ref)) add('update', side);
      }
    }
    if (link.status === 'conflict') add('conflict');
    if (link.status === 'quarantined') add('quarantine');
    if (link.status === 'pending' || link.waitsFor.length > 0) add('wait');
    if (link.status === 'tombstone' && was?.status !== 'tombstone') add('end');
  }
  return lines.sort();
}

async function state() {
  return { links: await links(), records: records() };
}

/**
 * All stored documents, except the counts of calls (reads of a dry run count against the rate) and the forecast,
 * which is kept for the backfill.
 */
async function dump(): Promise<string> {
  const db = mongo.db(stack.taskQueue);
  const names = (await db.listCollections().toArray())
    .map(({ name }) => name)
    .filter((name) => !['budgets', 'forecasts'].includes(name));
  names.sort();
  const all = [];
  for (const name of names) all.push([name, await db.collection(name).find().sort({ _id: 1 }).toArray()]);
  return JSON.stringify(all);
}

/** Plans, checks that nothing was written, then syncs and compares. */
async function planThenSync(): Promise<{ lines: PlanLine[]; counts: PlanCounts; code: number | null }> {
  const stored = await dump();
  const before = await state();
  boxes.calls.length = 0;
  const { ran, lines, counts } = await plan();
  expect(await dump()).toBe(stored);
  expect([...records()]).toEqual([...before.records]);
  await quiet();
  await quiet();
  expect(done(before, await state())).toEqual(predicted(lines));
  return { lines, counts, code: ran.code };
}

test('plan shows the first sync of two systems with existing records', async () => {
  await seed(0.1, 11);
  // An organization on both sides with one name; one with a duplicate name; a ticket with an unknown parent.
  await boxes.zd('POST', '/organizations', { organization: { name: 'Both Ltd', notes: 'z' } });
  await boxes.pm('POST', '/customers', { name: 'BOTH LTD', tags: ['p'] });
  await boxes.zd('POST', '/organizations', { organization: { name: 'Twin' } });
  await boxes.pm('POST', '/customers', { name: 'Twin' });
  await boxes.pm('POST', '/customers', { name: 'twin' });
  const { lines, counts, code } = await planThenSync();
  expect(code).toBe(1);
  expect(counts.OrgToCustomer).toMatchObject({ conflict: 3 });
  expect(counts.OrgToCustomer.link).toBeGreaterThan(1);
  expect(counts.TicketToProject.create).toBeGreaterThan(10);
  expect(counts.CommentToProject.create).toBeGreaterThan(30);
  expect(lines.filter(({ action }) => action === 'conflict').map(({ reason }) => reason)).toContainEqual(
    expect.stringMatching(/share a match value|several records match/),
  );

  const again = await plan();
  expect(again.lines.filter(({ action }) => !['conflict', 'quarantine', 'wait'].includes(action))).toEqual(
    [],
  );
});

test('plan shows a half-synced state: edits on both sides, a closed ticket, an end, a new record', async () => {
  const ticketOf = async (subject: string) => {
    const made = await boxes.zd('POST', '/tickets', { ticket: { subject, comment: { body: 'x' } } });
    return (made['ticket'] as { id: number }).id;
  };
  const edited = await ticketOf('edited');
  const closed = await ticketOf('closed');
  const ended = await ticketOf('ended');
  await ticketOf('untouched');
  await quiet();
  const projectOf = (id: number) =>
    [...boxes.pms.store.all('project')].find((each) => each.externalRef === `zendesk:ticket:${id}`)?.id ?? '';
  await boxes.zd('PUT', `/tickets/${closed}`, { ticket: { status: 'closed' } });
  await quiet();
  await boxes.zd('PUT', `/tickets/${edited}`, { ticket: { priority: 'high' } });
  await boxes.pm('PATCH', `/projects/${projectOf(edited)}`, { title: 'edited twice' });
  await boxes.pm('PATCH', `/projects/${projectOf(closed)}`, { title: 'too late' });
  await boxes.zd('DELETE', `/tickets/${ended}`);
  await boxes.pm('POST', '/notes', { projectId: projectOf(edited), body: 'new here' });
  await ticketOf('new there');
  const { lines, counts } = await planThenSync();
  expect(lines.filter(({ action }) => action === 'update')).toMatchObject([
    { on: 'zendesk', zendesk: `zendesk:ticket:${edited}`, properties: ['subject'] },
    { on: 'pms', pms: `pms:project:${projectOf(edited)}`, properties: ['priority'] },
  ]);
  expect(counts.TicketToProject).toMatchObject({ create: 1, update: 2, quarantine: 1, end: 1, link: 0 });
  expect(counts.CommentToProject).toMatchObject({ create: 1 });
  expect(lines.find(({ action }) => action === 'quarantine')?.reason).toMatch(/closed/);
});

test('plan prints lines and counts, or counts alone', async () => {
  await boxes.zd('POST', '/tickets', { ticket: { subject: 's', comment: { body: 'x' } } });
  const ran = await cli('plan');
  expect(ran).toMatchObject({ code: 0, err: '' });
  expect(ran.out).toMatch(/^create +in the PMS for zendesk:ticket:\d+$/m);
  expect(ran.out).toMatch(/^TicketToProject +1 +0 +0 +0 +0 +0 +0 +0$/m);
  expect(ran.out).toMatch(/Nothing was written\.\n$/);
  const summary = await cli('plan', '--summary');
  expect(summary.out).not.toContain('zendesk:ticket:');
  await quiet();
  expect((await cli('plan')).out).toMatch(/Nothing to do: both systems agree\.\n$/);
});

test('plan and backfill predict how long they take', async () => {
  await boxes.zd('POST', '/tickets', { ticket: { subject: 's', comment: { body: 'x' } } });
  await quiet();
  const [project] = [...boxes.pms.store.all('project')];
  for (let note = 1; note <= 33; note += 1)
    await boxes.pm('POST', '/notes', { projectId: project?.id, body: `note ${note}` });
  await boxes.pm('PATCH', `/projects/${project?.id}`, { title: 'renamed' });

  // As if an answer had shown it, in a trial account.
  const budgets = mongo.db(stack.taskQueue).collection<{ _id: string; limit: number }>('budgets');
  await budgets.insertOne({ _id: 'zendesk:tickets-update', limit: 20 });
  const ofTrial = (await plan()).forecast.limits;
  expect(ofTrial.find(({ limit }) => limit === 'ticketUpdates')).toMatchObject({ calls: 34, allowed: 14 });
  await budgets.deleteOne({ _id: 'zendesk:tickets-update' });

  const { forecast } = await plan();
  const callsOf = (name: string) => forecast.limits.find(({ limit }) => limit === name)?.calls;
  // The ticket's new subject and its 33 comments, of which 30 are written in the first ten minutes.
  expect(callsOf('ticketUpdates')).toBe(34);
  expect(callsOf('updatesOfOneTicket')).toBe(34);
  expect(forecast).toMatchObject({ binds: 'updatesOfOneTicket', minutes: 10 });

  const words = /takes about 10 min: 34 updates of one ticket at 30 in 10 minutes bind\./;
  expect((await cli('plan', '--summary')).out).toMatch(words);
  const filled = await cli('backfill', '--wait', '--json');
  expect(JSON.parse(filled.out)).toMatchObject({
    forecast: { ...forecast, at: expect.any(String) as string },
  });
});

test('plan reports an unavailable system in one line', async () => {
  const unavailable = cliOf(boxes, stack, { PMS_BASE_URL: 'http://127.0.0.1:1' });
  const ran = await unavailable('plan');
  expect(ran.code).toBe(1);
  expect(ran.err).toMatch(/^PMS .*ECONNREFUSED.*\n$/);
});
