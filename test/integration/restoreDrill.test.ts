import { execFile, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { copyFileSync, chmodSync, mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { MongoClient, type Db } from 'mongodb';
import { generateData } from '../../apps/demo/data';
import { seedBoth } from '../../apps/demo/seed';
import { reconcile } from '../../src/workflows';
import { cliOf } from '../support/cli';
import { dumpTo } from '../support/databaseDump';
import { startSandboxes, type Sandboxes } from '../support/sandboxes';
import { seedAccess } from '../support/seedAccess';
import { testServers } from '../support/servers';
import { serviceEnvironment } from '../support/serviceProcess';
import { startStack, type Stack } from '../support/stack';

/**
 * A backup of the link store, restored next to the running service as a drill, and then in its place
 * (docs/operations.md).
 */

const ROOT = path.resolve(__dirname, '../..');
const SCRIPT = path.join(ROOT, 'deploy/restore-drill.sh');
const MAIN = path.join(ROOT, 'dist/src/operator/cli/main.js');

let boxes: Sandboxes;
let stack: Stack;
let mongo: MongoClient;
let folder: string;
let archive: string;

beforeAll(async () => {
  mongo = await MongoClient.connect(testServers().mongodbUri);
  folder = mkdtempSync(path.join(tmpdir(), 'zps-drill-'));
  archive = path.join(folder, 'links.archive');
  // npm has no mongorestore, so our own program reads our own archive.
  copyFileSync(path.join(ROOT, 'test/support/mongorestore.mjs'), path.join(folder, 'mongorestore.mjs'));
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
  symlinkSync(path.join(folder, 'mongorestore.mjs'), path.join(folder, 'mongorestore'));
  chmodSync(path.join(folder, 'mongorestore.mjs'), 0o755);
  boxes = await startSandboxes();
  stack = await startStack(testServers(), boxes.mapping, boxes.systems);
});
afterAll(async () => {
  await stack.stop();
  await boxes.close();
  await mongo.db(`${stack.taskQueue}-drill`).dropDatabase();
  await mongo.close();
});

const quiet = async () => {
  await stack.settle();
  await stack.settle();
};
const linked = (db: Db) => db.collection('links').countDocuments({ status: 'linked' });
const made = () => ({
  tickets: boxes.zendesk.store.tickets.size,
  organizations: boxes.zendesk.store.organizations.size,
  projects: [...boxes.pms.store.all('project')].length,
  customers: [...boxes.pms.store.all('customer')].length,
  notes: [...boxes.pms.store.all('note')].length,
});
const projectOf = (ticket: number) =>
  [...boxes.pms.store.all('project')].find(({ externalRef }) => externalRef === `zendesk:ticket:${ticket}`);
const newTicket = async (subject: string) => {
  const answer = await boxes.zd('POST', '/tickets', { ticket: { subject, comment: { body: 'It smokes.' } } });
  return (answer['ticket'] as { id: number }).id;
};

test('a drill does not affect the service; a restore loses and duplicates nothing', async () => {
  await seedBoth(await seedAccess(boxes), generateData({ size: 0.1, seed: 4 }));
  const old = await newTicket('before the backup');
  await quiet();
  await dumpTo(archive, stack.db);
  const inBackup = await linked(stack.db);

  const late = await newTicket('after the backup');
  await boxes.zd('PUT', `/tickets/${old}`, { ticket: { subject: 'edited after the backup' } });
  await quiet();
  const before = made();
  const links = await linked(stack.db);
  expect(links).toBeGreaterThan(inBackup);

  boxes.calls.length = 0;
  const { stdout } = await promisify(execFile)(SCRIPT, [archive], {
    env: {
      ...serviceEnvironment(boxes, stack.taskQueue),
      PATH: `${folder}:${process.env['PATH']}`,
      ZENDESK_PMS_SYNC: `${process.execPath} ${MAIN}`,
    },
  });
  expect(stdout).toMatch(/nothing was written[^]*The backup can be restored/);
  // The pairs that are newer than the backup were found by their back-references.
  expect(await linked(mongo.db(`${stack.taskQueue}-drill`))).toBe(links);
  expect([made(), await linked(stack.db)]).toEqual([before, links]);

  await stack.stop();
  await promisify(execFile)(path.join(folder, 'mongorestore'), [
    ...[`--uri=${testServers().mongodbUri}`, '--drop', '--gzip', `--archive=${archive}`],
    ...['nsInclude', 'nsFrom', 'nsTo'].map((name) => `--${name}=${stack.taskQueue}.*`),
  ]);
  expect(await linked(mongo.db(stack.taskQueue))).toBe(inBackup);
  expect((await cliOf(boxes, stack)('links', 'rebuild')).code).toBe(0);
  stack = await startStack(testServers(), boxes.mapping, boxes.systems, { beside: stack.taskQueue });
  await quiet();
  await stack.client.workflow.execute(reconcile, {
    workflowId: `${stack.taskQueue}-reconcile-${randomUUID()}`,
    taskQueue: stack.taskQueue,
    args: [{ full: true }],
  });
  await quiet();
  expect([made(), await linked(stack.db)]).toEqual([before, links]);
  expect(projectOf(old)).toMatchObject({ title: 'edited after the backup' });
  expect(boxes.zendesk.store.tickets.get(old)?.subject).toBe('edited after the backup');

  await boxes.pm('PATCH', `/projects/${projectOf(late)?.id}`, { title: 'goes on' });
  await quiet();
  expect(boxes.zendesk.store.tickets.get(late)?.subject).toBe('goes on');
});

test('the drill prints its usage', () => {
  const ran = spawnSync(SCRIPT, [], { encoding: 'utf8' });
  expect([ran.status, ran.stderr]).toEqual([2, expect.stringMatching(/^usage: MONGODB_URI=.* ARCHIVE/)]);
});
