import type { Json, Side } from '../record';
import { isEmpty } from '../values';

/**
 * Rule: if two values meet for the first time and one of them is empty, the other one fills it. An empty value does not
 * count as a person's decision.
 *
 * @returns the side whose value counts for both; null if both or neither are empty, or if this is no first meeting
 */
export function filledFrom(base: Record<Side, Json> | null, current: Record<Side, Json>): Side | null {
  if (base !== null || isEmpty(current.zendesk) === isEmpty(current.pms)) return null;
  return isEmpty(current.zendesk) ? 'pms' : 'zendesk';
}
