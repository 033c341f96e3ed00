import type { Fields, Query, Ticket } from '../model';
import type { Store } from '../store';

const STATUSES = ['new', 'open', 'pending', 'hold', 'solved', 'closed'];
const PRIORITIES = ['low', 'normal', 'high', 'urgent'];

type Value = number | string;
type ValueOf = (record: Fields, store: Store) => Value;

const plain =
  (key: string): ValueOf =>
  ({ [key]: value }) =>
    typeof value === 'number' || typeof value === 'string' ? value : '';
const placeIn =
  (key: string, order: readonly string[]): ValueOf =>
  ({ [key]: value }) =>
    order.indexOf(String(value));
const nameBy =
  (key: string): ValueOf =>
  ({ [key]: id }, store) =>
    store.users.get(Number(id))?.name ?? '';

/** By `sort_by`, with paging by numbers. */
const OF_TICKETS: Record<string, ValueOf> = {
  id: plain('id'),
  subject: plain('subject'),
  created_at: plain('created_at'),
  updated_at: plain('updated_at'),
  status: placeIn('status', STATUSES),
  assignee: plain('assignee_id'),
  'assignee.name': nameBy('assignee_id'),
  requester: plain('requester_id'),
  'requester.name': nameBy('requester_id'),
  group: plain('group_id'),
};
/** By `sort`, with paging by cursors. */
const BY_CURSOR = ['id', 'status', 'updated_at'];
const OF_RESULTS: Record<string, ValueOf> = {
  created_at: plain('created_at'),
  updated_at: plain('updated_at'),
  priority: placeIn('priority', PRIORITIES),
  status: placeIn('status', STATUSES),
  ticket_type: plain('type'),
};

/**
 * Rule 62 [D Z:tickets]: `sort_by` and `sort_order` sort pages by numbers; pages by cursors ignore them (community post
 * 8403358233882) and are sorted by `sort`, such as `-updated_at`.
 * https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#list-tickets
 */
export function sortedTickets(store: Store, tickets: readonly Ticket[], query: Query): Ticket[] {
  const byCursor = Object.keys(query).some((key) => key.startsWith('page['));
  if (!byCursor) {
    const by = OF_TICKETS[query['sort_by'] ?? ''];
    return sorted(store, tickets, by, query['sort_order'] === 'desc');
  }
  const [, minus, key = ''] = /^(-?)(.*)$/.exec(query['sort'] ?? '') ?? [];
  return sorted(store, tickets, BY_CURSOR.includes(key) ? OF_TICKETS[key] : undefined, minus === '-');
}

/**
 * `sort_order` is `desc` by default; without `sort_by`, the order is that of relevance.
 * https://developer.zendesk.com/api-reference/ticketing/ticket-management/search/#list-search-results
 */
export function sortedResults(store: Store, results: readonly Fields[], query: Query): Fields[] {
  return sorted(store, results, OF_RESULTS[query['sort_by'] ?? ''], query['sort_order'] !== 'asc');
}

function sorted<T extends Fields>(
  store: Store,
  records: readonly T[],
  valueOf: ValueOf | undefined,
  isDown: boolean,
): T[] {
  if (!valueOf) return [...records];
  const compared = records.map((record) => ({ record, value: valueOf(record, store) }));
  compared.sort((a, b) => (isDown ? compare(b.value, a.value) : compare(a.value, b.value)));
  return compared.map(({ record }) => record);
}

const compare = (a: Value, b: Value): number =>
  typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b));
