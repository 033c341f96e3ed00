import { shownGroup } from './groups';
import type { Fields, Query } from './model';
import { Refusal, badRequest, invalid } from './refusal';
import type { Store } from './store';

const RESULTS_AT_MOST = 1_000;

/**
 * A small part of the query language: `type:`, `property:value`, `property>time`, `-property:value` and words.
 * Unlike Zendesk's, this index has no lag.
 * https://developer.zendesk.com/api-reference/ticketing/ticket-management/search/
 */
export function search(store: Store, { query = '' }: Query): Fields[] {
  if (query.trim() === '') throw invalid('query', 'Query: cannot be blank', 'BlankValue');
  // eslint-disable-next-line regexp/no-super-linear-move -- a query is short: it is part of an address
  const terms = [...query.matchAll(/(-?)(?:([a-z_]+)(:|<=|>=|<|>))?(?:"([^"]*)"|(\S+))/gi)].map(
    ([, not, property, operator = '', quoted, word]) => ({
      not: not === '-',
      property: property?.toLowerCase(),
      operator,
      value: (quoted ?? word ?? '').toLowerCase(),
    }),
  );
  const type = terms.find((term) => term.property === 'type')?.value;
  const rest = terms.filter((term) => term.property !== 'type');
  const pools: Record<string, () => Fields[]> = {
    ticket: () => [...store.tickets.values()].filter((each) => each.status !== 'deleted'),
    organization: () => [...store.organizations.values()].filter((each) => each.deleted_at === null),
    user: () => [...store.users.values()].filter((each) => each.active),
    group: () => store.groups.map((each) => shownGroup(each, store.baseUrl())),
  };
  const found = Object.entries(pools)
    .filter(([name]) => type === undefined || type === name)
    .flatMap(([name, records]) =>
      records()
        .filter((record) => rest.every((term) => fits(record, term) !== term.not))
        .map((record) => ({ ...record, result_type: name })),
    );
  return found;
}

/**
 * Rule 51 [R CSA]: no cursor paging, and no page beyond 1,000 results.
 * @throws Refusal 400, 422
 */
export function checkSearchPage(query: Query): void {
  if (Object.keys(query).some((key) => key.startsWith('page[')))
    throw badRequest('InvalidValue', 'page must be an integer');
  const last = Number(query['page'] ?? 1) * Number(query['per_page'] ?? 100);
  if (last <= RESULTS_AT_MOST) return;
  throw new Refusal(422, {
    error: 'invalid',
    description: 'Invalid search: Requested response size was greater than Search Response Limits',
  });
}

const NAMES: Record<string, string> = {
  organization: 'organization_id',
  requester: 'requester_id',
  assignee: 'assignee_id',
  created: 'created_at',
  updated: 'updated_at',
};

function fits(
  record: Fields,
  { property, operator, value }: { property: string | undefined; operator: string; value: string },
) {
  if (property === undefined)
    return ['subject', 'description', 'name', 'email', 'details'].some((key) =>
      asText(record[key]).includes(value),
    );
  const found = record[NAMES[property] ?? property];
  if (Array.isArray(found)) return found.includes(value);
  if (operator !== ':') {
    const [left, right] = [Date.parse(asText(found)), Date.parse(value)];
    return operator.startsWith('<')
      ? left < right || (operator === '<=' && left === right)
      : left > right || (operator === '>=' && left === right);
  }
  return value === 'none' ? found == null : asText(found) === value;
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value.toLowerCase() : value == null ? '' : JSON.stringify(value);
}
