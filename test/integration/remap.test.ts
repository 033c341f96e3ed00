import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { MongoClient } from 'mongodb';
import { freePort } from '../../src/platform/ports';
import { openLinkStore, type LinkStore } from '../../src/links/linkStore';
import { SIDES } from '../../src/sync/record';
import { pollScheduleId } from '../../src/workers/schedules';
import { remap } from '../../src/workflows';
import { MemorySystem } from '../support/memorySystem';
import { MAPPING_FILE, startSandboxes, type Sandboxes } from '../support/sandboxes';
import { testServers } from '../support/servers';
import { ServiceProcess, runCommand, serviceEnvironment, until } from '../support/serviceProcess';
import { startStack, type Stack } from '../support/stack';
import { testMapping } from '../support/world';

describe('a mapping file that changes under a running service', () => {
  const name = `remap-${randomUUID().slice(0, 8)}`;
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'zps-remap-')), 'mapping.yaml');
  const complete = readFileSync(MAPPING_FILE, 'utf8');
  const priority = /\n {6}- \{\n {10}zendesk: priority,[^}]*\{[^}]*\}[^}]*\}/;
  let boxes: Sandboxes;
  let mongo: MongoClient;
  let store: LinkStore;
  let service: ServiceProcess;
  let env: Record<string, string>;
  let metricsPort: number;

  beforeAll(async () => {
    boxes = await startSandboxes();
    mongo = await MongoClient.connect(testServers().mongodbUri);
    store = await openLinkStore(mongo.db(name));
    expect(complete).toMatch(priority);
    writeFileSync(file, complete.replace(priority, ''));
    metricsPort = await freePort();
    env = { ...serviceEnvironment(boxes, name), MAPPING_FILE: file, METRICS_PORT: String(metricsPort) };
    service = new ServiceProcess(env);
  });
  afterAll(async () => {
    await service.signal('SIGTERM');
    const connection = await Connection.connect({ address: testServers().temporalAddress });
    const client = new Client({ connection });
    for (const side of SIDES) await client.schedule.getHandle(pollScheduleId(name, side)).delete();
    await connection.close();
    await mongo.close();
    await boxes.close();
  });

  const projectOf = (id: number) =>
    [...boxes.pms.store.all('project')].find((project) => project['externalRef'] === `zendesk:ticket:${id}`);
  const ticket = async (subject: string, value: string) => {
    const made = await boxes.zd('POST', '/tickets', {
      ticket: { subject, priority: value, comment: { body: 'b' } },
    });
    return (made['ticket'] as { id: number }).id;
  };
  const rejected = async () =>
    /^zps_mapping_reloads_total\{outcome="rejected"\} (\d+)$/m.exec(
      await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text(),
    )?.[1];
  const versions = async () => {
    const found = new Set<string>();
    for await (const link of store.all()) found.add(link.mappingVersion);
    return [...found];
  };

  test('an invalid file changes nothing and is reported; a new row is filled in all pairs, without a restart', async () => {
    const ids = [await ticket('one', 'urgent'), await ticket('two', 'low')];
    await until(() => ids.every((id) => projectOf(id)));
    await until(async () => (await store.countByStatus())['TicketToProject']?.linked === ids.length);
    const [before] = await versions();
    expect(ids.map((id) => projectOf(id)?.['priority'])).not.toContain('critical');

    writeFileSync(file, complete.replace('pms: dueDate', 'pms: deadline'));
    await until(() => service.output.includes('cannot be used'));
    expect(service.output).toContain('pms project has no property \\"deadline\\"');
    expect(await rejected()).toBe('1');
    // The former mapping stays in use.
    const third = await ticket('three', 'high');
    await until(() => projectOf(third) !== undefined);
    await until(async () => (await store.countByStatus())['TicketToProject']?.linked === 3);
    expect(await versions()).toEqual([before]);

    // The polls have read it: a later echo would update its pair to the new mapping before remap does.
    const since = Date.now();
    await until(async () =>
      (await store.cursors.positions()).every(
        ({ name: stream, readAt }) => stream === 'zendesk:comments' || Date.parse(readAt ?? '') > since,
      ),
    );

    writeFileSync(file, complete);
    await until(() => service.output.includes('mapping applied'));
    const result = await runCommand(env, 'remap');
    expect(result).toMatch(/3 pairs signalled, 0 left as they are, done$/m);
    expect([...ids, third].map((id) => projectOf(id)?.['priority'])).toEqual(['critical', 'low', 'high']);
    const [after, ...others] = await versions();
    expect(others).toEqual([]);
    expect(after).not.toBe(before);
    expect(await rejected()).toBe('1');

    // From now on, edits of the new property sync.
    await boxes.pm('PATCH', `/projects/${projectOf(third)?.id}`, { priority: 'low' });
    await until(() => boxes.zendesk.store.tickets.get(third)?.priority === 'low');
    // A second remap has nothing to do.
    expect(await runCommand(env, 'remap')).toMatch(/0 pairs signalled, 0 left as they are, done$/m);
  });
});

describe('workers of which some have an older mapping', () => {
  const subject = { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both' };
  const older = testMapping([subject]);
  const newer = testMapping([subject, { zendesk: 'note', pms: 'note', type: 'string', direction: 'both' }]);
  let stack: Stack;
  afterEach(async () => stack.stop());

  test('a worker with the older mapping skips pairs of the newer one, reports it, and continues when it has the new file', async () => {
    const zendesk = new MemorySystem('zendesk', false);
    const pms = new MemorySystem('pms', true);
    stack = await startStack(testServers(), older, { zendesk, pms });
    const { store } = stack;
    await store.mappings.begin(older.version);
    await store.mappings.replace(newer.version);
    const ticket = zendesk.add('ticket', { subject: 'a', note: 'n' });
    const { key } = await stack.hint('TicketToProject', ticket.ref);
    const link = await store.get(key);
    if (!link) throw new Error('no link');
    // The state that a worker with the newer mapping leaves.
    await store.save({ ...link, mappingVersion: newer.version });

    zendesk.edit(ticket.ref, { subject: 'b' });
    const done = stack.hint('TicketToProject', ticket.ref, { force: true });
    await until(async () => (await store.get(key))?.reason?.code === 'retry_later');
    expect((await store.get(key))?.reason?.text).toBe(
      `mapping ${newer.version} is in use, and this worker still has ${older.version}; waits for its mapping file`,
    );
    expect(pms.all('project')).toMatchObject([{ values: { title: 'a' } }]);

    Object.assign(stack.context, { mapping: newer });
    await done;
    expect(pms.all('project')).toMatchObject([{ values: { title: 'b', note: 'n' } }]);
  });

  test('a remap to a mapping that was replaced meanwhile ends with a message', async () => {
    const zendesk = new MemorySystem('zendesk', false);
    const pms = new MemorySystem('pms', true);
    stack = await startStack(testServers(), newer, { zendesk, pms });
    await stack.store.mappings.begin(older.version);
    await stack.store.mappings.replace(newer.version);
    const outcome = await stack.client.workflow.execute(remap, {
      workflowId: `${stack.taskQueue}-remap`,
      taskQueue: stack.taskQueue,
      // The state in which it continues after some pages.
      args: [older.version, { version: older.version, told: 7, left: 0, after: 'A', state: 'running' }],
    });
    expect(outcome).toMatchObject({ told: 7, state: 'superseded' });
  });
});
