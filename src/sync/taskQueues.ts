import type { Lane } from './lane';
import type { Side } from './record';

/**
 * Each API and lane has its own task queue, beside the service's own one. So background work that waits for a rate
 * limit occupies only its own slots.
 */
export function taskQueueOf(base: string, side: Side, lane: Lane): string {
  return lane === 'interactive' ? `${base}-${side}` : `${base}-${side}-background`;
}

/** Temporal's priority keys, where 1 comes first and 3 is the default. */
export const PRIORITY: Record<Lane, { priorityKey: number }> = {
  interactive: { priorityKey: 2 },
  background: { priorityKey: 4 },
};
