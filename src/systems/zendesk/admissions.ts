import { LRUCache } from 'lru-cache';
import { textOf } from '../../sync/values';
import type { BulkCreate } from '../bulkWrites';
import type { Membership } from './zendeskMemberships';
import type { ZendeskTickets } from './zendeskTickets';

/** The organizations that the API's own user was made a member of, or could not be made one of. */
const TRIED = { max: 20_000, ttl: 60 * 60_000 };

/**
 * Makes the requesters of many new tickets members of the tickets' organizations (zendesk-rules.md rule 17): once for
 * each requester and organization, with one job for a hundred of them.
 */
export class Admissions {
  private readonly tried = new LRUCache<string, true>(TRIED);

  constructor(private readonly tickets: Pick<ZendeskTickets, 'admit'>) {}

  /**
   * Admits the API's own user, who is the requester of tickets without one, before the tickets are sent: it is a member
   * of no organization that was just created. Other requesters usually are members, so that only a refusal shows who
   * is not.
   */
  async ofOwnTickets(items: readonly BulkCreate[]): Promise<void> {
    const own = items.filter(
      ({ values }) => (values['requester'] ?? null) === null && !this.tried.has(organizationOf({ values })),
    );
    await this.of(own);
    for (const item of own) this.tried.set(organizationOf(item), true);
  }

  /** @returns for each ticket, whether its requester is a member now; null if it has no organization */
  async of(items: readonly BulkCreate[]): Promise<(Membership | null)[]> {
    const byMembership = new Map<string, BulkCreate>();
    for (const item of items) if (organizationOf(item) !== '') byMembership.set(membershipOf(item), item);
    const results = await this.tickets.admit([...byMembership.values()]);
    const memberships = new Map([...byMembership.keys()].map((key, place) => [key, results[place]]));
    return items.map((item) => memberships.get(membershipOf(item)) ?? null);
  }
}

/** '' if the ticket has none. */
const organizationOf = ({ values }: Pick<BulkCreate, 'values'>): string => {
  const { organization_id: organization = null } = values;
  return organization === null ? '' : textOf(organization);
};

const membershipOf = ({ values }: Pick<BulkCreate, 'values'>): string =>
  JSON.stringify([values['requester'] ?? null, values['organization_id'] ?? null]);
