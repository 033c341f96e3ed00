import type { Mapping } from '../mapping';
import { SIDES, otherSide, type Side } from '../record';
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
  const gone = counterpart === 'create' ? goneSide(state) : null;
  if (gone) return { phase: 'switching', found: { former: gone } };
  if (!state.link?.unlinked) return null;
  if (counterpart === null) return { phase: 'detached', found: {} };
  const former = otherSide(origin.side);
  const known = state.link.sides[former]?.ref;
  return known !== undefined && known !== counterpart ? { phase: 'switching', found: { former } } : null;
}

/**
 * The side whose record was just read and not found, while the other record is there. A record that its side still shows
 * as deleted does not count: it may be restored, and keeps its back-reference. Null for a pair of one record.
 */
function goneSide({ link, observed }: PairState): Side | null {
  const isGone = (side: Side) => observed[side]?.record === null;
  const isThere = (side: Side) => observed[side]?.fresh === true && observed[side].record?.state === 'live';
  if (!link?.sides.zendesk || !link.sides.pms) return null;
  return SIDES.find((side) => isGone(side) && isThere(otherSide(side))) ?? null;
}
