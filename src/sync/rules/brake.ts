import type { BrakeHold, HeldChange, Holds } from '../holds';

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
