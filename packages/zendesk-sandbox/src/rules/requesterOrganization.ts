import type { Ticket, User } from '../model';
import { invalid } from '../refusal';
import type { Store } from '../store';

/**
 * Rule 17 [D Z:tickets]: a ticket's organization is one of the requester's. It is not documented whether another
 * organization is refused or ignored; the switch `foreignOrganization` chooses it. A new ticket without an organization
 * gets the requester's default, and so does a ticket whose new requester is no member of its organization [?].
 * @param given the requested organization; undefined if the request names none
 * @throws Refusal 422
 */
export function organizationOf(
  store: Store,
  before: Ticket,
  after: Ticket,
  given: number | null | undefined,
  newRequester: User | undefined,
): number | null {
  const { foreignOrganization: rule } = store.rules;
  const isNew = before.requester_id === null;
  const requester = newRequester ?? (after.requester_id === before.requester_id ? undefined : null);
  const user = requester === undefined ? store.users.get(before.requester_id ?? 0) : requester;
  const own = user ? store.memberships.organizationsOf(user.id) : [];
  const current = before.organization_id;
  const kept = () => {
    if (isNew) return user?.organization_id ?? null;
    const stays = requester === undefined || rule === 'kept' || (current !== null && own.includes(current));
    return stays ? current : (user?.organization_id ?? null);
  };
  if (given === undefined) return kept();
  if (given === null) return null;
  const organization = store.organizations.get(given);
  if (!organization || organization.deleted_at !== null)
    throw invalid('organization', 'Organization: is not valid', 'InvalidValue');
  if (rule === 'kept' || own.includes(given) || given === current) return given;
  if (rule === 'ignored') return kept();
  throw invalid('organization', 'Organization: is not one of the requester’s', 'InvalidValue');
}
