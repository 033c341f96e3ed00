import {
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  type Client,
} from '@temporalio/client';
import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import { Problem } from './operatorErrors';

/**
 * Waits for an Update's answer. @throws Problem where it is refused, where the workflow fails, or where nobody answers
 * in time; what was asked is then done later, once a worker takes it.
 */
export async function answerOf<T>(client: Client, waitSeconds: number, ask: () => Promise<T>): Promise<T> {
  try {
    return await client.withDeadline(Date.now() + waitSeconds * 1000, ask);
  } catch (error) {
    if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) {
      throw new Problem(
        `no answer within ${waitSeconds} s: no worker runs, or it is busy or waits for an API; what was asked for stays asked for`,
      );
    }
    if (error instanceof WorkflowUpdateFailedError) throw new Problem(innermost(error.cause));
    throw error;
  }
}

/** The innermost message: Temporal wraps it in the failure of the activity. */
function innermost(error: Error | undefined): string {
  if (error instanceof ActivityFailure) return innermost(error.cause);
  if (error instanceof ApplicationFailure && error.cause) return innermost(error.cause);
  return error?.message ?? 'no reason was given';
}
