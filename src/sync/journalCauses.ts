/**
 * Why a write was made: a kind, and an id within the kind. `poll:zendesk:tickets`, `webhook:pms`, `reconcile:RUN`,
 * `resync`, `resync-all`, `decision:ID`, `remap:MAPPING`, `mapping:MAPPING` (a row was bound anew by it),
 * `backfill:RUN`, `undo:ID`, `brake:HOLD` (a hold ended), `pair` (another pair was linked or ended), `hygiene`,
 * `rebuild` (of links), `resume` (of a pause). Ids and names only: causes are in workflow histories.
 */
export type Cause = string;

/** The most causes of one write. */
const CAUSES_AT_MOST = 5;

/** Merges causes, each once, in their order. An undo comes first, because the limit must not drop it. */
export function mergedCauses(...all: readonly (readonly Cause[] | undefined)[]): Cause[] {
  const each = [...new Set(all.flatMap((some) => some ?? []))];
  const isUndo = (cause: Cause) => cause.startsWith('undo:');
  return [...each.filter(isUndo), ...each.filter((cause) => !isUndo(cause))].slice(0, CAUSES_AT_MOST);
}
