import { basicHeader, errorOf, fixedCredential, type Credential } from '../credential';
import { HttpClient, type ApiCall } from '../http';
import { ClientCredentials, missingScopes, type Grant } from '../oauth';
import { apiTokenDaysLeft, apiTokenNotice } from './apiTokens';

/**
 * Authentication with Zendesk.
 * https://developer.zendesk.com/api-reference/introduction/security-and-auth/
 */

export type ZendeskAuth =
  | {
      /** Client credentials: the token acts as the user that the OAuth client belongs to. */
      by: 'oauth';
      /** The client's Identifier, not its number. */
      clientId: string;
      /** Read at every mint. */
      secret: () => string;
      /** Separated by spaces; {@link SERVICE_SCOPES} if not given. */
      scopes?: string | undefined;
    }
  /** Accepted by Zendesk until 2027-04-30. The token acts as the user with this address. */
  | { by: 'apiToken'; email: string; token: string };

/**
 * The least that a sync needs. Ticket fields, organization fields, searches, jobs, audits and ticket events have no scope
 * of their own: they need the broad `read`.
 * https://developer.zendesk.com/api-reference/ticketing/oauth/oauth_tokens/#scopes
 */
export const SERVICE_SCOPES = 'read tickets:write users:write organizations:write ticket_attachments:write';
/** The scopes that `webhooks install` and `webhooks remove` need. */
export const WEBHOOK_SCOPES = `${SERVICE_SCOPES} webhooks:write`;

/** The scopes that `verify` needs: it acts as people do, and removes the records that it created. */
export const VERIFY_SCOPES = 'read write';

const TOKENS_PATH = '/oauth/tokens';
/**
 * The requested lifetime of a token, in seconds. Zendesk allows 300 to 172,800; this is the default for clients that were
 * created since 2026-04-30.
 * https://developer.zendesk.com/api-reference/ticketing/oauth/grant_type_tokens/
 */
const TOKEN_SECONDS = 1_800;

const OAUTH_SETTINGS = {
  client: 'ZENDESK_OAUTH_CLIENT_ID',
  clientIs: "the client's Identifier, not its number",
  secret: 'ZENDESK_OAUTH_CLIENT_SECRET',
  scope: 'ZENDESK_OAUTH_SCOPES',
  address: 'ZENDESK_SUBDOMAIN (or ZENDESK_BASE_URL)',
};

/** The explanation of a 401 that remains after a new token was requested. */
const TOKEN_REFUSED = `its access token is refused; check that the user whom the client of ${OAUTH_SETTINGS.client} belongs to is active and has kept the role`;

export interface ZendeskSignIn {
  baseUrl: string;
  auth: ZendeskAuth;
  /** The scopes to request if `auth` names none; {@link SERVICE_SCOPES} if not given. */
  scopes?: string;
  timeoutMs?: number;
  onCall?: (call: ApiCall) => void;
  onGrant?: (grant: Grant) => void;
  now?: () => Date;
}

/** A credential, and the explanation of its refusals for messages. */
export interface SignedIn {
  auth: Credential;
  /** The settings that hold it. */
  credential: string;
  explainRefusal(status: number, body: unknown, isOfOne: boolean): string | null;
}

export function zendeskCredential(signIn: ZendeskSignIn): SignedIn {
  const { auth, now = () => new Date() } = signIn;
  if (auth.by === 'apiToken') {
    return {
      auth: fixedCredential({ authorization: basicHeader(`${auth.email}/token`, auth.token) }),
      credential: 'ZENDESK_EMAIL and ZENDESK_API_TOKEN',
      explainRefusal: (status) =>
        status === 401 && apiTokenDaysLeft(now()) === 0 ? apiTokenNotice(0) : null,
    };
  }
  let notGranted: string[] = [];
  const onGrant = (grant: Grant) => {
    notGranted = missingScopes(grant);
    signIn.onGrant?.(grant);
  };
  return {
    auth: clientCredentials({ ...signIn, onGrant }, auth),
    credential: `${OAUTH_SETTINGS.client} and ${OAUTH_SETTINGS.secret}`,
    explainRefusal: (status, body, isOfOne) =>
      status === 403 ? explainForbidden(body, notGranted, isOfOne) : TOKEN_REFUSED,
  };
}

function clientCredentials(
  { baseUrl, scopes, timeoutMs, onCall, onGrant }: ZendeskSignIn,
  auth: ZendeskAuth & { by: 'oauth' },
): Credential {
  const http = new HttpClient({
    side: 'zendesk',
    name: 'Zendesk',
    baseUrl,
    headers: {},
    credential: `${OAUTH_SETTINGS.client} and ${OAUTH_SETTINGS.secret}`,
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(onCall && { onCall }),
  });
  return new ClientCredentials({
    http,
    path: TOKENS_PATH,
    clientId: auth.clientId,
    secret: auth.secret,
    scope: auth.scopes ?? scopes ?? SERVICE_SCOPES,
    expiresIn: TOKEN_SECONDS,
    send: 'json',
    settings: OAUTH_SETTINGS,
    onGrant,
  });
}

/**
 * A 403 for a missing scope lists scopes, one of which is needed. Any other 403 concerns the user's role or the plan.
 * zendesk-oauth.md section 3; singer-io/tap-zendesk has both shapes.
 */
function explainForbidden(body: unknown, notGranted: readonly string[], isOfOne: boolean): string | null {
  const { description } = (body ?? {}) as Record<string, unknown>;
  const words = typeof description === 'string' ? description : '';
  const scopes = errorOf(body) === 'Forbidden' && /scopes?: ([a-z_:, ]+)/.exec(words)?.[1]?.trim();
  if (!scopes && isOfOne) return null;
  if (!scopes)
    return `the user whom the client of ${OAUTH_SETTINGS.client} belongs to may not do this: expected an administrator, on a plan that has it`;
  const left = notGranted.length > 0 ? ` (asked for and not granted: ${notGranted.join(' ')})` : '';
  const wanted = scopes.replaceAll(', ', ' or ');
  return `the token lacks the scope ${wanted}${left}; add it to ${OAUTH_SETTINGS.scope}, and to the client's allowed scopes where it has any`;
}

/** A line if Zendesk granted fewer scopes than requested, as it does for unknown names; otherwise null. */
export function scopeNotice(grant: Grant): string | null {
  const missing = missingScopes(grant);
  if (missing.length === 0) return null;
  return `Zendesk did not grant ${missing.join(' ')}: what needs it will be answered 403; check the names in ${OAUTH_SETTINGS.scope}, and the client's allowed scopes`;
}
