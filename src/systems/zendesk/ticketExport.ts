import type { HttpClient, Request } from '../http';
import { startTime } from './exportCursor';
import type { Position } from './ticketPosition';
import { ticketExport, type TicketExport } from './zendeskSchemas';

export const EXPORT = '/api/v2/incremental/tickets/cursor';

/**
 * A page of the ticket stream. A cursor that Zendesk refuses gives way to the time of the last page: what comes twice
 * brings no news.
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
