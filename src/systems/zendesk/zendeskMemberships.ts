import { chunks } from '../chunks';
import { AlreadyExists } from '../errors';
import type { Answer, Request } from '../http';
import { Jobs, isTaken } from './jobs';
import { IDS_PER_CALL, type ZendeskCalls } from './zendeskCalls';

/**
 * `member`: it exists already. `maybe`: Zendesk refuses it in other words; the documentation does not list the answers, so
 * that it may exist, or the person has as many as are allowed.
 */
export type Membership = 'joined' | 'member' | 'maybe' | 'refused';

/** A membership to create. */
export interface Wanted {
  userId: number;
  organizationId: string;
}

/** The additional expected status: the API's user has no right to change people. */
const FORBIDDEN = 403;

/**
 * Makes people members of organizations, because a ticket's organization must be one of the requester's organizations
 * (zendesk-rules.md rule 17). The `organization_id` of an existing person is never set, because that would remove the
 * person's other memberships (rule 25).
 */
export class ZendeskMemberships {
  private readonly jobs: Jobs;

  constructor(private readonly calls: ZendeskCalls) {
    this.jobs = new Jobs(calls.http);
  }

  /**
   * https://developer.zendesk.com/api-reference/ticketing/organizations/organization_memberships/#create-membership
   *
   * @throws RetryLater
   */
  async join(wanted: Wanted): Promise<Membership> {
    const path = '/api/v2/organization_memberships';
    const body = { organization_membership: bodyOf(wanted) };
    return meaningOf(await this.calls.attempt({ method: 'POST', path, body }, [FORBIDDEN]));
  }

  /**
   * Creates up to a hundred memberships with one job.
   * https://developer.zendesk.com/api-reference/ticketing/organizations/organization_memberships/#create-many-memberships
   *
   * @returns one result for each, in their order
   * @throws RetryLater
   */
  async joinAll(all: readonly Wanted[]): Promise<Membership[]> {
    const results: Membership[] = [];
    // A job takes two calls.
    for (const some of chunks(all, IDS_PER_CALL))
      results.push(...(some[0] && some.length === 1 ? [await this.join(some[0])] : await this.job(some)));
    return results;
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
    const request: Request = { method: 'POST', path: '/api/v2/users', body };
    return (await this.calls.attempt(request, [FORBIDDEN])).status < 300;
  }

  private async job(some: readonly Wanted[]): Promise<Membership[]> {
    const path = '/api/v2/organization_memberships/create_many';
    const body = { organization_memberships: some.map(bodyOf) };
    const request: Request = { method: 'POST', path, body };
    const answer = await this.calls.attempt(request, [FORBIDDEN]);
    if (answer.status >= 300) return some.map(() => meaningOf(answer));
    const results = await this.jobs.results(request, answer.body, some.length);
    return results.map((result) =>
      result.id !== null ? 'joined' : result.error instanceof AlreadyExists ? 'member' : 'maybe',
    );
  }
}

const bodyOf = ({ userId, organizationId }: Wanted) => ({
  user_id: userId,
  organization_id: Number(organizationId),
});

function meaningOf({ status, body }: Answer): Membership {
  if (status < 300) return 'joined';
  if (status !== 422) return 'refused';
  return isTaken(JSON.stringify(body)) ? 'member' : 'maybe';
}
