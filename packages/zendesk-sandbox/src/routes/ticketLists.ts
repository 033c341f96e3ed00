import type { FastifyRequest } from 'fastify';
import { includesOf, sideloads } from '../exports/sideloads';
import type { Fields, Ticket } from '../model';
import { sortedTickets } from '../rules/sorting';
import { listing, queryOf, type Context } from './context';

/**
 * Answers with a page of tickets, sorted (rule 62), and with what `include` asks for (rule 63).
 * https://developer.zendesk.com/documentation/ticketing/using-the-zendesk-api/side_loading/
 */
export function ticketListing(context: Context) {
  const list = listing(context);
  const shown = shownTickets(context);
  return (request: FastifyRequest, found: readonly Ticket[]): Fields => {
    const page = list(request, 'tickets', sortedTickets(context.store, found, queryOf(request)));
    return { ...page, ...shown(request, page['tickets'] as Ticket[]) };
  };
}

/** One ticket, with what `include` asks for. */
export function oneTicket(context: Context) {
  const shown = shownTickets(context);
  return (request: FastifyRequest, ticket: Ticket): Fields => {
    const { tickets, ...more } = shown(request, [ticket]);
    return { ticket: tickets[0], ...more };
  };
}

function shownTickets({ tickets, store }: Context) {
  return (request: FastifyRequest, own: readonly Ticket[]): Fields & { tickets: Fields[] } => {
    const query = queryOf(request);
    const { lists, ofTicket } = sideloads(store, own, query);
    const isCounted = includesOf(query).includes('comment_count');
    const show = (ticket: Ticket): Fields => ({
      ...tickets.shown(ticket),
      ...ofTicket(ticket),
      ...(isCounted && { comment_count: tickets.comments.of(ticket.id).length }),
    });
    return { ...lists, tickets: own.map(show) };
  };
}
