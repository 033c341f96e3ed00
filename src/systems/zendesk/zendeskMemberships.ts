import type { Request } from '../http';
import type { ZendeskCalls } from './zendeskCalls';

/** `maybe`: the person is a member already, or Zendesk refuses; the documentation does not distinguish the answers. */
export type Membership = 'joined' | 'maybe' | 'refused';

/** The additional expected status: the API's user has no right to change people. */
const FORBIDDEN = 403;

/**
 * Makes people members of organizations, because a ticket's organization must be one of the requester's organizations
 * (zendesk-rules.md rule 17). The `organization_id` of an existing person is never set, because that would remove the
 * person's other memberships (rule 25).
 */
export class ZendeskMemberships {
  constructor(private readonly calls: ZendeskCalls) {}

  /**
   * https://developer.zendesk.com/api-reference/ticketing/organizations/organization_memberships/#create-membership
   *
   * @throws RetryLater
   */
  async join(userId: number, organizationId: string): Promise<Membership> {
    const status = await this.statusOf({
      method: 'POST',
      path: '/api/v2/organization_memberships',
      body: { organization_membership: { user_id: userId, organization_id: Number(organizationId) } },
    });
    return status < 300 ? 'joined' : status === 422 ? 'maybe' : 'refused';
  }

  /**
   * Creates a person as a member of the organization, without a mail to the person.
   * https://developer.zendesk.com/api-reference/ticketing/users/users/#create-user
   *
   * @returns false if Zendesk refuses it
   * @throws RetryLater
   */
  async make(email: string, name: string, organizationId: string): Promise<boolean> {
    const user = { email, name, organization_id: Number(organizationId), role: 'end-user' };
    const body = { user: { ...user, skip_verify_email: true } };
    return (await this.statusOf({ method: 'POST', path: '/api/v2/users', body })) < 300;
  }

  private async statusOf(request: Request): Promise<number> {
    return (await this.calls.attempt(request, [FORBIDDEN])).status;
  }
}
