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

/** The link of a pair whose records agree on nothing, e.g. because one of them is replaced. Its history stays. */
export function withoutAgreement({
  files: _files,
  rested: _rested,
  reserved: _reserved,
  notTaken: _notTaken,
  braked: _braked,
  ...link
}: Link): Link {
  return { ...link, snapshot: null, conflicts: [], waitsFor: [], intent: null };
}
