import type { Link } from './link';
import type { RefKey } from './record';

/** A record of a pair that was not found, although nothing says that it ended. */

export function absentReason(ref: RefKey): string {
  return `${ref} was not found; the pair ends once a second complete reconcile does not find it either`;
}

/** Whether it is this record that the pair misses. */
export function isAbsent({ reason }: Pick<Link, 'reason'>, ref: RefKey): boolean {
  return reason?.code === 'absent' && reason.text === absentReason(ref);
}
