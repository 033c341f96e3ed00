import { randomUUID } from 'node:crypto';
import { MongoClient } from 'mongodb';
import type { Ticket } from 'zendesk-sandbox';
import { controlsOf } from 'testkit';
import type { ReconcileReport } from '../../src/sync/findings';
import { linkHygiene, reconcile } from '../../src/workflows';
import { reconcileProgress } from '../../src/workflows/reconcile';
import { addMember } from '../support/membership';
import { ServiceProcess, serviceEnvironment, until } from '../support/serviceProcess';
import { startSandboxes, type Sandboxes } from '../support/sandboxes';
import { testServers } from '../support/servers';
import { startStack, type Stack } from '../support/stack';

describe('reconcile', () => {
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

  const tickets = () => [...boxes.zendesk.store.tickets.values()];
  const projects = () => [...boxes.pms.store.all('project')];
  const customers = () => [...boxes.pms.store.all('customer')];
  const notes = () => [...boxes.pms.store.all('note')];
  const projectOf = (ticket: Ticket | undefined) =>
    projects().find(
      ({ id, externalRef }) =>
        externalRef === `zendesk:ticket:${ticket?.id}` || ticket?.external_id === `pms:project:${id}`,
    );
  const run = (full = false): Promise<ReconcileReport> =>
    stack.client.workflow.execute(reconcile, {
      workflowId: `${stack.taskQueue}-reconcile-${randomUUID()}`,
      taskQueue: stack.taskQueue,
      args: [{ full }],
    });
  const tidy = () =>
    stack.client.workflow.execute(linkHygiene, {
      workflowId: `${stack.taskQueue}-hygiene-${randomUUID()}`,
      taskQueue: stack.taskQueue,
    });
  const inDatabase = async (work: (name: string, mongo: MongoClient) => Promise<unknown>) => {
    const mongo = await MongoClient.connect(testServers().mongodbUri);
    try {
      await work(stack.taskQueue, mongo);
    } finally {
      await mongo.close();
    }
  };

  async function someRecords(): Promise<void> {
    const acme = boxes.zendesk.organizations.create({ name: 'Acme' }, 1);
    addMember(boxes.zendesk, acme.id);
    for (let i = 0; i < 6; i += 1)
      await boxes.zd('POST', '/tickets', {
        ticket: { subject: `T ${i}`, comment: { body: 'd' }, organization_id: acme.id },
      });
    for (let i = 0; i < 3; i += 1) boxes.pms.store.create('project', { title: `P ${i}` }, 'U-1001');
    await boxes.zd('PUT', `/tickets/${tickets()[0]?.id}`, { ticket: { comment: { body: 'a comment' } } });
    await stack.settle();
    await stack.settle();
  }

  test('finds the differences after events were lost on both sides, and the pairs repair them', async () => {
    await someRecords();
    expect(tickets()).toHaveLength(9);
    expect(projects()).toHaveLength(9);

    // From here on, there are no polls and no webhooks, so only reconcile finds changes.
    const [edited, ended, , commented] = tickets();
    await boxes.zd('PUT', `/tickets/${edited?.id}`, { ticket: { subject: 'Edited, unheard' } });
    await boxes.zd('DELETE', `/tickets/${ended?.id}`);
    await boxes.zd('PUT', `/tickets/${commented?.id}`, { ticket: { comment: { body: 'unheard comment' } } });
    await boxes.zd('POST', '/tickets', { ticket: { subject: 'New, unheard', comment: { body: 'd' } } });
    const project = projectOf(tickets()[2]);
    await boxes.pm('PATCH', `/projects/${project?.id}`, { priority: 'low', title: 'Renamed, unheard' });
    await boxes.pm('POST', '/projects', { title: 'Made, unheard' });
    await boxes.pm('POST', '/notes', { projectId: project?.id, body: 'unheard note' });
    await boxes.pm('DELETE', `/customers/${customers()[0]?.id}`);

    const report = await run();
    await stack.quiet();
    expect(report.failed).toEqual([]);
    expect(report.findings.TicketToProject).toMatchObject({ missing: 2, ended: 1 });
    // A later walk counts a pair again if it reads the other record while the pair is being repaired.
    const { drifted, rows } = report.findings.TicketToProject;
    expect(drifted).toBeGreaterThanOrEqual(2);
    expect(rows['title']).toBeGreaterThanOrEqual(2);
    expect(rows['priority']).toBeGreaterThanOrEqual(1);
    // And those that the pairs created meanwhile and the walk read.
    expect(report.findings.TicketToProject.walked.zendesk).toBeGreaterThanOrEqual(10);
    expect(report.findings.TicketToProject.walked.pms).toBeGreaterThanOrEqual(10);
    expect(report.findings.CommentToProject).toMatchObject({ missing: 2, drifted: 0 });
    expect(report.findings.OrgToCustomer.orphaned + report.findings.OrgToCustomer.ended).toBe(1);
    // Ids and counts, no content.
    expect(JSON.stringify(report)).not.toMatch(/unheard/);

    expect(projectOf(edited)?.['title']).toBe('Edited, unheard');
    expect(tickets().find(({ id }) => id === tickets()[2]?.id)).toMatchObject({
      subject: 'Renamed, unheard',
      priority: 'low',
    });
    expect(projects().map((each) => each['title'])).toContain('New, unheard');
    expect(tickets().map(({ subject }) => subject)).toContain('Made, unheard');
    expect(notes().map((note) => note['body'])).toEqual(
      expect.arrayContaining(['a comment', 'unheard comment', 'unheard note']),
    );
    expect(await stack.store.get(`TicketToProject/zendesk:ticket:${ended?.id}`)).toMatchObject({
      status: 'tombstone',
    });

    // The customer that no stream reported: a second complete reconcile does not find it either.
    await run(true);
    await stack.quiet();
    const again = await run(true);
    await stack.quiet();
    const findings = Object.values(again.findings).map(({ told: count, drifted, missing }) => ({
      count,
      drifted,
      missing,
    }));
    expect(findings).toEqual(Array.from({ length: 3 }, () => ({ count: 0, drifted: 0, missing: 0 })));
    // Zendesk filled in a requester for the PMS's own projects, and nothing offers it to them, or empties it.
    expect(again.findings.TicketToProject.notTaken).toBe(0);
    const [latest] = await stack.store.upkeep.reportsFirst(1);
    expect(latest).toEqual(again);
  });

  test('kinds that cannot be walked are reported, and the others are walked', async () => {
    await someRecords();
    const refusal = { route: '^GET /api/v1/projects.*limit=200', kind: 'status', status: 400 } as const;
    await controlsOf(boxes.pms).setFaults(refusal);
    const [ticket] = tickets();
    await boxes.zd('PUT', `/tickets/${ticket?.id}`, { ticket: { subject: 'Edited' } });
    const report = await run();
    // The cause in one word; the worker's log has the text of the answer.
    expect(report.failed).toEqual([{ what: 'pms project', why: 'refused' }]);
    expect(report.findings.CommentToProject.walked.pms).toBe(1);
    // A record that was not walked does not count as deleted.
    expect(report.findings.TicketToProject).toMatchObject({ orphaned: 0, drifted: 1 });
    await controlsOf(boxes.pms).clearFaults();
    await stack.quiet();
    expect(projectOf(ticket)?.['title']).toBe('Edited');
  });

  test('hygiene: abandoned intents, waits that are over, and left-over claims and observations', async () => {
    await someRecords();
    const [ticket, other] = tickets();
    const key = `TicketToProject/zendesk:ticket:${ticket?.id}`;
    const before = await stack.store.get(key);
    if (!before?.sides.pms) throw new Error('not linked');
    // The state that a worker and its workflow leave when both are lost.
    await stack.store.save({ ...before, status: 'pending', snapshot: null, intent: null });
    const waiting = await stack.store.get(`TicketToProject/zendesk:ticket:${other?.id}`);
    if (!waiting) throw new Error('not linked');
    const organization = `zendesk:organization:${ticket?.organization_id}`;
    await stack.store.save({ ...waiting, waitsFor: [organization] });
    await stack.store.claims.claim('zendesk:ticket:999999', 'TicketToProject/pms:project:P-nobody');
    const [{ record } = { record: null }] = await boxes.systems.zendesk.read([
      { side: 'zendesk', kind: 'ticket', id: String(tickets()[2]?.id) },
    ]);
    if (!record) throw new Error('no record');
    await stack.store.observations.keep([record]);
    expect((await tidy()).told).toEqual({ 'half-made claim': 1 });
    await stack.quiet();

    const longAgo = new Date(Date.now() - 3 * 3_600_000).toISOString();
    await inDatabase(async (name, mongo) => {
      const db = mongo.db(name);
      await db.collection('links').updateMany({}, { $set: { updatedAt: longAgo } });
      await db.collection('observations').updateMany({}, { $set: { at: longAgo } });
      await db
        .collection('claims')
        .updateMany({ strayAt: { $exists: true } }, { $set: { strayAt: longAgo } });
    });
    const tidied = await tidy();
    await stack.quiet();
    expect(tidied.told).toEqual({ stuck: 1, overlooked: 1 });
    expect(tidied).toMatchObject({ dropped: 1, released: 1 });
    expect(await stack.store.get(key)).toMatchObject({ status: 'linked', snapshot: before.snapshot });
    expect(await stack.store.get(waiting._id)).toMatchObject({ status: 'linked', waitsFor: [] });
    expect(await stack.store.claims.owners(['zendesk:ticket:999999'])).toEqual(new Map());
    expect((await stack.store.observations.get([`zendesk:ticket:${record.ref.id}`])).size).toBe(0);
    expect((await tidy()).told).toEqual({});
  });
});

