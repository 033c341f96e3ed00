import type { Mapping } from '../mapping';
import { otherSide } from '../record';
import { firstPhase } from './firstPhase';
import { linkedPhase } from './linkedPhase';
import { linkedPair, pairOf, type Pair } from './plannedPair';
import type { Found, Phase } from './phases';
import type { PairState } from './state';

/** @throws Error if the state's key is not a canonical key */
export function phaseOf(state: PairState, mapping: Mapping): Phase {
  return findPhase(pairOf(state, mapping)).phase;
}

/** The phase of a pair, with what was found. A person's decision about the pair as a whole comes first. */
export function findPhase(pair: Pair): Found {
  const decided = decidedPhase(pair);
  if (decided) return decided;
  const linked = linkedPair(pair);
  return linked ? linkedPhase(linked) : firstPhase(pair);
}

/** The phase that a person's decision about the pair as a whole leads to; null if there is no such decision. */
function decidedPhase({ state, origin, decisions }: Pair): Found | null {
  const { counterpart } = decisions;
  if (counterpart === 'none') return { phase: 'detaching', found: {} };
  if (!state.link?.unlinked) return null;
  if (counterpart === null) return { phase: 'detached', found: {} };
  const former = otherSide(origin.side);
  const known = state.link.sides[former]?.ref;
  return known !== undefined && known !== counterpart ? { phase: 'switching', found: { former } } : null;
}
