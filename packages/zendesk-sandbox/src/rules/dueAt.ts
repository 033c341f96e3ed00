import type { Ticket } from '../model';
import { invalid } from '../refusal';
import { isoSeconds, secondsOf } from '../text';
import type { TicketBody } from '../tickets/ticketBody';
import type { Rules } from './switches';

/**
 * Rule 16 [D OAS]: `due_at` belongs to `type: task`. The answer to a write for another type is not documented; the switch
 * `dueAtOnOtherType` chooses it.
 */
export function dueAtOf(after: Ticket, { due_at: given }: TicketBody, rules: Rules): string | null {
  const before = (after['due_at'] ?? null) as string | null;
  const wanted = given === undefined ? before : given === null ? null : isoSeconds(secondsOf(given));
  if (wanted === null || after['type'] === 'task' || rules.dueAtOnOtherType === 'kept') return wanted;
  if (given != null && rules.dueAtOnOtherType === 'refused')
    throw invalid('due_at', 'Due at: only tasks have one', 'InvalidValue');
  return null;
}
