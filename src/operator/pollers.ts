import type { Client } from '@temporalio/client';
import { temporal } from '@temporalio/proto';

/** A worker that has not polled for longer counts as stopped. A poll lasts at most a minute. */
const HEARD_WITHIN_MS = 75_000;

/** The number of worker processes that poll a task queue for workflow tasks. */
export async function pollersOf(client: Client, taskQueue: string): Promise<number> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: temporal.api.enums.v1.TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
  });
  const heard = (pollers ?? []).filter(
    ({ lastAccessTime }) => Date.now() - Number(lastAccessTime?.seconds ?? 0) * 1000 < HEARD_WITHIN_MS,
  );
  return new Set(heard.map(({ identity }) => identity)).size;
}
