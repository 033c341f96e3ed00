/** Ids of the workflows that exist once for each connection. They begin with the connection's task queue. */

export function reconcileId(taskQueue: string): string {
  return `${taskQueue}-reconcile`;
}

export function controlId(taskQueue: string): string {
  return `${taskQueue}-control`;
}

/** The id of the workflow that ends one hold of the brake. */
export function endHoldId(taskQueue: string, hold: string): string {
  return `${taskQueue}-brake-${hold}`;
}

export function backfillId(taskQueue: string): string {
  return `${taskQueue}-backfill`;
}
