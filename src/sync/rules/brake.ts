import type { BrakeHold, HeldChange, Holds } from '../holds';

/** Rules: what the brake holds is not carried out. */

/** A change that is about to be planned. */
export type PlannedChange = Pick<HeldChange, 'row'> & {
  kind: Exclude<HeldChange['kind'], 'written'> | 'filled';
  side: NonNullable<HeldChange['side']>;
  /** A digest of what the row is bound to. */
  bound?: string | undefined;
};

/** @param holds those of the pair's entity @returns the hold that a change meets; null where it may be carried out */
export function holdOn(holds: Holds, { kind, row, side, bound }: PlannedChange): BrakeHold | null {
  const meets = (hold: BrakeHold) =>
    hold.state !== 'releasing' &&
    hold.state !== 'released' &&
    hold.row === row &&
    (hold.kind === kind || (hold.kind === 'written' && row !== null)) &&
    (hold.side ?? side) === side &&
    (hold.bound === undefined || hold.bound === bound);
  return holds.find(meets) ?? null;
}
