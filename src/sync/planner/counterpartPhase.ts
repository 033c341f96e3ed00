import { refKey } from '../canonicalKey';
import type { SyncRecord } from '../record';
import type { Pair } from './plannedPair';
import type { Found } from './phases';
import type { Candidates } from './state';

/** @returns the phase of a pair whose counterpart may exist already; null if there is none, so that one is created */
export function counterpartPhase({ state, table, decisions }: Pair, origin: SyncRecord): Found | null {
  // A person wants a new record, even if one exists that matches.
  if (decisions.counterpart === 'create') return null;
  const { candidates } = state;
  if (candidates) return chooseCandidate(candidates, origin);
  return table.match.length > 0 ? { phase: 'looking', found: { origin } } : null;
}

function chooseCandidate({ free, taken, rivals }: Candidates, origin: SyncRecord): Found | null {
  const own = refKey(origin.ref);
  const returning = free.find((record) => record.backRef === own);
  if (returning) return { phase: 'joining', found: { origin, counterpart: returning } };
  const pending = taken.filter((other) => !other.settled).map((other) => other.ref);
  if (pending.length > 0) return { phase: 'contested', found: { matches: pending } };
  const all = [
    ...free.map((record) => refKey(record.ref)),
    ...taken.map((other) => `${other.ref} (linked to another record)`),
  ].join(', ');
  const ambiguous = (what: string): Found => ({
    phase: 'ambiguous',
    found: {
      reason: `${what}; a person must choose`,
      candidates: free.map((record) => refKey(record.ref)),
    },
  });
  if (rivals.length > 0 && all !== '')
    return ambiguous(`${[own, ...rivals].join(', ')} share a match value with ${all}`);
  const [only, ...more] = free;
  if (more.length > 0) return ambiguous(`several records match ${own}: ${all}`);
  return only && taken.length === 0 ? { phase: 'joining', found: { origin, counterpart: only } } : null;
}
