import { refKey } from './canonicalKey';
import type { Link } from './link';
import type { RefKey, SyncRecord } from './record';

/** An observation of a record below the same parent, with its pair's link. */
export interface Sibling {
  record: SyncRecord;
  link: Link | null;
}

/** States in which a sibling may stay for good, so that no later sibling waits for it. */
const RESTING = new Set(['conflict', 'quarantined', 'tombstone']);

/**
 * The sibling directly before a record, if it is not written to the other side yet; null if the record need not wait.
 * Siblings are sorted by the time of their creation, then by id, so that each waits for one other, without a circle.
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
  // A record with a back-reference was created by the sync.
  if (record.state !== 'live' || record.skip !== null || record.backRef !== null) return false;
  if (link === null) return true;
  if (link.sides.zendesk && link.sides.pms) return false;
  return !RESTING.has(link.status) && link.reason?.code !== 'bug';
}

/** Compares ids: both sides number their records, so the ids show the order if a clock is coarse. */
function compareMade(a: SyncRecord, b: SyncRecord): number {
  return (
    Date.parse(a.createdAt) - Date.parse(b.createdAt) ||
    a.ref.id.localeCompare(b.ref.id, 'en', { numeric: true })
  );
}
