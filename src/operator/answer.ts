import {
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  type Client,
} from '@temporalio/client';
import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import { Problem } from './operatorErrors';

/**
 * Waits for the answer of an Update.
 * @throws Problem if the workflow refuses the request or fails, or if no worker answers in time. In the last case,
 * the request remains queued, and a worker carries it out later.
 */
export async function answerOf<T>(client: Client, waitSeconds: number, ask: () => Promise<T>): Promise<T> {
  try {
    return await client.withDeadline(Date.now() + waitSeconds * 1000, ask);
  } catch (error) {
    if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) {
      throw new Problem(
        `no answer within ${waitSeconds} s: no worker runs, or it is busy or waits for an API; the request remains queued`,
      );
    }
    if (error instanceof WorkflowUpdateFailedError) throw new Problem(innermost(error.cause));
    throw error;
  }
}

/** The message of the cause. Temporal wraps it in the failure of the activity. */
function innermost(error: Error | undefined): string {
  if (error instanceof ActivityFailure) return innermost(error.cause);
  if (error instanceof ApplicationFailure && error.cause) return innermost(error.cause);
  return error?.message ?? 'no reason was given';
}
