import { parseRef } from '../canonicalKey';
import type { RefKey } from '../record';
import type { Plan } from './state';

/**
 * The plan to wait for records, each once and in alphabetical order.
 *
 * @throws Error if a reference is malformed, because nothing would ever signal the pair
 */
export function waitFor(refs: RefKey[], why = 'is not linked yet'): Plan {
  const waitsFor = [...new Set(refs)].sort();
  for (const ref of waitsFor) parseRef(ref);
  return { do: 'wait', waitsFor, reason: `waits for ${waitsFor.join(', ')}, which ${why}` };
}
