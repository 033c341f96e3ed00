import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Fields, Ticket, User } from '../model';
import { notFound, parseRequest } from '../refusal';
import { isArchived } from '../rules/archive';
import type { Store } from '../store';
import { shownAudit } from '../tickets/ticketAudits';
import { idOf, listing, queryOf, textOfPath, type Context } from './context';
import { ticketListing } from './ticketLists';

const textBody = z.looseObject({ text: z.string().optional() }).nullish();

type People = 'collaborator_ids' | 'follower_ids' | 'email_cc_ids';
const people = (ticket: Ticket, key: People) => (ticket[key] ?? []) as number[];
/** Whether a ticket is one of a person's, by the name in the path. */
const ROLES: Record<string, (ticket: Ticket, userId: number) => boolean> = {
  requested: (ticket, id) => ticket.requester_id === id,
  assigned: (ticket, id) => ticket.assignee_id === id,
  ccd: (ticket, id) =>
    people(ticket, 'email_cc_ids').includes(id) || people(ticket, 'collaborator_ids').includes(id),
  followed: (ticket, id) => people(ticket, 'follower_ids').includes(id),
};

/**
 * Rule 57 [D Z:tickets]: the tickets of a person, an organization or a problem, and the people of a ticket. Lists omit
 * archived tickets.
 * https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/
 */
export function relatedTicketRoutes(api: FastifyInstance, context: Context): void {
  personRoutes(api, context);
  organizationRoutes(api, context);
  problemRoutes(api, context);
  ticketPeople(api, context);
  auditRoutes(api, context);
}

/** The tickets of lists, which omit archived ones. */
const listed = ({ tickets, store }: Context): Ticket[] =>
  tickets.live().filter((ticket) => !isArchived(store, ticket));

const counted = (store: Store, found: readonly Ticket[]): Fields => ({
  count: { value: found.length, refreshed_at: store.now() },
});

function personRoutes(api: FastifyInstance, context: Context): void {
  const { users, agents, store, actor } = context;
  const list = ticketListing(context);
  const ofPerson = (userId: number, role: string): Ticket[] => {
    const isOf = ROLES[role];
    if (!isOf) throw notFound();
    return listed(context).filter((ticket) => isOf(ticket, userId));
  };

  api.get('/users/:id/tickets/:role', async (request) =>
    list(request, ofPerson(users.get(idOf(request)).id, textOfPath(request, 'role'))),
  );
  api.get('/users/:id/tickets/:role/count', async (request) =>
    counted(store, ofPerson(users.get(idOf(request)).id, textOfPath(request, 'role'))),
  );
  // Only the agent interface counts, not the API; here it is `POST /_sandbox/agents/edits`.
  api.get('/tickets/recent', async (request) => {
    const found = agents.recent(actor(request).id).flatMap((id) => store.tickets.get(id) ?? []);
    return list(
      request,
      found.filter(({ status }) => status !== 'deleted'),
    );
  });
  // https://developer.zendesk.com/api-reference/ticketing/users/users/#show-user-related-information
  api.get('/users/:id/related', async (request) => {
    const { id } = users.get(idOf(request));
    return {
      user_related: {
        assigned_tickets: ofPerson(id, 'assigned').length,
        requested_tickets: ofPerson(id, 'requested').length,
        ccd_tickets: ofPerson(id, 'ccd').length,
        // The sandbox has no subscriptions.
        organization_subscriptions: 0,
      },
    };
  });
}

function organizationRoutes(api: FastifyInstance, context: Context): void {
  const { organizations, store } = context;
  const list = ticketListing(context);
  const ofOrganization = (id: number) => listed(context).filter((ticket) => ticket.organization_id === id);
  api.get('/organizations/:id/tickets', async (request) =>
    list(request, ofOrganization(organizations.get(idOf(request)).id)),
  );
  api.get('/organizations/:id/tickets/count', async (request) =>
    counted(store, ofOrganization(organizations.get(idOf(request)).id)),
  );
  // https://developer.zendesk.com/api-reference/ticketing/organizations/organizations/#show-organizations-related-information
  api.get('/organizations/:id/related', async (request) => {
    const { id } = organizations.get(idOf(request));
    const members = store.memberships.list({ organizationId: id });
    return {
      organization_related: { tickets_count: ofOrganization(id).length, users_count: members.length },
    };
  });
}

function problemRoutes(api: FastifyInstance, context: Context): void {
  const { tickets, store } = context;
  const list = ticketListing(context);
  const problems = () =>
    listed(context)
      .filter(({ type }) => type === 'problem')
      .sort((a, b) => b.updated_at.localeCompare(a.updated_at));

  api.get('/tickets/:id/incidents', async (request) => {
    const found = store.incidentsOf(tickets.get(idOf(request)).id);
    return list(
      request,
      found.filter((ticket) => !isArchived(store, ticket)),
    );
  });
  api.get('/problems', async (request) => list(request, problems()));
  api.post('/problems/autocomplete', async (request) => {
    const inBody = parseRequest(textBody, request.body)?.text;
    const text = (inBody ?? queryOf(request)['text'] ?? '').toLowerCase();
    const found = problems().filter(({ subject }) => (subject ?? '').toLowerCase().includes(text));
    return list(request, found);
  });
  // The sandbox has no topics, no Jira links and no follow-up tickets.
  api.get('/tickets/:id/related', async (request): Promise<Fields> => {
    const ticket = tickets.get(idOf(request));
    return {
      topic_id: null,
      jira_issue_ids: [],
      followup_source_ids: [],
      from_archive: isArchived(store, ticket),
      incidents: store.incidentsOf(ticket.id).length,
    };
  });
}

function ticketPeople(api: FastifyInstance, context: Context): void {
  const { tickets, users, store } = context;
  const list = listing(context);
  const paths = [
    ['collaborators', 'collaborator_ids'],
    ['followers', 'follower_ids'],
    ['email_ccs', 'email_cc_ids'],
  ] as const;
  for (const [path, key] of paths)
    api.get(`/tickets/:id/${path}`, async (request) => {
      const ids = people(tickets.get(idOf(request)), key);
      const found = ids.flatMap((id): User[] => {
        const user = store.users.get(id);
        return user ? [user] : [];
      });
      return list(request, 'users', found, (user) => users.shown(user));
    });
}

/** https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_audits/#show-audit */
function auditRoutes(api: FastifyInstance, { tickets, store }: Context): void {
  const audits = (id: number) => store.audits.get(tickets.get(id).id) ?? [];
  api.get('/tickets/:id/audits/count', async (request) => ({
    count: { value: audits(idOf(request)).length, refreshed_at: store.now() },
  }));
  api.get('/tickets/:id/audits/:audit', async (request) => {
    const audit = audits(idOf(request)).find(({ id }) => id === idOf(request, 'audit'));
    if (!audit) throw notFound();
    return { audit: shownAudit(store, audit) };
  });
}
