import type { BrakeHold, HeldChange, Holds } from '../holds';
import type { Link } from '../link';
import type { RefKey, Side, SyncRecord } from '../record';

/** Rule: a change that the brake holds is not carried out. */

/** A change that the planner is about to plan. */
export type PlannedChange = Pick<HeldChange, 'row'> & {
  kind: Exclude<HeldChange['kind'], 'written'> | 'filled';
  side: NonNullable<HeldChange['side']>;
  /** A digest of the fields that the row names. */
  bound?: string | undefined;
};

/**
 * @param holds of the pair's entity @returns the hold that applies to a change; null if the change may be carried out
 */
export function holdOn(holds: Holds, { kind, row, side, bound }: PlannedChange): BrakeHold | null {
  const applies = (hold: BrakeHold) =>
    hold.state !== 'releasing' &&
    hold.state !== 'released' &&
    hold.row === row &&
    (hold.kind === kind || (hold.kind === 'written' && row !== null)) &&
    (hold.side ?? side) === side &&
    (hold.bound === undefined || hold.bound === bound);
  return holds.find(applies) ?? null;
}

/** The brake held the end of the record: that it ended was proved then. */
export function isHeldEnd({ braked = [] }: Link, ref: RefKey): boolean {
  return braked.some(({ gone }) => gone === ref);
}

/**
 * Whether a pair still has a record on that side that its end would leave alone or archive. If both records are gone, the
 * end of the pair changes no record: the brake neither counts nor holds it.
 *
 * @param seen what was observed of the record; undefined if it was not observed, null if it was not found
 */
export function isThere(link: Link, side: Side, seen: SyncRecord | null | undefined): boolean {
  const known = link.sides[side];
  if (link.status === 'tombstone' || known?.state !== 'live' || seen === null) return false;
  return (seen === undefined || seen.state === 'live') && !isHeldEnd(link, known.ref);
}
