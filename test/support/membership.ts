import type { ZendeskSandbox } from 'zendesk-sandbox';

/**
 * Makes a person a member of an organization, as the real Zendesk requires before a ticket of the person may be in it
 * (zendesk-rules.md rule 17). An unknown person becomes an end user.
 *
 * @param organization its id
 */
export function addMember(
  { store }: Pick<ZendeskSandbox, 'store'>,
  organization: number,
  { email = 'ann@sandbox.example', name }: { email?: string; name?: string } = {},
): void {
  const { id } = store.personOf(email, name);
  if (!store.memberships.organizationsOf(id).includes(organization)) store.memberships.add(id, organization);
}
