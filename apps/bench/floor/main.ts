import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { inParallel } from '../../../src/systems/inParallel';
import { cpuSeconds } from '../process';
import { begin, floor, type FloorActivities } from './workflow';

/**
 * The maximum rate of the Temporal server: workflows with two activities that do nothing, started like the workflows
 * of pairs, on workers with the service's settings. Prints workflows per second, and processor seconds per workflow.
 * Arguments: Temporal's address, the number of workflows for warming up, the number to measure, a name, and the
 * process id of Temporal.
 */

const SIGNALS_AT_ONCE = 20;

interface Usage {
  /** Processor seconds. */
  own: number;
  temporal: number;
}

async function main(): Promise<void> {
  const [address = '', warmUp = '', count = '', name = '', temporal = ''] = process.argv.slice(2);
  const connection = await NativeConnection.connect({ address });
  const apiQueue = `${name}-api`;
  let written = 0;
  let first: { at: number; usage: Usage } | undefined;
  let lastAt = 0;
  const usage = () => {
    const { user, system } = process.cpuUsage();
    return { own: (user + system) / 1_000_000, temporal: cpuSeconds(Number(temporal)) };
  };
  const activities: FloorActivities = {
    async plan() {},
    async write() {
      written += 1;
      lastAt = performance.now();
      first ??= { at: lastAt, usage: usage() };
    },
  };
  const workers = await startWorkers(connection, name, apiQueue, activities);
  const running = workers.map((worker) => worker.run());
  const client = new Client({ connection: await Connection.connect({ address }) });
  await workOff(client, { name, apiQueue, round: 'warm', count: Number(warmUp) });
  written = 0;
  first = undefined;
  await workOff(client, { name, apiQueue, round: 'measured', count: Number(count) });
  const before = first ?? { at: lastAt, usage: usage() };
  const after = usage();
  console.log(
    JSON.stringify({
      perSecond: ((written - 1) / (lastAt - before.at)) * 1000,
      cpu: (after.own - before.usage.own) / written,
      temporalCpu: (after.temporal - before.usage.temporal) / written,
    }),
  );
  for (const worker of workers) worker.shutdown();
  await Promise.all(running);
  await client.connection.close();
  await connection.close();
}

async function startWorkers(
  connection: NativeConnection,
  name: string,
  apiQueue: string,
  activities: FloorActivities,
): Promise<Worker[]> {
  return [
    await Worker.create({
      connection,
      taskQueue: name,
      workflowsPath: require.resolve('./workflow'),
      activities,
      maxCachedWorkflows: 500,
    }),
    await Worker.create({
      connection,
      taskQueue: apiQueue,
      activities,
      maxConcurrentActivityTaskExecutions: 20,
    }),
  ];
}

/** Starts workflows in the same way as the sync, and waits for all of them. */
async function workOff(
  client: Client,
  { name, apiQueue, round, count }: { name: string; apiQueue: string; round: string; count: number },
): Promise<void> {
  const ids = Array.from({ length: count }, (_, n) => `${name}-${round}-${n}`);
  await inParallel(ids, SIGNALS_AT_ONCE, async (workflowId) => {
    await client.workflow.signalWithStart(floor, {
      workflowId,
      taskQueue: name,
      args: [apiQueue],
      signal: begin,
    });
  });
  await Promise.all(ids.map((id) => client.workflow.getHandle(id).result()));
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
