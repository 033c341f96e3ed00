import { canonicalKey, refKey, tryParseRef } from '../canonicalKey';
import { otherSide, type RefKey, type SyncRecord } from '../record';
import type { Counterpart } from '../resolution';
import { filterReason } from '../rules/filter';
import { counterpartPhase } from './counterpartPhase';
import type { Pair } from './plannedPair';
import type { Found } from './phases';
import { canonicalValues } from './recordValues';
import type { Observation } from './state';

/** Finds the phase of a pair of which one record is known. */

/** Stops two records with each other's back-reference from handing the pair on without end. */
const HOPS_AT_MOST = 2;

export function firstPhase(pair: Pair): Found {
  const { state, origin: ref } = pair;
  if (state.claimedBy) return { phase: 'claimed', found: { owner: state.claimedBy } };
  if (state.link?.intent) return { phase: 'resuming', found: { intent: state.link.intent } };
  const seen = state.observed[ref.side];
  if (!seen) return { phase: 'unseen', found: { ref: refKey(ref) } };
  const origin = seen.record;
  if (origin?.state !== 'live') return endedPhase(seen, refKey(ref));
  const reason = origin.skip || filterReason(pair.table, origin);
  if (reason) return { phase: 'outside', found: { reason } };
  return decidedCounterpart(pair, origin) ?? readinessPhase(pair, origin);
}

function endedPhase(seen: Observation, ref: RefKey): Found {
  const { record, fresh } = seen;
  const reason = record ? `${ref} was ${record.state} before it was linked` : `${ref} does not exist`;
  return fresh || record.state === 'deleted'
    ? { phase: 'endedAlone', found: { reason } }
    : { phase: 'maybeEnded', found: { ref } };
}

/** The phase if a person chose a counterpart, or if the record's back-reference names one; null otherwise. */
function decidedCounterpart(pair: Pair, origin: SyncRecord): Found | null {
  const { state, table, decisions } = pair;
  const { counterpart } = decisions;
  if (counterpart === 'create') return null;
  if (counterpart !== null) return chosenCounterpart(pair, origin, counterpart);
  const back = tryParseRef(origin.backRef);
  if (!back || back.side === origin.ref.side || state.hops >= HOPS_AT_MOST) return null;
  return { phase: 'madeElsewhere', found: { owner: canonicalKey(table.entity, back) } };
}

/** The phase if a person chose the counterpart `ref`. */
function chosenCounterpart({ state }: Pair, origin: SyncRecord, ref: Counterpart): Found {
  const seen = state.observed[otherSide(origin.ref.side)];
  if (!seen?.fresh) return { phase: 'chosenUnread', found: { chosen: ref } };
  const counterpart = seen.record;
  return counterpart?.state === 'live'
    ? { phase: 'joining', found: { origin, counterpart } }
    : { phase: 'chosenEnded', found: { origin, chosen: ref, counterpart } };
}

/** The phase of a record whose counterpart is not known: what is missing before it is looked for, or created. */
function readinessPhase(pair: Pair, origin: SyncRecord): Found {
  const { olderSibling } = pair.state;
  // Wait for the earlier sibling only. It waits for everything that both need, so each of many siblings is signalled
  // once.
  if (olderSibling !== undefined) return { phase: 'queued', found: { sibling: olderSibling } };
  const { values, problems, waitsFor } = canonicalValues(pair, origin);
  if (problems.length > 0) return { phase: 'unmapped', found: { problems } };
  if (waitsFor.length > 0) return { phase: 'waiting', found: { parents: waitsFor } };
  return counterpartPhase(pair, origin) ?? { phase: 'creating', found: { origin, canonical: values } };
}
