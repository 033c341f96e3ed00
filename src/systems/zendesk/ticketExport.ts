import type { HttpClient, Request } from '../http';
import { startTime } from './exportCursor';
import type { Position } from './ticketPosition';
import { ticketExport, type TicketExport } from './zendeskSchemas';

export const EXPORT = '/api/v2/incremental/tickets/cursor';

/**
 * A page of the ticket stream. If Zendesk refuses the cursor, the stream is read from the time of the last page; the
 * caller skips changes that are returned twice.
 *
 * @param aiAgentTickets whether tickets that only an AI agent answers are among them
 */
export async function ticketPage(
  http: HttpClient,
  { cursor, since }: Position,
  aiAgentTickets: boolean,
): Promise<TicketExport> {
  const scope = aiAgentTickets ? { support_type_scope: 'all' } : {};
  if (cursor !== null) {
    const request: Request = { method: 'GET', path: EXPORT, query: { cursor, ...scope } };
    const answer = await http.send(request, [400]);
    if (answer.status !== 400) return http.parse(ticketExport, request, answer.body);
  }
  return http.get(ticketExport, EXPORT, { start_time: startTime(String(since)), ...scope });
}
