import { randomUUID } from 'node:crypto';
import type { ChangePage } from '../../src/systems/port';
import type { PollOutcome } from '../../src/activities/types';
import { openLinkStore } from '../../src/links/linkStore';
import type { Side } from '../../src/sync/record';
import { pollChanges } from '../../src/workflows';
import { MongoClient } from 'mongodb';
import { controlsOf } from 'testkit';
import { runShared } from '../support/cli';
import { MAPPING_FILE, serviceSignIn, startSandboxes, type Sandboxes } from '../support/sandboxes';
import { testServers } from '../support/servers';
import { startStack, type Stack } from '../support/stack';

/** All ids that a stream gives from its beginning to its end. */
async function readAll(boxes: Sandboxes, side: Side, stream: string): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = null;
  for (;;) {
    const page = await boxes.systems[side].changes(stream, cursor);
    ids.push(...page.records.map((record) => record.ref.id));
    cursor = page.cursor;
    if (!page.more) return ids;
  }
}

describe('change streams of the adapters', () => {
  let boxes: Sandboxes;
  let now = Date.UTC(2026, 0, 1);

  beforeEach(async () => {
    now = Date.UTC(2026, 0, 1);
    jest.spyOn(Date, 'now').mockImplementation(() => now);
    boxes = await startSandboxes();
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await boxes.close();
  });

  const organization = (name: string) => boxes.zendesk.organizations.create({ name }, 1);

  test('no record is skipped if one second has more records than a page holds', async () => {
    for (let i = 0; i < 1_300; i += 1) organization(`same second ${i}`);
    now += 1_000;
    for (let i = 0; i < 5; i += 1) organization(`the next ${i}`);
    now += 3_600_000;
    const ids = await readAll(boxes, 'zendesk', 'organizations');
    expect(new Set(ids).size).toBe(1_305);
  });

  test('no record is skipped if the last minute has more records than a page holds: later polls read the rest', async () => {
    for (let second = 0; second < 3; second += 1) {
      for (let i = 0; i < 500; i += 1) organization(`second ${second}, ${i}`);
      now += 1_000;
    }
    const ids = new Set<string>();
    let cursor: string | null = null;
    for (let polls = 0; polls < 20; polls += 1) {
      for (let more = true; more;) {
        const page: ChangePage = await boxes.systems.zendesk.changes('organizations', cursor);
        for (const record of page.records) ids.add(record.ref.id);
        ({ cursor, more } = page);
      }
      now += 10_000;
    }
    expect(ids.size).toBe(1_500);
  });

  test('an account without tickets has a cursor too, which reads the first ticket', async () => {
    const zendesk = boxes.systems.zendesk;
    const first = await zendesk.changes('tickets', null);
    expect(first.records).toEqual([]);
    await boxes.zd('POST', '/tickets', { ticket: { subject: 'First', comment: { body: 'x' } } });
    expect((await zendesk.changes('tickets', first.cursor)).records).toHaveLength(1);
    const empty = await zendesk.changes('tickets', await zendesk.cursorAt('tickets', new Date(now)));
    expect(empty.records).toHaveLength(1);
  });

  test('a lagging export returns the missing records later', async () => {
    organization('early');
    const rules = { route: '/incremental/', kind: 'stale', staleSeconds: 30 } as const;
    await controlsOf(boxes.zendesk).setFaults(rules);
    let cursor: string | null = null;
    const seen = new Set<string>();
    const poll = async () => {
      const page = await boxes.systems.zendesk.changes('organizations', cursor);
      for (const record of page.records) seen.add(record.ref.id);
      cursor = page.cursor;
    };
    for (let i = 0; i < 20; i += 1) {
      now += 10_000;
      if (i % 2 === 0) organization(`late ${i}`);
      await poll();
    }
    now += 31_000;
    await poll();
    expect(seen.size).toBe(11);
  });

  test('a cursor made from a time returns all changes since then, on both sides', async () => {
    await boxes.zd('POST', '/tickets', { ticket: { subject: 'Old', comment: { body: 'x' } } });
    now += 3_600_000;
    await boxes.zd('POST', '/tickets', { ticket: { subject: 'New', comment: { body: 'x' } } });
    now += 120_000;
    const since = new Date(now - 600_000);
    const { zendesk, pms } = boxes.systems;
    const tickets = await zendesk.changes('tickets', await zendesk.cursorAt('tickets', since));
    expect(tickets.records.map((record) => record.values['subject'])).toEqual(['New']);
    const events = await zendesk.changes('comments', await zendesk.cursorAt('comments', since));
    expect(new Set(events.records.map((record) => record.values['ticket_id'])).size).toBe(1);

    for (let i = 0; i < 1_100; i += 1) boxes.pms.store.create('project', { title: `P ${i}` }, 'U-1001');
    const future = await pms.cursorAt('changes', new Date(Date.now() + 60_000));
    expect((await pms.changes('changes', future)).records).toHaveLength(100);
    expect(await pms.cursorAt('changes', new Date(0))).toBeNull();
  });

  test('a walk returns every record of a kind once', async () => {
    for (let i = 0; i < 230; i += 1) organization(`walked ${i}`);
    for (let i = 0; i < 430; i += 1) boxes.pms.store.create('customer', { name: `C ${i}` }, 'U-1001');
    for (const [side, kind, count] of [
      ['zendesk', 'organization', 230],
      ['pms', 'customer', 430],
    ] as const) {
      const ids: string[] = [];
      let cursor: string | null = null;
      do {
        const page = await boxes.systems[side].walk(kind, cursor, null);
        ids.push(...page.records.map((record) => record.ref.id));
        cursor = page.cursor;
      } while (cursor !== null);
      expect(ids).toHaveLength(count);
      expect(new Set(ids).size).toBe(count);
    }
  });
});

