import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { MongoClient } from 'mongodb';
import { controlsOf } from 'testkit';
import { openLinkStore, type LinkStore } from '../../src/links/linkStore';
import { SIDES } from '../../src/sync/record';
import { pollScheduleId } from '../../src/workers/schedules';
import { startSandboxes, type Sandboxes } from '../support/sandboxes';
import { testServers } from '../support/servers';
import { ServiceProcess, serviceEnvironment, until } from '../support/serviceProcess';

/** A worker that gets SIGTERM while it writes finishes its activities, and another worker does the rest. */
describe('SIGTERM', () => {
  const name = `shutdown-${randomUUID().slice(0, 8)}`;
  const TICKETS = 30;
  let boxes: Sandboxes;
  let mongo: MongoClient;
  let store: LinkStore;

  beforeAll(async () => {
    boxes = await startSandboxes();
    mongo = await MongoClient.connect(testServers().mongodbUri);
    store = await openLinkStore(mongo.db(name));
  });
  afterAll(async () => {
    const connection = await Connection.connect({ address: testServers().temporalAddress });
    const client = new Client({ connection });
    for (const side of SIDES) await client.schedule.getHandle(pollScheduleId(name, side)).delete();
    await connection.close();
    await mongo.close();
    await boxes.close();
  });

  const projects = () => [...boxes.pms.store.all('project')];
  const linked = async () => {
    const found = [];
    for await (const link of store.all({ status: 'linked' })) found.push(link.sides.pms?.ref);
    return found;
  };

  test('lets running activities finish, without loss or duplicates', async () => {
    for (let i = 0; i < TICKETS; i += 1)
      await boxes.zd('POST', '/tickets', { ticket: { subject: `t${i}`, comment: { body: 'b' } } });
    await controlsOf(boxes.pms).setFaults({ route: '^POST /api/v1/projects', kind: 'delay', delayMs: 1_000 });
    const first = new ServiceProcess(serviceEnvironment(boxes, name));
    await until(() => projects().length > 0);
    expect({ code: await first.signal('SIGTERM'), output: first.output }).toMatchObject({ code: 0 });

    // By now, requests that a killed process would have left in progress are complete, too.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const made = projects().map(({ id }) => `pms:project:${id}`);
    expect((await linked()).sort()).toEqual(made.sort());
    expect(made.length).toBeLessThan(TICKETS);

    await controlsOf(boxes.pms).clearFaults();
    const second = new ServiceProcess(serviceEnvironment(boxes, name));
    await until(async () => (await linked()).length === TICKETS);
    expect(await second.signal('SIGTERM')).toBe(0);
    expect(projects()).toHaveLength(TICKETS);
  });
});
