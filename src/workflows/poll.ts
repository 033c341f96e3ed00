import { proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { PollOutcome, SystemActivities } from '../activities/types';
import type { Side } from '../sync/record';
import { taskQueueOf } from './taskQueues';

/** Follows one side's change streams from their cursors to their present end. Started by a Schedule. */
export async function pollChanges(side: Side): Promise<Record<string, PollOutcome>> {
  const { pollStream, listStreams } = proxyActivities<SystemActivities>({
    taskQueue: taskQueueOf(workflowInfo().taskQueue, side),
    startToCloseTimeout: '30 minutes',
    heartbeatTimeout: '15 seconds',
    retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
  });
  const outcome: Record<string, PollOutcome> = {};
  for (const stream of await listStreams()) outcome[stream] = await pollStream({ stream });
  return outcome;
}
