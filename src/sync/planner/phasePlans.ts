import { absentReason } from '../absentRecord';
import { refKey } from '../canonicalKey';
import { releasedIntent, type Intent, type PlannedWrite } from '../link';
import type { PropertyRow } from '../mapping';
import { SIDES } from '../record';
import { isInternalNow } from '../rules/visibility';
import { createPlan } from './createPlan';
import { endPlan } from './endPlan';
import { mergePlan } from './mergePlan';
import { canonicalOf, type Pair } from './plannedPair';
import type { PhaseFindings, Found, Phase } from './phases';
import type { Plan } from './state';
import { waitFor } from './waitFor';

/** The plan of each phase. */
export const PHASE_PLANS: { readonly [P in Phase]: (pair: Pair, found: PhaseFindings[P]) => Plan } = {
  detaching: () => ({ do: 'unlink' }),
  detached: () => ({ do: 'rest' }),
  switching: (_, { former }) => ({ do: 'part', from: former }),

  claimed: (_, { owner }) => ({ do: 'redirect', to: owner }),
  resuming: (pair, { intent }) => ({ do: 'write', intent: resumed(pair, intent) }),
  unseen: (_, { ref }) => ({ do: 'read', refs: [ref] }),
  maybeEnded: (_, { ref }) => ({ do: 'read', refs: [ref] }),
  endedAlone: (_, { reason }) => ({ do: 'bury', reason, intent: null }),
  outside: (_, { reason }) => ({ do: 'ignore', reason }),
  chosenUnread: (_, { chosen }) => ({ do: 'read', refs: [chosen] }),
  chosenEnded,
  madeElsewhere: (_, { owner }) => ({ do: 'redirect', to: owner }),
  queued: (_, { sibling }) => waitFor([sibling], 'is an earlier comment that is not written yet'),
  unmapped: (_, { problems }) => ({ do: 'quarantine', code: 'unmapped_value', reason: problems.join('; ') }),
  waiting: (_, { parents }) => waitFor(parents),
  looking: (_, { origin }) => ({ do: 'look', origin }),
  contested: (_, { matches }) => waitFor(matches, 'is being linked by another pair'),
  ambiguous: (_, { reason, candidates }) => ({ do: 'conflict', code: 'ambiguous_match', reason, candidates }),
  joining: (_, { origin, counterpart }) => ({ do: 'join', origin, counterpart }),
  creating: (pair, { origin, canonical }) => createPlan(pair, origin, canonical),

  absent: (_, { ref }) => ({ do: 'absent', reason: absentReason(ref) }),
  ended: (_, { linked, side, record }) => endPlan(linked, side, record),
  unread: (_, { refs }) => ({ do: 'read', refs }),
  returned: (_, { refs }) => ({ do: 'read', refs }),
  doubtful: (_, { refs }) => ({ do: 'read', refs }),
  orphaned: (_, { parents }) => waitFor(parents),
  merging: (_, { linked }) => mergePlan(linked),
};

export function planFor<P extends Phase>(pair: Pair, { phase, found }: Found<P>): Plan {
  return PHASE_PLANS[phase](pair, found);
}

/**
 * The intent that the link has. It was begun before and its outcome is unknown, so each write begins with a look-up.
 */
function resumed(pair: Pair, intent: Intent): Intent {
  const released = releasedIntent(intent);
  const writes = intent.writes.map((write) => ({ ...hiddenIfInternalNow(pair, write), lookFirst: true }));
  return { ...released, writes };
}

/** An addition to a comment that became internal meanwhile is made internal, too. */
function hiddenIfInternalNow(pair: Pair, write: PlannedWrite): PlannedWrite {
  if (write.done || write.op === 'create' || write.op === 'update' || write.values['public'] !== true)
    return write;
  const shown = (row: PropertyRow) =>
    SIDES.map((side) => {
      const record = pair.state.observed[side]?.record;
      const value = record ? canonicalOf(pair, row, side, record) : null;
      return value?.ok ? value.value : undefined;
    });
  return isInternalNow(pair.table, shown) ? { ...write, values: { ...write.values, public: false } } : write;
}

function chosenEnded({ state }: Pair, { origin, chosen, counterpart }: PhaseFindings['chosenEnded']): Plan {
  const now = counterpart ? `is ${counterpart.state}` : 'does not exist';
  return {
    do: 'conflict',
    code: 'ambiguous_match',
    reason: `${chosen}, which was chosen for ${refKey(origin.ref)}, ${now}; a person must choose`,
    candidates: (state.link?.candidates ?? []).filter((ref) => ref !== chosen),
  };
}
