import type { CanonicalKey } from './canonicalKey';
import type { EntityType, Json, RefKey, Side } from './record';
import { elementsOf } from './heldSets';
import { isEmpty, sameValue } from './values';

/**
 * Holds of the brake: a kind of change that is not carried out, for all pairs of an entity, until a person says so. What
 * is held is neither written nor agreed on, and nothing of it is lost: the pairs have a mark, and go on from it.
 */

/**
 * `ends`: a pair ends because a record of it ended. `archives`: the same, and the other record is archived, too.
 * `emptied`, `replaced`: a row's value is taken away, or another put in its place. `written`: any value of a row is
 * written, one that fills an empty property included.
 */
export const HELD_KINDS = ['ends', 'archives', 'emptied', 'replaced', 'written'] as const;
export type HeldKind = (typeof HELD_KINDS)[number];

/**
 * What is made of a hold. `counting`: it ends by itself where fewer pairs than allowed turn out to be concerned.
 * `releasing`, `discarding`: a person ended it, and its pairs are being told. `released`: what is kept of a hold that is
 * bound, so that the same fields are not held again.
 */
export type HoldState = 'held' | 'counting' | 'releasing' | 'released' | 'discarding';

/** Whether a person still has to say what is to become of the hold. */
export function isWaiting(state: HoldState): boolean {
  return state === 'held' || state === 'counting';
}

/** Why it came to so many changes, as far as the sync can tell. */
export type HoldCause =
  | 'mapping changed'
  | 'field gone'
  | 'side answered with less'
  | 'records not found'
  | 'many changes'
  | 'undo';

/** What a hold holds. */
export interface HeldChange {
  entity: EntityType;
  kind: HeldKind;
  /** Null for a change of the pair as a whole. */
  row: string | null;
  /** The side that it would be written to, or whose record would be left alone: the other one than changed. Null: either. */
  side: Side | null;
}

export interface BrakeHold extends HeldChange {
  id: HoldId;
  /** A digest of what the row was bound to; bound to other fields, the row is free. Absent: whatever it is bound to. */
  bound?: string;
  state: HoldState;
  by: 'brake' | 'undo';
  cause: HoldCause;
  /** ISO time. */
  since: string;
  /** Pairs that were changed alike within the window, or may be; of how many linked ones; and how many are let through. */
  counts: { pairs: number; linked: number; allowed: number };
  /** Some of the pairs. */
  examples: CanonicalKey[];
}

/**
 * `TicketToProject/emptied/priority/pms`; `*` stands for the pair as a whole, and for either side. Of a hold that is bound,
 * the digest follows: for other fields it is another hold. Changes are counted under the same name.
 */
export type HoldId = string;

export function holdId({ entity, kind, row, side }: HeldChange, bound?: string): HoldId {
  return [entity, kind, row ?? '*', side ?? '*', ...(bound === undefined ? [] : [bound])].join('/');
}

/** A link's mark: what of the pair is held. */
export interface BrakeMark {
  hold: HoldId;
  /** Absent where the end of a record is held. */
  row?: string;
  /** The record that ended. */
  gone?: RefKey;
}

/** The holds in force, by their entity. */
export type Holds = readonly BrakeHold[];

/** Examples that a hold keeps. */
export const EXAMPLES_KEPT = 10;

/**
 * What a write makes of a value, both canonical. A set is emptied where none of its elements is left, and replaced where
 * one is missing.
 *
 * @returns null where it stays as it is
 */
export function changeOf(before: Json, after: Json): 'filled' | 'emptied' | 'replaced' | null {
  if (sameValue(before, after) || (isEmpty(before) && isEmpty(after))) return null;
  if (Array.isArray(before) || Array.isArray(after)) {
    const left = new Set(elementsOf(after));
    const lost = elementsOf(before).filter((each) => !left.has(each));
    if (lost.length === 0) return 'filled';
    return left.size === 0 ? 'emptied' : 'replaced';
  }
  if (isEmpty(before)) return 'filled';
  return isEmpty(after) ? 'emptied' : 'replaced';
}
