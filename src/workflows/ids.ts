/** Ids of the workflows that exist once in a deployment; its task queue names it. */

export function reconcileId(taskQueue: string): string {
  return `${taskQueue}-reconcile`;
}

export function controlId(taskQueue: string): string {
  return `${taskQueue}-control`;
}

export function backfillId(taskQueue: string): string {
  return `${taskQueue}-backfill`;
}
