import type { FastifyInstance } from 'fastify';
import { notFound } from '../refusal';
import { queryOf, textOfPath, type Context } from './context';

/** https://developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports/ */
export function exportRoutes(api: FastifyInstance, { exports, staleSeconds }: Context): void {
  api.get('/incremental/tickets/cursor', async (request) =>
    exports.ticketsByCursor(queryOf(request), staleSeconds(request)),
  );
  api.get('/incremental/tickets', async (request) =>
    exports.ticketsByTime(queryOf(request), staleSeconds(request)),
  );
  api.get('/incremental/organizations', async (request) =>
    exports.organizations(queryOf(request), staleSeconds(request)),
  );
  api.get('/incremental/users/cursor', async (request) =>
    exports.usersByCursor(queryOf(request), staleSeconds(request)),
  );
  api.get('/incremental/users', async (request) => exports.users(queryOf(request), staleSeconds(request)));
  api.get('/incremental/ticket_events', async (request) =>
    exports.ticketEvents(queryOf(request), staleSeconds(request)),
  );
  api.get('/incremental/:resource/sample', async (request) => {
    const sample = exports.sample(textOfPath(request, 'resource'), queryOf(request));
    if (!sample) throw notFound();
    return sample;
  });
}
