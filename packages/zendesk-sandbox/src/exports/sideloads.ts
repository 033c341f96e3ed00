import { shownGroup } from '../groups';
import type { Fields, Query, Ticket } from '../model';
import type { Store } from '../store';
import { ticketMetrics } from '../tickets/ticketMetrics';

interface Sideloads {
  lists: Fields;
  /** The sideloads inside of a ticket. */
  ofTicket: (ticket: Ticket) => Fields;
}

/** Rule 34: `include=users,groups,organizations,metric_sets`; metric sets are both in a list and in each ticket. */
export function sideloads(store: Store, tickets: readonly Ticket[], query: Query): Sideloads {
  const names = (query['include'] ?? '').split(',');
  const ids = (...keys: string[]) => new Set(tickets.flatMap((ticket) => keys.map((key) => ticket[key])));
  const users = ids('requester_id', 'submitter_id', 'assignee_id');
  const organizations = ids('organization_id');
  const groups = ids('group_id');
  const metricSets = names.includes('metric_sets')
    ? tickets.map((ticket) => ticketMetrics(store, ticket))
    : [];
  const lists: Record<string, Fields[]> = {
    users: [...store.users.values()].filter(({ id }) => users.has(id)),
    organizations: [...store.organizations.values()].filter(({ id }) => organizations.has(id)),
    groups: store.groups
      .filter(({ id }) => groups.has(id))
      .map((each) => shownGroup(each, store.baseUrl())),
    metric_sets: metricSets,
  };
  return {
    lists: Object.fromEntries(Object.entries(lists).filter(([name]) => names.includes(name))),
    ofTicket: (ticket) => (names.includes('metric_sets') ? { metric_set: ticketMetrics(store, ticket) } : {}),
  };
}
