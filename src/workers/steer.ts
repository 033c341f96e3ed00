import { WithStartWorkflowOperation, WorkflowIdConflictPolicy, type Client } from '@temporalio/client';
import type { PauseState } from '../activities/types';
import { syncControl } from '../workflows';
import { pauseUpdate, resumeUpdate, type Scope } from '../workflows/control';
import { controlId } from '../workflows/ids';

/** Starts the workflow that operators speak to, unless it runs. */
export async function ensureControl(client: Client, taskQueue: string): Promise<void> {
  await client.workflow.start(syncControl, startOptions(taskQueue));
}

/** Pauses or resumes, and returns what is paused then. A worker of the service must run. */
export async function steer(
  client: Client,
  taskQueue: string,
  what: 'pause' | 'resume',
  scope: Scope,
): Promise<PauseState> {
  return client.workflow.executeUpdateWithStart(what === 'pause' ? pauseUpdate : resumeUpdate, {
    args: [scope],
    startWorkflowOperation: new WithStartWorkflowOperation(syncControl, startOptions(taskQueue)),
  });
}

function startOptions(taskQueue: string) {
  return {
    workflowId: controlId(taskQueue),
    taskQueue,
    args: [] as [],
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    staticSummary: 'Pause and resume',
  };
}
