import { randomUUID } from 'node:crypto';
import { Client, Connection, ScheduleNotFoundError } from '@temporalio/client';
import {
  ensureSchedules,
  hygieneScheduleId,
  pollScheduleId,
  reconcileScheduleId,
  type ScheduleTimes,
} from '../../src/workers/schedules';
import { testServers } from '../support/servers';

/** Schedules on a real server. They start no work, because no worker polls the task queue. */
describe('schedules', () => {
  const taskQueue = `schedules-${randomUUID().slice(0, 8)}`;
  const usual: ScheduleTimes = {
    pollSeconds: { zendesk: 3600, pms: 1800 },
    reconcileCron: '0 3 * * *',
    hygieneMinutes: 60,
  };
  let connection: Connection;
  let client: Client;

  beforeAll(async () => {
    connection = await Connection.connect({ address: testServers().temporalAddress });
    client = new Client({ connection });
  });
  afterAll(async () => {
    for (const id of ids())
      await client.schedule
        .getHandle(id)
        .delete()
        .catch(() => undefined);
    await connection.close();
  });

  const ids = () => [
    pollScheduleId(taskQueue, 'zendesk'),
    pollScheduleId(taskQueue, 'pms'),
    reconcileScheduleId(taskQueue),
    hygieneScheduleId(taskQueue),
  ];
  const describeOne = (id: string) => client.schedule.getHandle(id).describe();

  test('all are created, with notes, and creating them again changes nothing', async () => {
    await ensureSchedules(client, taskQueue, usual);
    const before = await Promise.all(ids().map(describeOne));
    for (const { state } of before) expect(state.note).toMatch(/every|Compares/);
    expect(before.map(({ action }) => action.type)).toEqual(ids().map(() => 'startWorkflow'));
    await ensureSchedules(client, taskQueue, usual);
    const after = await Promise.all(ids().map(describeOne));
    expect(after.map(({ spec, state }) => [spec, state.note, state.paused])).toEqual(
      before.map(({ spec, state }) => [spec, state.note, state.paused]),
    );
  });

  test('a changed configuration changes them; a pause stays, with its reason', async () => {
    await ensureSchedules(client, taskQueue, usual);
    await client.schedule.getHandle(pollScheduleId(taskQueue, 'pms')).pause('the PMS is being moved');
    await ensureSchedules(client, taskQueue, {
      pollSeconds: { zendesk: 900, pms: 600 },
      reconcileCron: 'CRON_TZ=Europe/Berlin 30 4 * * *',
      hygieneMinutes: 30,
    });
    expect(await describeOne(pollScheduleId(taskQueue, 'zendesk'))).toMatchObject({
      spec: { intervals: [{ every: 900_000 }] },
      state: { paused: false, note: "Follows zendesk's changes every 900 s" },
    });
    expect(await describeOne(pollScheduleId(taskQueue, 'pms'))).toMatchObject({
      spec: { intervals: [{ every: 600_000 }] },
      state: { paused: true, note: 'the PMS is being moved' },
    });
    const { spec } = await describeOne(reconcileScheduleId(taskQueue));
    expect(JSON.stringify(spec)).toContain('Europe/Berlin');
    expect(JSON.stringify(spec)).not.toContain('"hour":[{"start":3');
  });

  test('a reconcile that is turned off has no Schedule, and gets one when it is turned on', async () => {
    await ensureSchedules(client, taskQueue, { ...usual, reconcileCron: null });
    await expect(describeOne(reconcileScheduleId(taskQueue))).rejects.toThrow(ScheduleNotFoundError);
    await ensureSchedules(client, taskQueue, { ...usual, reconcileCron: null });
    await ensureSchedules(client, taskQueue, usual);
    expect((await describeOne(reconcileScheduleId(taskQueue))).state.paused).toBe(false);
  });
});
