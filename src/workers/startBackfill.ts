import { WorkflowIdConflictPolicy, type Client, type WorkflowHandle } from '@temporalio/client';
import type { LinkStore } from '../links/linkStore';
import { backfill } from '../workflows';
import { backfillId } from '../workflows/ids';

export type BackfillHandle = WorkflowHandle<typeof backfill>;

/**
 * Starts the backfill, or returns the running one. Polls that have not begun yet do not read the account's old records.
 */
export async function startBackfill(
  client: Client,
  store: Pick<LinkStore, 'backfill'>,
  taskQueue: string,
): Promise<BackfillHandle> {
  await store.backfill.announce();
  return client.workflow.start(backfill, {
    workflowId: backfillId(taskQueue),
    taskQueue,
    args: [],
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    staticSummary: 'First sync of both accounts, in bulk',
  });
}

/** The running backfill, or the last one. */
export function backfillOf(client: Client, taskQueue: string): BackfillHandle {
  return client.workflow.getHandle<typeof backfill>(backfillId(taskQueue));
}
