import type { Json, Side } from '../record';
import { isEmpty } from '../values';

/**
 * Rule: what two values make that meet for the first time. An empty value is no statement, so the other side's fills it.
 *
 * @returns the side whose value counts for both; null where both say something, or where the two have met before
 */
export function filledFrom(base: Record<Side, Json> | null, current: Record<Side, Json>): Side | null {
  if (base !== null || isEmpty(current.zendesk) === isEmpty(current.pms)) return null;
  return isEmpty(current.zendesk) ? 'pms' : 'zendesk';
}
