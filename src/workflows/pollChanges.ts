import { proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { PollOutcome, SystemActivities } from '../activities/types';
import type { Side } from '../sync/record';
import { taskQueueOf } from '../sync/taskQueues';

/** Reads one side's change streams from their cursors to their present end. Started by a Schedule. */
export async function pollChanges(side: Side): Promise<Record<string, PollOutcome>> {
  const { pollStream, listStreams } = proxyActivities<SystemActivities>({
    taskQueue: taskQueueOf(workflowInfo().taskQueue, side, 'interactive'),
    startToCloseTimeout: '30 minutes',
    heartbeatTimeout: '15 seconds',
    retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
  });
  const outcome: Record<string, PollOutcome> = {};
  const failures: unknown[] = [];
  for (const stream of await listStreams()) {
    try {
      outcome[stream] = await pollStream({ stream });
    } catch (failure) {
      // A stream that cannot be read does not prevent the others from being read.
      failures.push(failure);
    }
  }
  if (failures.length > 0) throw failures[0];
  return outcome;
}
