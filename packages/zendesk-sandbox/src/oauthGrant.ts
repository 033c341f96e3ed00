import { z } from 'zod';
import type { OAuthClient, OAuthClients } from './oauthClients';
import { Refusal } from './refusal';
import { grantedScopes } from './scopes';

/**
 * `POST /oauth/tokens`: https://developer.zendesk.com/api-reference/ticketing/oauth/grant_type_tokens/
 * Statuses, codes and texts of refusals: zendesk-oauth.md section 3; most texts are those of nov/rack-oauth2, as in
 * Zendesk.
 */

/** Both limits are allowed (CSA `_oauth`); an older version of the documentation excludes them. */
const EXPIRES_IN = { least: 300, most: 172_800 };
/** For clients made on or after 2026-04-30 (article 9182123625370). */
const DEFAULT_SECONDS = 1_800;

/** A form has only texts. A value of another type counts as absent, for instance a list of scopes. */
const parameter = z.union([z.string(), z.number().transform(String)]).optional();
const parameters = z.looseObject({
  grant_type: parameter.catch(undefined),
  client_id: parameter.catch(undefined),
  client_secret: parameter.catch(undefined),
  scope: parameter.catch(undefined),
  expires_in: parameter.catch(undefined),
});
type Parameters_ = z.output<typeof parameters>;

export interface Grant {
  client: OAuthClient;
  scopeAsked: string | null;
  scopes: readonly string[];
  expiresInAsked: number | null;
  /** Null: the token never expires. */
  lifeSeconds: number | null;
}

export interface GrantRules {
  clients: OAuthClients;
  /** Whether HTTP Basic is accepted; no client is known that uses it (section 2). */
  basicAuth: boolean;
  /** Whether a 401 comes with `WWW-Authenticate`. */
  challenge: boolean;
  /** Whether the owner of the client may still act. */
  ownerActs(this: void, userId: number): boolean;
}

/** @throws Refusal 400, 401 */
export function grant(body: unknown, authorization: string | undefined, rules: GrantRules): Grant {
  const given = parameters.catch({}).parse(body);
  if (rules.basicAuth) Object.assign(given, basicCredentials(authorization));
  if (given.grant_type === undefined) throw refused('invalid_request', "'grant_type' required.");
  const client = clientOf(given, rules);
  checkGrantType(given.grant_type, client);
  const expiresInAsked = expiresIn(given.expires_in);
  const scopeAsked = given.scope?.trim() === '' ? null : (given.scope ?? null);
  const scopes = grantedScopes(scopeAsked, client.allowedScopes);
  if (!scopes) {
    const text =
      'The requested scope is invalid, unknown, malformed, or exceeds the previously granted scope.';
    throw refused('invalid_scope', text);
  }
  const lifeSeconds = expiresInAsked ?? (client.isNew ? DEFAULT_SECONDS : null);
  return { client, scopeAsked, scopes, expiresInAsked, lifeSeconds };
}

/** Finds a client by its identifier; its numeric id is not accepted. */
function clientOf(
  { client_id: identifier, client_secret: secret }: Parameters_,
  rules: GrantRules,
): OAuthClient {
  if (identifier === undefined) throw refused('invalid_request', "'client_id' required.");
  const client = rules.clients.byIdentifier(identifier);
  // A public client has no secret; its grant is refused later, for any credentials.
  if (client && (client.kind === 'public' || client.secret === secret)) {
    // Whether a client outlives its owner is not known; section 4 says to make a new one.
    if (rules.ownerActs(client.userId)) return client;
  }
  const description =
    'The client identifier provided is invalid, the client failed to authenticate, the client did not include its ' +
    'credentials, provided multiple client credentials, or used unsupported credentials type.';
  const headers = rules.challenge ? { 'www-authenticate': 'Basic realm="OAuth2 Token Endpoint"' } : {};
  throw new Refusal(
    401,
    { error: 'invalid_client', error_description: description },
    { ...NOT_STORED, ...headers },
  );
}

/** Accepts only client credentials: the sandbox issues no codes or refresh tokens, so any is invalid. */
function checkGrantType(grantType: string, client: OAuthClient): void {
  if (grantType === 'refresh_token' || grantType === 'authorization_code')
    throw refused(
      'invalid_grant',
      'The provided access grant is invalid, expired, or revoked (e.g. invalid assertion, expired authorization ' +
        'token, bad end-user password credentials, or mismatching authorization code and redirection URI).',
    );
  if (grantType !== 'client_credentials')
    throw refused(
      'unsupported_grant_type',
      'The access grant included - its type or another attribute - is not supported by the authorization server.',
    );
  if (client.kind === 'public')
    throw refused(
      'unauthorized_client',
      'The authenticated client is not authorized to use the access grant type provided.',
    );
}

/** It is likely but not documented that a number out of range is a bad request. */
function expiresIn(given: string | undefined): number | null {
  if (given === undefined || given.trim() === '') return null;
  const seconds = Number(given);
  if (Number.isInteger(seconds) && seconds >= EXPIRES_IN.least && seconds <= EXPIRES_IN.most) return seconds;
  throw refused(
    'invalid_request',
    `'expires_in' must be between ${EXPIRES_IN.least} and ${EXPIRES_IN.most} seconds.`,
  );
}

function basicCredentials(authorization: string | undefined): Partial<Parameters_> {
  const [, encoded] = /^Basic (\S+)$/i.exec(authorization ?? '') ?? [];
  if (encoded === undefined) return {};
  const [id = '', secret = ''] = Buffer.from(encoded, 'base64').toString().split(':');
  return { client_id: decodeURIComponent(id), client_secret: decodeURIComponent(secret) };
}

/** What any answer of the endpoint has (nov/rack-oauth2). */
export const NOT_STORED = { 'cache-control': 'no-store', pragma: 'no-cache' };

const refused = (error: string, description: string): Refusal =>
  new Refusal(400, { error, error_description: description }, NOT_STORED);
