import type { z } from 'zod';
import type { ZendeskAuth } from '../systems/zendesk/auth';

/** Which of the two ways to sign in to Zendesk the settings choose. */

export type SignInSetting =
  'zendeskOauthClientId' | 'zendeskOauthClientSecret' | 'zendeskEmail' | 'zendeskApiToken';

/** Each way takes two settings; an OAuth client is what is asked for where neither is there. */
export function checkSignIn(
  settings: Partial<Record<SignInSetting, string | undefined>>,
  context: z.RefinementCtx,
): void {
  const { zendeskOauthClientId, zendeskOauthClientSecret, zendeskEmail, zendeskApiToken } = settings;
  const miss = (setting: SignInSetting, message: string) =>
    context.addIssue({ code: 'custom', path: [setting], message });
  if (zendeskOauthClientId !== undefined && zendeskOauthClientSecret === undefined)
    miss('zendeskOauthClientSecret', 'expected the secret of that OAuth client');
  else if (zendeskOauthClientId === undefined && zendeskOauthClientSecret !== undefined)
    miss('zendeskOauthClientId', 'expected the Identifier of the OAuth client whose secret is given');
  else if (zendeskOauthClientId === undefined && zendeskApiToken === undefined && zendeskEmail === undefined)
    miss('zendeskOauthClientId', 'expected the Identifier of an OAuth client (docs/zendesk.md)');
  else if (zendeskOauthClientId === undefined && zendeskApiToken === undefined)
    miss('zendeskApiToken', 'expected an API token, or better an OAuth client: ZENDESK_OAUTH_CLIENT_ID');
  else if (zendeskOauthClientId === undefined && zendeskEmail === undefined)
    miss('zendeskEmail', 'expected the e-mail address of the user whose API token is given');
}

/** An OAuth client wins over an API token, so that both may be given while an account is migrated. */
export function signInOf(given: {
  clientId: string | undefined;
  readSecret: () => string;
  scopes: string | undefined;
  email: string | undefined;
  token: string | undefined;
}): ZendeskAuth {
  const { clientId, readSecret, scopes, email = '', token = '' } = given;
  if (clientId === undefined) return { by: 'apiToken', email, token };
  return { by: 'oauth', clientId, secret: readSecret, scopes };
}
