import type { LinkStore } from '../links/linkStore';
import { apiTokenDaysLeft, apiTokenNotice } from '../systems/zendesk/apiTokens';

/** The end of the API token with which the workers sign in to Zendesk. */
export interface ApiTokenState {
  daysLeft: number;
  /** One line for the operator, with the fix. */
  notice: string;
}

/** Makes no call to Zendesk, and does not return the credential. @returns null if the workers use an OAuth client */
export async function apiTokenState(
  { identities }: Pick<LinkStore, 'identities'>,
  now: Date,
): Promise<ApiTokenState | null> {
  const users = await identities.all('zendesk');
  if (!users.some(({ by, until }) => by === 'apiToken' && until === null)) return null;
  const daysLeft = apiTokenDaysLeft(now);
  return { daysLeft, notice: apiTokenNotice(daysLeft) };
}