describe('polls', () => {
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

  const poll = (side: Side): Promise<Record<string, PollOutcome>> =>
    stack.client.workflow.execute(pollChanges, {
      workflowId: `${stack.taskQueue}-poll-${side}-${randomUUID()}`,
      taskQueue: stack.taskQueue,
      args: [side],
    });
  const linked = async () => (await stack.store.countByStatus())['OrgToCustomer']?.linked ?? 0;
  const organizations = async (count: number) => {
    for (let i = 0; i < count; i += 1)
      await boxes.zd('POST', '/organizations', { organization: { name: `Org ${i}` } });
  };

  test('a page whose processing fails half-way is processed again from its beginning', async () => {
    await organizations(8);
    const { signalPair } = stack.context;
    let calls = 0;
    stack.context.signalPair = async (key, inbox) => {
      calls += 1;
      if (calls === 4) throw Object.assign(new Error('Temporal is away'), { name: 'ServiceError' });
      await signalPair(key, inbox);
    };
    await stack.settle();
    expect(calls).toBeGreaterThan(8);
    expect(await linked()).toBe(8);
    const names = [...boxes.pms.store.all('customer')].map((customer) => customer['name']);
    expect(new Set(names).size).toBe(8);
    expect(names).toHaveLength(8);
  });

  test('a cursor that is rewound during a read keeps its new place', async () => {
    await organizations(2);
    const { zendesk } = boxes.systems;
    const changes = zendesk.changes.bind(zendesk);
    zendesk.changes = async (stream, cursor) => {
      const page = await changes(stream, cursor);
      if (stream === 'organizations') await stack.store.cursors.rewind('zendesk:organizations', '1');
      return page;
    };
    await stack.settle();
    expect(await stack.store.cursors.position('zendesk:organizations')).toMatchObject({ cursor: '1' });
    expect(await linked()).toBe(2);
  });

  test('the records of the last minutes are read with every poll, and processed once', async () => {
    // The pair stays in conflict, so the record never equals its link.
    await boxes.pm('POST', '/customers', { name: 'Twin' });
    await boxes.pm('POST', '/customers', { name: 'Twin' });
    await boxes.zd('POST', '/organizations', { organization: { name: 'Twin' } });
    const first = await poll('zendesk');
    expect(first['organizations']).toMatchObject({ records: 1, hinted: 1 });
    const again = await poll('zendesk');
    expect(again['organizations']).toMatchObject({ records: 0, hinted: 0 });
    await stack.settle();
  });

  test('a stream that cannot be read does not stop the others', async () => {
    await boxes.zd('POST', '/tickets', { ticket: { subject: 'T', comment: { body: 'x' } } });
    const rules = { route: '/incremental/organizations', kind: 'status', status: 400 } as const;
    await controlsOf(boxes.zendesk).setFaults(rules);
    await expect(poll('zendesk')).rejects.toThrow();
    expect(await stack.store.cursors.position('zendesk:tickets')).toMatchObject({
      readAt: expect.any(String) as string,
    });
    await controlsOf(boxes.zendesk).clearFaults();
    await stack.settle();
  });

  test('the comment stream is not read while no ticket changes, and read when one does', async () => {
    const reads = () => boxes.calls.filter(({ path: at }) => at.includes('ticket_events')).length;
    await boxes.zd('POST', '/tickets', { ticket: { subject: 'T', comment: { body: 'x' } } });
    await stack.settle();
    const justMoved = reads();
    await stack.settle();
    expect(reads()).toBe(justMoved + 1);
    // As if minutes had passed.
    const mongo = await MongoClient.connect(testServers().mongodbUri);
    await mongo
      .db(stack.taskQueue)
      .collection<{ _id: string }>('cursors')
      .updateOne(
        { _id: 'zendesk:tickets' },
        { $set: { updatedAt: new Date(Date.now() - 300_000).toISOString() } },
      );
    await mongo.close();
    const before = reads();
    await stack.settle();
    expect(reads()).toBe(before);
    const [ticket] = [...boxes.zendesk.store.tickets.values()];
    await boxes.zd('PUT', `/tickets/${ticket?.id}`, { ticket: { comment: { body: 'news', public: false } } });
    await stack.settle();
    await stack.settle();
    expect([...boxes.pms.store.all('note')].map((note) => note['body'])).toEqual(['news']);
  });

  test('the command shows cursors, rewinds one, and explains wrong arguments', async () => {
    const { mongodbUri, temporalAddress } = testServers();
    const database = `cursors-${randomUUID().slice(0, 8)}`;
    const env = {
      PATH: process.env['PATH'] ?? '',
      MONGODB_URI: mongodbUri,
      TEMPORAL_ADDRESS: temporalAddress,
      MONGODB_DATABASE: database,
      ZENDESK_BASE_URL: boxes.zendesk.url,
      ...serviceSignIn(boxes.zendesk),
      PMS_BASE_URL: boxes.pms.url,
      PMS_TOKEN: boxes.pms.token,
      MAPPING_FILE,
    };
    const cli = async (...args: string[]) => {
      const { code, out, err } = await runShared(env, 'cursors', ...args);
      return { status: code, output: out + err };
    };
    const mongo = await MongoClient.connect(mongodbUri);
    try {
      const store = await openLinkStore(mongo.db(database));
      await store.cursors.advance('zendesk:tickets', null, 'abc');
      expect((await cli('list')).output).toMatch(/zendesk:tickets\s+abc/);
      expect(await cli('rewind', 'zendesk:tickets', 'start', '--yes')).toMatchObject({ status: 0 });
      expect(await store.cursors.position('zendesk:tickets')).toMatchObject({ cursor: null });
      await cli('rewind', 'zendesk:organizations', '2026-01-01T00:00:00Z');
      expect(await store.cursors.position('zendesk:organizations')).toMatchObject({ cursor: '1767225600' });
      expect(await cli('rewind', 'zendesk:people', 'start')).toMatchObject({
        status: 2,
        output: expect.stringContaining(
          'found "zendesk:people", expected one of zendesk:organizations',
        ) as string,
      });
      expect(await cli('rewind', 'pms:changes', 'yesterday')).toMatchObject({
        status: 2,
        output: expect.stringContaining('found "yesterday", expected e.g.') as string,
      });
    } finally {
      await mongo.close();
    }
  });
});
