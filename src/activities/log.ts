import { activityInfo } from '@temporalio/activity';
import type { Logger } from 'pino';
import type { CanonicalKey } from '../sync/keys';

/** The log of the activity that runs: each line says which pair, workflow and attempt it belongs to. */
export function activityLog(log: Logger, key: CanonicalKey | null): Logger {
  const { activityType, attempt, workflowExecution } = activityInfo();
  return log.child({
    ...(key !== null && { key }),
    activity: activityType,
    attempt,
    workflowId: workflowExecution?.workflowId,
    runId: workflowExecution?.runId,
  });
}
