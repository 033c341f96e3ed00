import { basicHeader, fixedCredential, type Credential } from '../credential';
import { HttpClient, type HttpOptions } from '../http';
import { ClientCredentials } from '../oauth';
import type { Profile } from './profileSchema';

/** Authentication, as the profile defines it. */

export interface Secrets {
  /** A token, password, API key or client secret. */
  token: string;
  /** Reads the current client secret. Without it, `token` is used. */
  readToken?: (() => string) | undefined;
  /** The name of a user, or the id of an OAuth client. */
  user: string | null;
  /** Reads the current refresh token; only for the grant `refresh_token`. */
  readRefreshToken?: (() => string) | undefined;
}

/** @param http options of the system's HTTP client without credential and rate, for requests of OAuth tokens */
export function credentialOf(
  auth: Profile['auth'],
  { token, readToken, user, readRefreshToken }: Secrets,
  http: Omit<HttpOptions, 'auth' | 'rate'>,
): Credential {
  switch (auth.by) {
    case 'bearer':
      return fixedCredential({ authorization: `Bearer ${token}` });
    case 'basic':
      return fixedCredential({ authorization: basicHeader(user ?? '', token) });
    case 'header':
      return fixedCredential({ [auth.name.toLowerCase()]: token });
    case 'query':
      return {
        ...fixedCredential({}),
        query: async () => ({
          ...(auth.user !== undefined && { [auth.user]: user ?? '' }),
          [auth.param]: token,
        }),
      };
    case 'oauth2': {
      const { baseUrl, path } = tokenEndpoint(auth.token, http.baseUrl);
      return new ClientCredentials({
        http: new HttpClient({ ...http, baseUrl }),
        path,
        clientId: user ?? '',
        secret: readToken ?? (() => token),
        scope: auth.scope,
        send: auth.client === 'form' ? 'form' : 'basic',
        refreshToken: needsRefreshToken(auth) ? (readRefreshToken ?? (() => '')) : undefined,
        settings: {
          client: 'PMS_USER',
          clientIs: "the client's id",
          secret: 'PMS_TOKEN',
          scope: 'auth.scope of the profile',
          address: 'PMS_BASE_URL, auth.token of the profile',
          refreshToken: 'PMS_REFRESH_TOKEN',
        },
      });
    }
  }
}

/** A path is on the system's own host; a full URL may name any host. */
function tokenEndpoint(token: string, own: string): { baseUrl: string; path: string } {
  if (token.startsWith('/')) return { baseUrl: own, path: token };
  const { origin, pathname, search } = new URL(token);
  return { baseUrl: origin, path: `${pathname}${search}` };
}

export function needsRefreshToken(auth: Profile['auth']): boolean {
  return auth.by === 'oauth2' && auth.grant === 'refresh_token';
}

/** Query parameters that hold a secret. */
export function secretParamsOf(auth: Profile['auth']): readonly string[] {
  return auth.by === 'query' ? [auth.param, ...(auth.user === undefined ? [] : [auth.user])] : [];
}

/** Whether an authentication method needs a user or client id besides the secret. */
export function needsUser(auth: Profile['auth']): boolean {
  return auth.by === 'basic' || auth.by === 'oauth2' || (auth.by === 'query' && auth.user !== undefined);
}
