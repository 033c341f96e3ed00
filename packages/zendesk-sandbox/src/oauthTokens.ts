import { randomBytes } from 'node:crypto';
import type { Fields } from './model';
import { isoSeconds } from './text';

/** `opaque`: 32 characters, as documented; `jwt`: for clients with enforced expiry (NangoHQ/nango#6775). */
export type TokenShape = 'opaque' | 'jwt';

/** https://developer.zendesk.com/api-reference/ticketing/oauth/oauth_tokens/ ; times in milliseconds. */
export interface OAuthToken {
  id: number;
  value: string;
  clientId: number;
  userId: number;
  scopes: readonly string[];
  createdAt: number;
  usedAt: number | null;
  /** When the token expires; null for never. */
  endsAt: number | null;
  /** The reported expiry, which a switch can make wrong. */
  promisedEnd: number | null;
}

/** The number of characters of a token that the API shows after its creation (tokens-ref). */
const SHOWN_OF_TOKEN = 10;

/** The valid tokens. A new token does not revoke earlier ones (community 4627188332186). */
export class OAuthTokens {
  private readonly byValue = new Map<string, OAuthToken>();
  private lastId = 0;

  constructor(
    private readonly clock: () => number,
    private readonly baseUrl: () => string,
  ) {}

  add(given: Omit<OAuthToken, 'id' | 'value' | 'createdAt' | 'usedAt'>, shape: TokenShape): OAuthToken {
    const id = (this.lastId += 1);
    const token = { ...given, id, value: newValue(shape), createdAt: this.clock(), usedAt: null };
    this.byValue.set(token.value, token);
    return token;
  }

  /** @returns null if the token is unknown, revoked or expired */
  use(value: string): OAuthToken | null {
    const token = this.byValue.get(value);
    if (!token || !this.lives(token)) return null;
    token.usedAt = this.clock();
    return token;
  }

  /** The valid tokens. */
  list(): OAuthToken[] {
    return [...this.byValue.values()].filter((token) => this.lives(token));
  }

  /** At once and for good. https://developer.zendesk.com/documentation/api-basics/authentication/revoking-oauth-token/ */
  revoke(which: (token: OAuthToken) => boolean): number {
    const ended = this.list().filter(which);
    for (const { value } of ended) this.byValue.delete(value);
    return ended.length;
  }

  /** @param skewMs the account's clock minus the true time */
  shown(token: OAuthToken, skewMs: number): Fields {
    const time = (ms: number | null) => (ms === null ? null : isoSeconds(Math.floor((ms + skewMs) / 1000)));
    return {
      id: token.id,
      url: `${this.baseUrl()}/oauth/tokens/${token.id}.json`,
      client_id: token.clientId,
      user_id: token.userId,
      scopes: token.scopes,
      token: token.value.slice(0, SHOWN_OF_TOKEN),
      created_at: time(token.createdAt),
      expires_at: time(token.promisedEnd),
      used_at: time(token.usedAt),
    };
  }

  private lives({ endsAt }: OAuthToken): boolean {
    return endsAt === null || endsAt > this.clock();
  }
}

function newValue(shape: TokenShape): string {
  if (shape === 'opaque') return randomBytes(32).toString('hex');
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { jti: randomBytes(16).toString('hex'), filler: randomBytes(400).toString('hex') };
  return `${part({ alg: 'RS256', typ: 'at+jwt' })}.${part(claims)}.${randomBytes(256).toString('base64url')}`;
}
