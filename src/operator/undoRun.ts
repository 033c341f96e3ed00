import { randomBytes } from 'node:crypto';
import {
  WorkflowFailedError,
  WorkflowIdConflictPolicy,
  WorkflowNotFoundError,
  type Client,
  type WorkflowHandleWithFirstExecutionRunId,
} from '@temporalio/client';
import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import type { UndoProgress } from '../activities/types';
import type { LinkStore } from '../links/linkStore';
import type { UndoFilter } from '../sync/undo';
import { undo, undoProgress } from '../workflows/undo';
import { Problem } from './operatorErrors';

/** Starts the workflow of an undo, and shows its state. */

type Temporal = { client: Client; taskQueue: string };

function workflowOf(taskQueue: string, id: string): string {
  return `${taskQueue}-undo-${id}`;
}

/** Stores a person's request, so that it survives a crash. @returns the name of the undo */
export async function storeUndo(
  { undos }: Pick<LinkStore, 'undos'>,
  filter: UndoFilter,
  hold: boolean,
  now = new Date(),
): Promise<string> {
  const id = `${now.toISOString().replace(/\D/g, '').slice(0, 14)}-${randomBytes(2).toString('hex')}`;
  await undos.begin({ id, filter, hold });
  return id;
}

/** Starts the workflow, or joins the running one. */
export function startUndo(
  { client, taskQueue }: Temporal,
  id: string,
): Promise<WorkflowHandleWithFirstExecutionRunId<typeof undo>> {
  return client.workflow.start(undo, {
    workflowId: workflowOf(taskQueue, id),
    taskQueue,
    args: [id],
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    staticSummary: `Undo ${id}`,
  });
}

/**
 * The state of an undo's workflow. `stopped`: it ended before the undo was done; `why` is null if the cause is not
 * known.
 */
export type UndoRun =
  { is: 'running'; progress: UndoProgress | null } | { is: 'stopped'; why: string | null };

export async function runOf({ client, taskQueue }: Temporal, id: string): Promise<UndoRun> {
  const handle = client.workflow.getHandle<typeof undo>(workflowOf(taskQueue, id));
  try {
    const { status } = await handle.describe();
    if (status.name === 'RUNNING' || status.name === 'CONTINUED_AS_NEW')
      return { is: 'running', progress: await progressOf(handle) };
    await handle.result();
    return { is: 'stopped', why: null };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { is: 'stopped', why: null };
    const refusal = refusalIn(error);
    if (refusal) return { is: 'stopped', why: refusal.message };
    if (error instanceof WorkflowFailedError) return { is: 'stopped', why: null };
    throw error;
  }
}

/** Null if no worker answers. */
async function progressOf(handle: {
  query: (of: typeof undoProgress) => Promise<UndoProgress>;
}): Promise<UndoProgress | null> {
  try {
    return await handle.query(undoProgress);
  } catch {
    return null;
  }
}

/** The worker's message if it refused the undo; null for any other failure. */
export function refusalIn(error: unknown): Problem | null {
  const failure = error instanceof WorkflowFailedError ? error.cause : null;
  const cause = failure instanceof ActivityFailure ? failure.cause : failure;
  return cause instanceof ApplicationFailure && cause.type === 'Refused' ? new Problem(cause.message) : null;
}
