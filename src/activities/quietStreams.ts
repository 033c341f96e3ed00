import { createHash } from 'node:crypto';
import type { StreamPosition } from '../links/cursorStore';
import { refKey } from '../sync/canonicalKey';
import type { RefKey, SyncRecord } from '../sync/record';

/** After its leader moved, a stream is read for this long: what moved the leader may come late. */
const SETTLED_MS = 2 * 60_000;
/** However quiet its leader is, a stream is read this often: not all that it tells need move the leader. */
const ANYWAY_MS = 10 * 60_000;

/**
 * Whether a stream can have nothing new because the stream that it follows did not move: a comment comes with a change
 * of its ticket. Saves the scarce export call of a poll.
 */
export function isQuiet(leader: StreamPosition | null, own: StreamPosition | null, now: Date): boolean {
  if (!leader?.readAt || !own?.readAt) return false;
  const read = Date.parse(own.readAt);
  // A leader that is not read itself says nothing.
  const leaderKnown = Date.parse(leader.readAt) >= read;
  return leaderKnown && read - Date.parse(leader.movedAt) > SETTLED_MS && now.getTime() - read < ANYWAY_MS;
}

/**
 * Tells what a stream repeats from what is new. Exports by time give the last minutes again with every poll; a record
 * that was handed on just so is not handed on again. By content, not by version: a coarse clock gives two contents one
 * version. Kept for one page, in memory: where it is lost, or the cursor was moved by another, repeats are handed on.
 */
export class Repeats {
  private cursor: string | null | undefined;
  private handed = new Map<RefKey, string>();

  news(from: string | null, records: SyncRecord[]): SyncRecord[] {
    if (from !== this.cursor) return records;
    return records.filter((record) => this.handed.get(refKey(record.ref)) !== digest(record));
  }

  /** Call once all of the page is handed on. */
  handedOn(to: string, records: SyncRecord[]): void {
    this.cursor = to;
    this.handed = new Map(records.map((record) => [refKey(record.ref), digest(record)]));
  }
}

function digest(record: SyncRecord): string {
  return createHash('sha256').update(JSON.stringify(record)).digest('base64');
}
