import type { FastifyInstance } from 'fastify';
import type { Ticket } from '../model';
import { isArchived } from '../rules/archive';
import { ticketMetrics, ticketOfMetric } from '../tickets/ticketMetrics';
import { idOf, listing, queryOf, type Context } from './context';

/** What reports read: the metrics of tickets, and satisfaction ratings. */
export function reportRoutes(api: FastifyInstance, context: Context): void {
  metricRoutes(api, context);
  ratingRoutes(api, context);
}

/**
 * The documentation's example of one metric is a list; clients for the live API parse an object.
 * https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_metrics/
 */
function metricRoutes(api: FastifyInstance, context: Context): void {
  const { tickets, store } = context;
  const list = listing(context);
  const newestFirst = (a: Ticket, b: Ticket) => b.created_at.localeCompare(a.created_at) || b.id - a.id;
  api.get('/ticket_metrics', async (request) => {
    const found = tickets.live().filter((ticket) => !isArchived(store, ticket));
    return list(request, 'ticket_metrics', found.sort(newestFirst), (ticket) => ticketMetrics(store, ticket));
  });
  api.get('/ticket_metrics/:id', async (request) => ({
    ticket_metric: ticketMetrics(store, tickets.get(ticketOfMetric(idOf(request)))),
  }));
  api.get('/tickets/:id/metrics', async (request) => ({
    ticket_metric: ticketMetrics(store, tickets.get(idOf(request))),
  }));
}

/** https://developer.zendesk.com/api-reference/ticketing/ticket-management/satisfaction_ratings/ */
function ratingRoutes(api: FastifyInstance, context: Context): void {
  const { channels, store } = context;
  const list = listing(context);
  api.get('/satisfaction_ratings', async (request) =>
    list(request, 'satisfaction_ratings', channels.ratings.list(queryOf(request))),
  );
  api.get('/satisfaction_ratings/count', async () => ({
    count: { value: channels.ratings.list().length, refreshed_at: store.now() },
  }));
  api.get('/satisfaction_ratings/:id', async (request) => ({
    satisfaction_rating: channels.ratings.get(idOf(request)),
  }));
}
