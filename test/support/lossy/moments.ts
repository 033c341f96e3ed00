import type { Side } from '../../../src/sync/record';

/** What happens at one call to a system: persons edit before and after it, and the call may fail. */

/**
 * `unanswered`: done, and the answer is lost; `unsent`: not done, which nobody knows. After both, the activity is
 * repeated. `died`, `diedUnsent`: the same, and the turn ends with its workflow. `refusedRow`: refused for a property
 * that the error names; `refusedRows`: for one that it does not name; `refusedPair`: for what only a person can mend.
 */
export const FATES = [
  'answered',
  'unanswered',
  'unsent',
  'died',
  'diedUnsent',
  'refusedRow',
  'refusedRows',
  'refusedPair',
] as const;
export type Fate = (typeof FATES)[number];

/** An edit of a person. */
export interface PersonsEdit {
  side: Side;
  row: string;
  /**
   * `new`: a value that nobody wrote before; `former`: one that the row had before; `clear`: no value. Of a set: an
   * element is added, one that was there before is added again, or one is removed.
   */
  how: 'new' | 'former' | 'clear';
  /** Chooses among the values. */
  n: number;
}

export interface Moment {
  fate: Fate;
  before: readonly PersonsEdit[];
  after: readonly PersonsEdit[];
}

export const QUIET: Moment = { fate: 'answered', before: [], after: [] };

/** The turn ended with its workflow: what it had begun is in the store. */
export class Died extends Error {}
