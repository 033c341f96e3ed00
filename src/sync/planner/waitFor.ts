import { parseRef } from '../canonicalKey';
import type { RefKey } from '../record';
import type { Plan } from './state';

/** @throws Error where a reference is none: nothing would ever wake the pair */
export function waitFor(refs: RefKey[], why = 'is not linked yet'): Plan {
  const waitsFor = [...new Set(refs)].sort();
  for (const ref of waitsFor) parseRef(ref);
  return { do: 'wait', waitsFor, reason: `waits for ${waitsFor.join(', ')}, which ${why}` };
}
