import type { LinkStore } from '../links/linkStore';
import { apiTokenDaysLeft, apiTokenNotice } from '../systems/zendesk/apiTokens';

/** How long the API token still works that the workers sign in to Zendesk with. */
export interface ApiTokenState {
  daysLeft: number;
  /** One line for a person, with what to do. */
  notice: string;
}

/** Null where the workers use an OAuth client. Without a call of Zendesk, and without the credential itself. */
export async function apiTokenState(
  { identities }: Pick<LinkStore, 'identities'>,
  now: Date,
): Promise<ApiTokenState | null> {
  const users = await identities.all('zendesk');
  if (!users.some(({ by, until }) => by === 'apiToken' && until === null)) return null;
  const daysLeft = apiTokenDaysLeft(now);
  return { daysLeft, notice: apiTokenNotice(daysLeft) };
}
