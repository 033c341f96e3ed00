import { shownGroup } from '../groups';
import type { Fields, Query, Ticket } from '../model';
import type { Store } from '../store';
import { ticketMetrics } from '../tickets/ticketMetrics';

interface Sideloads {
  lists: Fields;
  /** The sideloads inside of a ticket. */
  ofTicket: (ticket: Ticket) => Fields;
}

/** What a request asks to load beside its records. */
export const includesOf = ({ include = '' }: Query): string[] => include.split(',');

/**
 * Rules 34 and 63: `include=users,groups,organizations,metric_sets`; metric sets are both in a list and in each ticket.
 */
export function sideloads(store: Store, tickets: readonly Ticket[], query: Query): Sideloads {
  const names = includesOf(query);
  const ids = (...keys: string[]) => [
    ...new Set(tickets.flatMap((ticket) => keys.map((key) => Number(ticket[key] ?? 0)))),
  ];
  const lists: Record<string, () => Fields[]> = {
    users: () =>
      ids('requester_id', 'submitter_id', 'assignee_id').flatMap((id) => store.users.get(id) ?? []),
    organizations: () => ids('organization_id').flatMap((id) => store.organizations.get(id) ?? []),
    groups: () => {
      const wanted = ids('group_id');
      const found = store.groups.filter(({ id }) => wanted.includes(id));
      return found.map((each) => shownGroup(each, store.baseUrl()));
    },
    metric_sets: () => tickets.map((ticket) => ticketMetrics(store, ticket)),
  };
  const included = Object.entries(lists).filter(([name]) => names.includes(name));
  return {
    lists: Object.fromEntries(included.map(([name, list]) => [name, list()])),
    ofTicket: (ticket) => (names.includes('metric_sets') ? { metric_set: ticketMetrics(store, ticket) } : {}),
  };
}
