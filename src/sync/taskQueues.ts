import type { Lane } from './lane';
import type { Side } from './record';

/**
 * One task queue for each API and lane, beside the service's own: background work that waits for an API's rate holds
 * only slots of its own.
 */
export function taskQueueOf(base: string, side: Side, lane: Lane): string {
  return lane === 'interactive' ? `${base}-${side}` : `${base}-${side}-background`;
}

/** Temporal's priority keys, where 1 comes first and 3 is the default. */
export const PRIORITY: Record<Lane, { priorityKey: number }> = {
  interactive: { priorityKey: 2 },
  background: { priorityKey: 4 },
};
