import type { Mapping } from '../../../src/sync/mapping';
import type { PairState } from '../../../src/sync/planner';

/** What a planner is asked: the state of a pair, and the mapping that it is planned by. */
export interface Asked {
  state: PairState;
  mapping: Mapping;
}
