import { createHash } from 'node:crypto';
import type { StreamPosition } from '../links/cursorStore';
import { refKey } from '../sync/canonicalKey';
import type { RefKey, SyncRecord } from '../sync/record';

/** After a change in its leader, a stream is read for this long, because its own change may come later. */
const SETTLED_MS = 2 * 60_000;
/** A stream is read at least this often, because it may have changes that its leader does not show. */
const ANYWAY_MS = 10 * 60_000;

/**
 * Whether a stream has nothing new because its leader, the stream that it follows, has nothing new: a new comment
 * changes its ticket, too. This saves a call of a scarce limit at each poll.
 */
export function isQuiet(leader: StreamPosition | null, own: StreamPosition | null, now: Date): boolean {
  if (!leader?.readAt || !own?.readAt) return false;
  const read = Date.parse(own.readAt);
  // A leader that was not read since says nothing.
  const leaderKnown = Date.parse(leader.readAt) >= read;
  return leaderKnown && read - Date.parse(leader.movedAt) > SETTLED_MS && now.getTime() - read < ANYWAY_MS;
}

/**
 * Finds the records that a stream repeats. Exports by time show the last minutes again at every poll. A record that has
 * not changed since it was dispatched is not dispatched again. Contents are compared, not versions, because a coarse
 * clock gives one version to two contents. The records of one page are kept in memory. If they are lost, or another
 * process moved the cursor, repeats are dispatched, which does no harm.
 */
export class Repeats {
  private cursor: string | null | undefined;
  private handed = new Map<RefKey, string>();

  news(from: string | null, records: SyncRecord[]): SyncRecord[] {
    if (from !== this.cursor) return records;
    return records.filter((record) => this.handed.get(refKey(record.ref)) !== digest(record));
  }

  /** Call after the whole page was dispatched. */
  handedOn(to: string, records: SyncRecord[]): void {
    this.cursor = to;
    this.handed = new Map(records.map((record) => [refKey(record.ref), digest(record)]));
  }
}

function digest(record: SyncRecord): string {
  return createHash('sha256').update(JSON.stringify(record)).digest('base64');
}
