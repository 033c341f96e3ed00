import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { inParallel } from '../../src/activities/dispatch';
import { floor, told, type FloorActivities } from './workflow';

/**
 * What the Temporal server gives at best: workflows with two activities that do nothing, started as the sync starts its
 * pairs' workflows, on workers that are set up as the service's. Prints workflows per second, and processor seconds for each.
 * Arguments: Temporal's address, how many workflows, a name.
 */

const SIGNALS_AT_ONCE = 20;

async function main(): Promise<void> {
  const [address = '', count = '', name = ''] = process.argv.slice(2);
  const connection = await NativeConnection.connect({ address });
  const apiQueue = `${name}-api`;
  let written = 0;
  let firstAt = 0;
  let lastAt = 0;
  let began = process.cpuUsage();
  const activities: FloorActivities = {
    async plan() {},
    async write() {
      written += 1;
      lastAt = performance.now();
      if (written > 1) return;
      firstAt = lastAt;
      began = process.cpuUsage();
    },
  };
  const workers = [
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
  const running = workers.map((worker) => worker.run());
  const client = new Client({ connection: await Connection.connect({ address }) });
  const ids = Array.from({ length: Number(count) }, (_, n) => `${name}-${n}`);
  await inParallel(ids, SIGNALS_AT_ONCE, async (workflowId) => {
    await client.workflow.signalWithStart(floor, {
      workflowId,
      taskQueue: name,
      args: [apiQueue],
      signal: told,
    });
  });
  await Promise.all(ids.map((id) => client.workflow.getHandle(id).result()));
  const { user, system } = process.cpuUsage(began);
  console.log(
    JSON.stringify({
      perSecond: ((written - 1) / (lastAt - firstAt)) * 1000,
      cpu: (user + system) / 1_000_000 / written,
    }),
  );
  for (const worker of workers) worker.shutdown();
  await Promise.all(running);
  await client.connection.close();
  await connection.close();
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
