import type { Mapping } from '../../../src/sync/mapping';
import type { PairState } from '../../../src/sync/planner';

/** The input of a planner: the state of a pair, and its mapping. */
export interface Asked {
  state: PairState;
  mapping: Mapping;
}
