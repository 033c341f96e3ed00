import type { FastifyRequest } from 'fastify';
import type { Fields, User } from './model';
import type { OAuth } from './oauth';
import type { OAuthToken } from './oauthTokens';
import { Refusal } from './refusal';
import { checkRole } from './roles';
import { checkScopes } from './scopes';
import type { Store } from './store';

/** The account's API tokens. */
export interface ApiTokens {
  /** Whether the account accepts API tokens. */
  enabled: boolean;
  token: string;
}

interface Caller {
  user: User;
  /** Null: an API token, which has no scopes. */
  token: OAuthToken | null;
}
type Known = Caller | { refusal: Refusal; anonymous: boolean };

const API = '/api/v2';
const ME = `${API}/users/me`;

/** Authentication and authorization of calls. https://developer.zendesk.com/api-reference/introduction/security-and-auth/ */
export class Access {
  private readonly known = new WeakMap<FastifyRequest, Known>();

  constructor(
    private readonly store: Store,
    private readonly oauth: OAuth,
    private readonly apiTokens: ApiTokens,
  ) {}

  /** The user's address, for the call log. */
  nameOf(request: FastifyRequest): string {
    const known = this.knownBy(request);
    return 'user' in known ? (known.user.email ?? known.user.name) : 'nobody';
  }

  /** The language of refusals (rule 11); undefined for an anonymous caller. */
  localeOf(request: FastifyRequest): unknown {
    const known = this.knownBy(request);
    return 'user' in known ? known.user['locale'] : undefined;
  }

  /** @throws Refusal 401 */
  actor(request: FastifyRequest): User {
    return this.caller(request).user;
  }

  /** The token of a call. @throws Refusal 401; 404 if the call has none */
  token(request: FastifyRequest): OAuthToken {
    const { token } = this.caller(request);
    if (!token) throw new Refusal(404, { error: 'RecordNotFound', description: 'Not found' });
    return token;
  }

  /**
   * The caller, who may be anonymous: without credentials, or with a password, only this call is answered by 200
   * (zendesk-rules.md rule 3; blakmatrix/node-zendesk, `authentication_test_incorrect_token.json`). The null `id` is
   * tested by CSA, but in no recording.
   * @throws Refusal 401
   */
  me(request: FastifyRequest): Fields {
    const known = this.knownBy(request);
    if ('user' in known) return known.user;
    if (!known.anonymous) throw known.refusal;
    return { id: null, name: 'Anonymous user' };
  }

  /** Before the body is read. @throws Refusal 401; 403 for a missing scope */
  checkCredential(request: FastifyRequest): void {
    const url = request.routeOptions.url ?? '';
    const known = this.knownBy(request);
    if (!('user' in known)) {
      if (known.anonymous && request.method === 'GET' && url === ME) return;
      throw known.refusal;
    }
    if (known.token) checkScopes(known.token.scopes, request.method, url.slice(API.length));
  }

  /** Once the body is read. @throws Refusal 403 for a role that is too low */
  checkRole(request: FastifyRequest): void {
    const known = this.knownBy(request);
    if (!('user' in known)) return;
    checkRole(known.user, request.method, (request.routeOptions.url ?? '').slice(API.length), request.body);
  }

  private caller(request: FastifyRequest): Caller {
    const known = this.knownBy(request);
    if ('user' in known) return known;
    throw known.refusal;
  }

  /** Determined once per call, because the call itself may revoke the token. */
  private knownBy(request: FastifyRequest): Known {
    const known = this.known.get(request) ?? this.identify(request.headers.authorization ?? '');
    this.known.set(request, known);
    return known;
  }

  private identify(authorization: string): Known {
    const [scheme = '', secret = ''] = authorization.split(' ');
    if (/^bearer$/i.test(scheme)) return this.oauth.use(secret) ?? this.badToken();
    const refusal = new Refusal(401, { error: "Couldn't authenticate you" });
    if (!/^basic$/i.test(scheme)) return { refusal, anonymous: true };
    const [email = '', token] = Buffer.from(secret, 'base64').toString().split('/token:');
    // A password: they ended on 2026-01-12 (zendesk-oauth.md section 7).
    if (token === undefined) return { refusal, anonymous: true };
    const user = this.store.userByEmail.get(email.toLowerCase());
    const holds = this.apiTokens.enabled && token === this.apiTokens.token;
    return holds && user && this.store.isAgent(user.id)
      ? { user, token: null }
      : { refusal, anonymous: false };
  }

  /** Body and header: zenpy#463, zendesk_api_client_rb#297, Speedygeek/ZendeskApi#139. */
  private badToken(): Known {
    const description =
      'The access token provided is expired, revoked, malformed or invalid for other reasons.';
    const realm = 'Zendesk::OAuth Bearer Token Authentication';
    const challenge = `Bearer realm="${realm}", error="invalid_token", error_description="${description}"`;
    const headers = this.oauth.switches.challenge ? { 'www-authenticate': challenge } : {};
    const body = { error: 'invalid_token', error_description: description };
    return { refusal: new Refusal(401, body, headers), anonymous: false };
  }
}
