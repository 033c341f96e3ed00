import { invalid } from '../refusal';
import type { Rules } from './switches';

/**
 * Rule 19 [D H:4959212269210]: a ticket never goes back to `new`. The answer to such a request is not documented; the
 * switch `statusNew` chooses it. `closed` is accepted, and final [R CSA].
 */
export function checkStatus<T extends string>(before: string, wanted: T, rules: Rules): T | string {
  if (wanted !== 'new' || before === 'new' || rules.statusNew === 'kept') return wanted;
  if (rules.statusNew === 'ignored') return before;
  throw invalid('status', 'Status: new is not valid for an existing ticket', 'InvalidValue');
}
