import type { Side } from '../sync/record';

/** One task queue per API, beside the service's own: an API's rate limit is that of its queue. */
export function taskQueueOf(base: string, side: Side): string {
  return `${base}-${side}`;
}
