import { asyncLocalStorage } from '@temporalio/activity';
import type { Logger } from 'pino';
import type { CanonicalKey } from '../sync/canonicalKey';

/** The log of the running activity: each line names its pair, workflow and attempt. In a dry run, it names the pair. */
export function activityLog(log: Logger, key: CanonicalKey | null): Logger {
  const info = asyncLocalStorage.getStore()?.info;
  return log.child({
    ...(key !== null && { key }),
    ...(info && {
      activity: info.activityType,
      attempt: info.attempt,
      workflowId: info.workflowExecution?.workflowId,
      runId: info.workflowExecution?.runId,
    }),
  });
}
