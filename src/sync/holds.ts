import type { CanonicalKey } from './canonicalKey';
import type { EntityType, Json, RefKey, Side } from './record';
import { elementsOf } from './heldSets';
import { isEmpty, sameValue } from './values';

/**
 * Holds of the brake. A hold stops one kind of change, for all pairs of an entity, until a person decides. A held
 * change is neither written nor agreed on, and is not lost: the links of the pairs are marked, and the pairs go on when
 * the hold ends.
 */

/**
 * The kinds of change that can be held. `ends`: a pair ends because one of its records ended. `archives`: the same, and
 * the sync archives the other record. `emptied`, `replaced`: the value of a row is removed or replaced. `written`: any
 * value of a row is written, also one that fills an empty property.
 */
export const HELD_KINDS = ['ends', 'archives', 'emptied', 'replaced', 'written'] as const;
export type HeldKind = (typeof HELD_KINDS)[number];

/**
 * `held`: the hold waits for a person's decision. `counting`: it ends by itself if it concerns fewer pairs than
 * allowed. `releasing`, `discarding`: a person ended it, and its pairs are being signalled. `released`: it has ended,
 * and is kept because it has `bound`, so that changes of the same fields are not held again.
 */
export type HoldState = 'held' | 'counting' | 'releasing' | 'released' | 'discarding';

/** Whether a person has not decided about the hold yet. */
export function awaitsDecision(state: HoldState): boolean {
  return state === 'held' || state === 'counting';
}

/** Why there were so many changes, as far as the sync knows. */
export type HoldCause =
  | 'mapping changed'
  | 'field gone'
  | 'side answered with less'
  | 'records not found'
  | 'many changes'
  | 'undo';

/** The changes that a hold applies to. */
export interface HeldChange {
  entity: EntityType;
  kind: HeldKind;
  /** Null for a change of the pair as a whole. */
  row: string | null;
  /** The side that would be written to, that is, the side that did not change. Null: either side. */
  side: Side | null;
}

export interface BrakeHold extends HeldChange {
  id: HoldId;
  /** A digest of the fields that the row named; the hold applies to these fields only. Absent: to any fields. */
  bound?: string;
  state: HoldState;
  by: 'brake' | 'undo';
  cause: HoldCause;
  /** ISO time of the beginning. */
  since: string;
  /**
   * `pairs`: how many pairs were changed in this way within the window, or may be. `linked`: how many pairs are linked.
   * `allowed`: how many may be changed.
   */
  counts: { pairs: number; linked: number; allowed: number };
  /** Some of the pairs, at most {@link EXAMPLES_KEPT}. */
  examples: CanonicalKey[];
}

/**
 * `TicketToProject/emptied/priority/pms`. `*` instead of the row means the pair as a whole, and instead of the side
 * either side. If the hold has `bound`, the digest follows, because a hold on other fields is another hold. Changes are
 * counted under the same id.
 */
export type HoldId = string;

export function holdId({ entity, kind, row, side }: HeldChange, bound?: string): HoldId {
  return [entity, kind, row ?? '*', side ?? '*', ...(bound === undefined ? [] : [bound])].join('/');
}

/** The mark on a link: the row, or the end of a record, that is held. */
export interface BrakeMark {
  hold: HoldId;
  /** Absent if the end of a record is held. */
  row?: string;
  /** The record that ended; absent if a row is held. */
  gone?: RefKey;
}

/** The holds of one entity. */
export type Holds = readonly BrakeHold[];

/** How many pairs a hold keeps as examples. */
export const EXAMPLES_KEPT = 10;

/**
 * How a write changes a canonical value. A set is emptied if no element is left, replaced if an element is missing, and
 * filled if elements are only added.
 *
 * @returns null if the value stays the same
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
