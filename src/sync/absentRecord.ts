import type { Link } from './link';
import type { RefKey } from './record';

/** The reason of a pair with a record that was not found, although nothing says that it ended. */

export function absentReason(ref: RefKey): string {
  return `${ref} was not found; the pair ends once a second complete reconcile does not find it either`;
}

/** Whether this is the record that the pair misses. */
export function isAbsent({ reason }: Pick<Link, 'reason'>, ref: RefKey): boolean {
  return reason?.code === 'absent' && reason.text === absentReason(ref);
}
