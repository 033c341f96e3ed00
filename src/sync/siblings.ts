import { refKey } from './canonicalKey';
import type { Link } from './link';
import type { RefKey, SyncRecord } from './record';

/** An observation of a record below the same parent, with its pair's link. */
export interface Sibling {
  record: SyncRecord;
  link: Link | null;
}

/** Parked for a person, or ended: whoever waited for these could wait for ever. */
const RESTING = new Set(['conflict', 'quarantined', 'tombstone']);

/**
 * The sibling that comes right before a record and is still to be written to the other side; null where the
 * record may go now. Siblings are in the order in which they were made, ids breaking ties, so that they form one row:
 * each waits for one, and nobody in a circle.
 */
export function olderSibling(record: SyncRecord, siblings: readonly Sibling[]): RefKey | null {
  const [nearest] = siblings
    .filter((sibling) => isAwaited(sibling) && sibling.record.ref.kind === record.ref.kind)
    .map((sibling) => sibling.record)
    .filter((other) => compareMade(other, record) < 0)
    .sort((a, b) => compareMade(b, a));
  return nearest ? refKey(nearest.ref) : null;
}

function isAwaited({ record, link }: Sibling): boolean {
  // What names a counterpart was made for it.
  if (record.state !== 'live' || record.skip !== null || record.backRef !== null) return false;
  if (link === null) return true;
  if (link.sides.zendesk && link.sides.pms) return false;
  return !RESTING.has(link.status) && link.reason?.code !== 'bug';
}

/** Both sides number their records; where clocks are coarse the numbers tell what came first. */
function compareMade(a: SyncRecord, b: SyncRecord): number {
  return (
    Date.parse(a.createdAt) - Date.parse(b.createdAt) ||
    a.ref.id.localeCompare(b.ref.id, 'en', { numeric: true })
  );
}
