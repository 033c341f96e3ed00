import { isAbsent } from './absentRecord';
import { refKey } from './canonicalKey';
import type { Link } from './link';
import type { EntityMapping, Mapping } from './mapping';
import { SIDES, type RefKey, type SyncRecord } from './record';
import { differingRows } from './rules/echo';
import { filterReason } from './rules/filter';
import { offeredAgain } from './refusedWrite';
import type { References } from './values';

/** The verdict of a reconcile about one record. Pure; the pairs' own workflows make the repairs. */
export type Verdict =
  | { kind: 'agrees' }
  /** Out of scope: filtered out, skipped by its nature, or ended before it was linked. */
  | { kind: 'outside' }
  /** Its link is waiting, in conflict or in quarantine, and has a reason. */
  | { kind: 'unsettled' }
  /** No pair has it. */
  | { kind: 'missing' }
  | { kind: 'drifted'; rows: string[] }
  /** It agrees, except for values that its side did not take. */
  | { kind: 'notTaken' }
  /** It ended, and its link has not noticed. */
  | { kind: 'ended' }
  /** Its link is a tombstone, and the record exists again. */
  | { kind: 'returned' };

/** Whether a live record of a tombstone has returned. If it is not the record that ended, it was live all the time. */
function mayReturn({ sides, unlinked }: Link, { ref }: SyncRecord): boolean {
  if (unlinked) return false;
  const known = sides[ref.side];
  // It ended before it was linked.
  if (!known) return true;
  // Releases before 0.3.0 did not store which side ended.
  return known.state !== 'live' || SIDES.every((side) => sides[side]?.state === 'live');
}

/** Whether the brake holds the end of the record. */
function isHeldEnd({ braked = [] }: Link, ref: RefKey): boolean {
  return braked.some(({ gone }) => gone === ref);
}

export function examine(
  mapping: Mapping,
  table: EntityMapping,
  link: Link | null,
  record: SyncRecord,
  references: References,
): Verdict {
  if (!link) {
    const outside = record.state !== 'live' || record.skip !== null || filterReason(table, record) !== null;
    return { kind: outside ? 'outside' : 'missing' };
  }
  const known = link.sides[record.ref.side];
  if (link.status === 'tombstone') {
    return record.state === 'live' && mayReturn(link, record) ? { kind: 'returned' } : { kind: 'agrees' };
  }
  const ref = refKey(record.ref);
  const isMissed = isAbsent(link, ref) || isHeldEnd(link, ref);
  if (record.state === 'live' && isMissed) return { kind: 'returned' };
  if (link.status !== 'linked' || link.intent || link.waitsFor.length > 0) return { kind: 'unsettled' };
  if (known?.ref !== ref) return { kind: 'unsettled' };
  if (record.state !== 'live') return { kind: isHeldEnd(link, ref) ? 'unsettled' : 'ended' };
  const rows = differingRows(mapping, table, link, record, references);
  const held = link.braked ?? [];
  if (held.length > 0 && rows.every((row) => held.some((mark) => mark.row === row)))
    return { kind: 'unsettled' };
  if (rows.length > 0) return { kind: 'drifted', rows };
  const isLeft = offeredAgain(link, table)?.some(({ side, due }) => due && side === record.ref.side);
  return { kind: isLeft ? 'notTaken' : 'agrees' };
}
