/** Ids of the workflows that exist once in a deployment; its task queue names it. */

export function reconcileId(taskQueue: string): string {
  return `${taskQueue}-reconcile`;
}

export function controlId(taskQueue: string): string {
  return `${taskQueue}-control`;
}

/** Ends one hold of the brake. */
export function endHoldId(taskQueue: string, hold: string): string {
  return `${taskQueue}-brake-${hold}`;
}

export function backfillId(taskQueue: string): string {
  return `${taskQueue}-backfill`;
}