test('after a worker is killed half-way, reconcile continues on the next one and ends in agreement', async () => {
  const boxes = await startSandboxes();
  const name = `reconcile-${randomUUID().slice(0, 8)}`;
  const env = { ...serviceEnvironment(boxes, name), ZENDESK_POLL_SECONDS: '3600', PMS_POLL_SECONDS: '3600' };
  const { temporalAddress, mongodbUri } = testServers();
  const { Client, Connection } = await import('@temporalio/client');
  const connection = await Connection.connect({ address: temporalAddress });
  const client = new Client({ connection });
  const mongo = await MongoClient.connect(mongodbUri);
  let service = new ServiceProcess(env);
  try {
    // The first polls find nothing, and the next ones are an hour later.
    await until(() => service.output.includes('running'));
    await until(async () => (await mongo.db(name).collection('cursors').countDocuments()) >= 3);
    // Slow enough to be interrupted in the middle.
    await controlsOf(boxes.pms).setFaults({ route: '^GET /api/v1/projects', kind: 'delay', delayMs: 500 });
    for (let i = 0; i < 30; i += 1)
      await boxes.zd('POST', '/tickets', { ticket: { subject: `Z ${i}`, comment: { body: 'd' } } });
    for (let i = 0; i < 30; i += 1) boxes.pms.store.create('project', { title: `P ${i}` }, 'U-1001');
    const handle = await client.workflow.start(reconcile, {
      workflowId: `${name}-reconcile-now`,
      taskQueue: name,
      args: [{ full: false }],
    });
    await until(async () => (await handle.query(reconcileProgress)).done >= 3);
    await service.signal('SIGKILL');
    service = new ServiceProcess(env);
    const report = await handle.result();
    expect(report.failed).toEqual([]);
    expect(report.findings.TicketToProject.walked.zendesk).toBeGreaterThanOrEqual(30);
    expect(report.findings.TicketToProject.walked.pms).toBeGreaterThanOrEqual(30);
    await until(
      () => [...boxes.pms.store.all('project')].length === 60 && boxes.zendesk.store.tickets.size === 60,
    );
    const titles = [...boxes.pms.store.all('project')].map((project) => String(project['title'])).sort();
    expect(titles).toEqual([...boxes.zendesk.store.tickets.values()].map(({ subject }) => subject).sort());
    expect(new Set(titles).size).toBe(60);
  } finally {
    await service.signal('SIGTERM');
    await connection.close();
    await mongo.close();
    await boxes.close();
  }
});
