import type { DataConverter } from '@temporalio/common';
import { type NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { backfillActivities, backfillSystemActivities } from '../activities/backfillActivities';
import type { ActivityContext } from '../activities/activityContext';
import { brakeActivities } from '../activities/brakeActivities';
import { controlActivities } from '../activities/controlActivities';
import { pairActivities } from '../activities/pairActivities';
import { remapActivities } from '../activities/remapActivities';
import { systemActivities } from '../activities/systemActivities';
import { undoActivities } from '../activities/undoActivities';
import { upkeepActivities } from '../activities/upkeepActivities';
import { walkActivities } from '../activities/walkActivities';
import { LANES, type Lane } from '../sync/lane';
import { SIDES, type Side } from '../sync/record';
import type { Tracing } from '../platform/tracing';
import { taskQueueOf } from '../sync/taskQueues';
import { shareOf, type Share } from './share';
import type { WorkflowCode } from './workflowCode';

export interface WorkerSettings {
  connection: NativeConnection;
  namespace: string;
  dataConverter: DataConverter;
  tracing: Tracing | null;
  workflows: WorkflowCode;
  /** The service's own task queue. The names of the APIs' task queues begin with its name. */
  taskQueue: string;
  /** Limits of concurrent work; by default those of a single connection. */
  share?: Share;
}

/** The workers of one connection: one for workflows and the link store, and one for each API and lane. */
export interface Workers {
  /** Resolves when all workers have stopped; rejects if one fails. */
  run(): Promise<void>;
  /** Takes no new tasks, and lets running tasks finish. */
  shutdown(): void;
}

export async function createWorkers(context: ActivityContext, settings: WorkerSettings): Promise<Workers> {
  const { connection, namespace, dataConverter, tracing, taskQueue, share = shareOf(1) } = settings;
  for (const side of SIDES) context.systems[side].rememberIn?.(context.store.firstComments);
  const common: Partial<WorkerOptions> = {
    connection,
    namespace,
    dataConverter,
    shutdownGraceTime: '20s',
    ...(tracing && { plugins: [tracing.plugin] }),
  };
  const workers = [await pairWorker(context, settings, common, share)];
  for (const side of SIDES) {
    for (const lane of LANES) {
      workers.push(
        await sideWorker(
          context,
          { ...common, taskQueue: taskQueueOf(taskQueue, side, lane) },
          side,
          lane,
          share,
        ),
      );
    }
  }
  return {
    async run() {
      try {
        await Promise.all(workers.map((worker) => worker.run()));
      } catch (error) {
        // If one worker fails, stop all: a process with some of its workers would look healthy.
        for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
        throw error;
      }
    },
    shutdown() {
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
    },
  };
}

/** The worker for workflows, and for activities that use the link store only. */
function pairWorker(
  context: ActivityContext,
  { taskQueue, workflows }: WorkerSettings,
  common: Partial<WorkerOptions>,
  share: Share,
): Promise<Worker> {
  return Worker.create({
    ...common,
    taskQueue,
    ...workflows,
    activities: {
      ...pairActivities(context),
      ...remapActivities(context),
      ...upkeepActivities(context),
      ...controlActivities(context),
      ...brakeActivities(context),
      ...undoActivities(context),
      ...backfillActivities(context),
    },
    maxConcurrentWorkflowTaskExecutions: share.workflowTasks,
    maxConcurrentWorkflowTaskPolls: share.polls,
    maxConcurrentActivityTaskExecutions: share.pairActivities,
    maxConcurrentActivityTaskPolls: share.polls,
    maxCachedWorkflows: share.cachedWorkflows,
  });
}

/** The worker for activities that call one API, in one lane. */
function sideWorker(
  context: ActivityContext,
  options: Partial<WorkerOptions> & { taskQueue: string },
  side: Side,
  lane: Lane,
  share: Share,
): Promise<Worker> {
  return Worker.create({
    ...options,
    activities: {
      ...systemActivities(context, side, lane),
      ...walkActivities(context, side),
      ...backfillSystemActivities(context, side),
    },
    maxConcurrentActivityTaskExecutions: share.systemActivities,
    maxConcurrentActivityTaskPolls: Math.min(share.polls, share.systemActivities),
  });
}
