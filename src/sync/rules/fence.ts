import type { LinkedSide } from '../link';
import type { SyncRecord } from '../record';

/** Rules: which observations are too old, or too vague in time, to be planned by. */

export interface SeenRecord {
  record: SyncRecord;
  fresh: boolean;
}

/**
 * The link holds another state of the record, with a greater order, than an export showed. No plan is made by such an
 * observation: either it says what the link holds, or it is doubtful and the record is read.
 */
export function isBehind({ record, fresh }: SeenRecord, known: LinkedSide): boolean {
  return record.order < known.order && !fresh;
}

/**
 * An export shows other content than the link holds, at the link's order or a smaller one. Its page may be old, or the
 * change is a second one within a tick of a coarse clock, or the side's order went back (a backup was restored, its clock
 * was set back). The record itself tells, so it is read.
 *
 * @param differs compares the record's values with the link's; asked only where it matters
 */
export function isDoubtful(
  { record, fresh }: SeenRecord,
  known: LinkedSide,
  differs: (record: SyncRecord) => boolean,
): boolean {
  if (fresh || record.order > known.order) return false;
  const isElse = record.order < known.order && record.state !== known.state;
  return isElse || differs(record);
}
