import type { z } from 'zod';
import type { ZendeskAuth } from '../systems/zendesk/zendeskAuth';

/** Chooses one of the two ways to sign in to Zendesk, by the settings. */

export type SignInSetting =
  'zendeskOauthClientId' | 'zendeskOauthClientSecret' | 'zendeskEmail' | 'zendeskApiToken';

type Given = Partial<Record<SignInSetting, string | undefined>>;

/** Each way needs two settings. If neither way is set, the message asks for an OAuth client. */
export function checkSignIn(settings: Given, context: z.RefinementCtx): void {
  const fault = signInFault(settings);
  if (fault) context.addIssue({ code: 'custom', path: [fault[0]], message: fault[1] });
}

/** The missing settings; null if one of the ways is complete. */
export function signInFault(settings: Given): [setting: SignInSetting, expected: string] | null {
  const { zendeskOauthClientId, zendeskOauthClientSecret, zendeskEmail, zendeskApiToken } = settings;
  if (zendeskOauthClientId !== undefined)
    return zendeskOauthClientSecret === undefined
      ? ['zendeskOauthClientSecret', 'expected the secret of that OAuth client']
      : null;
  if (zendeskOauthClientSecret !== undefined)
    return ['zendeskOauthClientId', 'expected the Identifier of the OAuth client whose secret is given'];
  if (zendeskApiToken === undefined && zendeskEmail === undefined)
    return ['zendeskOauthClientId', 'expected the Identifier of an OAuth client (docs/zendesk.md)'];
  if (zendeskApiToken === undefined)
    return ['zendeskApiToken', 'expected an API token, or better an OAuth client: ZENDESK_OAUTH_CLIENT_ID'];
  return zendeskEmail === undefined
    ? ['zendeskEmail', 'expected the e-mail address of the user whose API token is given']
    : null;
}

/** An OAuth client is preferred to an API token, so that both may be set while an account is migrated. */
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
