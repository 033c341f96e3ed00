import { asyncLocalStorage } from '@temporalio/activity';
import type { Logger } from 'pino';
import type { CanonicalKey } from '../sync/canonicalKey';

/** The log of the activity that runs: each line says which pair, workflow and attempt it belongs to. A dry run has none. */
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
