import { WithStartWorkflowOperation, WorkflowIdConflictPolicy, type Client } from '@temporalio/client';
import type { PauseState } from '../activities/types';
import { syncControl } from '../workflows';
import { pauseUpdate, resumeUpdate, type Scope } from '../workflows/control';
import { controlId } from '../workflows/ids';

/** Starts the workflow that operators signal, unless it is running. */
export async function ensureControl(client: Client, taskQueue: string): Promise<void> {
  await client.workflow.start(syncControl, startOptions(taskQueue));
}

/** Pauses or resumes entity types. A worker of the service must be running. @returns what is paused afterwards */
export async function pauseOrResume(
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
