import { z } from 'zod';
import type { User } from './model';
import { OAuthClients, type ClientChange, type OAuthClient } from './oauthClients';
import { grant, type Grant } from './oauthGrant';
import { OAuthTokens, type OAuthToken } from './oauthTokens';
import { Refusal } from './refusal';
import { isDemoted } from './roles';
import type { Store } from './store';

/** Variants of the account's OAuth: Zendesk sometimes behaves so, or its behaviour is not known. */
export const switchesSchema = z.strictObject({
  /** Answers omit `expires_in` although the request contains it. */
  omitExpiresIn: z.boolean(),
  /** The status of a grant: 200 was recorded, 201 is documented (zendesk-rules.md rule 2). */
  status: z.union([z.literal(200), z.literal(201)]),
  /** Whether a 401 comes with `WWW-Authenticate`, at the token endpoint and at the API. */
  challenge: z.boolean(),
  /** Whether the token endpoint reads credentials from HTTP Basic, too. */
  basicAuth: z.boolean(),
  tokenShape: z.enum(['opaque', 'jwt']),
  /** The real lifetime of new tokens, if it differs from the reported one; null: as reported. */
  endAfterSeconds: z.number().nonnegative().nullable(),
  /** The account's clock minus the true time. */
  clockSkewSeconds: z.number(),
  /** Whether a client still gets tokens after its owner was deleted, suspended or demoted; such tokens are invalid. */
  lostOwnerMints: z.boolean(),
});
export type OAuthSwitches = z.output<typeof switchesSchema>;

/** The client of the tokens of people in tests and demos. */
const PEOPLE = 'sandbox_people';

const USUAL: OAuthSwitches = {
  omitExpiresIn: false,
  status: 200,
  challenge: true,
  basicAuth: false,
  tokenShape: 'opaque',
  endAfterSeconds: null,
  clockSkewSeconds: 0,
  lostOwnerMints: false,
};

/** A successful grant, without its credentials. */
export interface Mint {
  tokenId: number;
  client: string;
  scopeAsked: string | null;
  scope: string;
  expiresInAsked: number | null;
  /** The `expires_in` of the answer; null if the answer has none. */
  expiresIn: number | null;
  contentType: string;
}

/** The faults of one grant. */
export interface TokenFaults {
  endAfterSeconds?: number;
  omitExpiresIn?: true;
}

export interface TokenRequest {
  body: unknown;
  authorization: string | undefined;
  contentType: string;
}

/** The account's OAuth clients and tokens, with the switches that tests set. */
export class OAuth {
  readonly clients: OAuthClients;
  readonly tokens: OAuthTokens;
  readonly mints: Mint[] = [];
  private current = USUAL;
  /** The tokens of people in tests and demos. */
  private readonly bearers = new Map<number, OAuthToken>();

  constructor(
    private readonly store: Store,
    private readonly clock: () => number,
  ) {
    this.clients = new OAuthClients(() => store.now(), store.baseUrl);
    this.tokens = new OAuthTokens(clock, store.baseUrl);
    // By Zendesk's staff in the comments on article 115004902188; for suspension, it is a guess.
    store.onUser = (user, before) => {
      if (!this.mayAct(user.id) || isDemoted(user, before)) this.destroyTokensOf(user.id);
    };
  }

  get switches(): Readonly<OAuthSwitches> {
    return this.current;
  }

  /** Sets the given switches. */
  set(switches: Partial<OAuthSwitches>): void {
    this.current = switchesSchema.parse({ ...this.current, ...switches });
  }

  /** @param identifier the sandbox's own client, if not given. @throws Refusal 404 */
  change(change: ClientChange, identifier?: string): void {
    this.clients.change(this.client(identifier).id, change);
  }

  /** @returns the new secret */
  rotateSecret(identifier?: string): string {
    return this.clients.rotateSecret(this.client(identifier).id).secret;
  }

  /** Ends all tokens of a client. @returns how many */
  revokeTokens(identifier?: string): number {
    const { id } = this.client(identifier);
    return this.tokens.revoke(({ clientId }) => clientId === id);
  }

  destroyTokensOf(userId: number): number {
    return this.tokens.revoke((token) => token.userId === userId);
  }

  /** Removes a client and its tokens. @throws Refusal 404 */
  removeClient(id: number): void {
    this.clients.remove(id);
    this.tokens.revoke(({ clientId }) => clientId === id);
  }

  /**
   * Answers the token endpoint. Without `expires_in` in the request the answer has none (NangoHQ/nango#6775); the
   * seconds come back one lower (zendesk-rules.md rule 2). There is no refresh token.
   * @throws Refusal 400, 401
   */
  mint({ body, authorization, contentType }: TokenRequest, faults: TokenFaults = {}): object {
    const { basicAuth, challenge, omitExpiresIn, lostOwnerMints, endAfterSeconds } = {
      ...this.current,
      ...faults,
    };
    const given = grant(body, authorization, {
      clients: this.clients,
      basicAuth,
      challenge,
      ownerActs: (userId) => lostOwnerMints || this.mayAct(userId),
    });
    const token = this.add(given, endAfterSeconds);
    const scope = given.scopes.join(' ');
    const told = omitExpiresIn || given.expiresInAsked === null ? null : given.expiresInAsked - 1;
    const { scopeAsked, expiresInAsked, client } = given;
    const asked = { client: client.identifier, scopeAsked, expiresInAsked, contentType };
    this.mints.push({ tokenId: token.id, ...asked, scope, expiresIn: told });
    return {
      access_token: token.value,
      token_type: 'bearer',
      scope,
      ...(told !== null && { expires_in: told }),
    };
  }

  /** @returns null if the token is unknown, expired or revoked, or if its user may no longer act */
  use(value: string): { token: OAuthToken; user: User } | null {
    const token = this.tokens.use(value);
    const user = token && this.store.users.get(token.userId);
    return token && user && this.mayAct(user.id) ? { token, user } : null;
  }

  /**
   * A token of an agent with all of the agent's rights; it does not expire.
   * @throws Error if no agent has this address
   */
  bearer(email: string): string {
    const user = this.store.userByEmail.get(email.toLowerCase());
    if (!user || !this.mayAct(user.id)) throw new Error(`${email}: found no agent of the sandbox with it`);
    const known = this.bearers.get(user.id);
    if (known && this.tokens.list().includes(known)) return known.value;
    // A separate client, so that people's tokens do not depend on the service's.
    const { id: clientId } =
      this.clients.byIdentifier(PEOPLE) ?? this.clients.add({ identifier: PEOPLE, userId: user.id });
    const rights = { userId: user.id, clientId, scopes: ['read', 'write'], endsAt: null, promisedEnd: null };
    const token = this.tokens.add(rights, 'opaque');
    this.bearers.set(user.id, token);
    return token.value;
  }

  private add({ client, scopes, lifeSeconds }: Grant, endAfterSeconds: number | null): OAuthToken {
    const { tokenShape } = this.current;
    const after = (seconds: number | null) => (seconds === null ? null : this.clock() + seconds * 1000);
    const real = endAfterSeconds ?? lifeSeconds;
    const { id: clientId, userId } = client;
    const rights = { clientId, userId, scopes };
    return this.tokens.add({ ...rights, endsAt: after(real), promisedEnd: after(lifeSeconds) }, tokenShape);
  }

  private mayAct(userId: number): boolean {
    return this.store.isAgent(userId) && this.store.users.get(userId)?.['suspended'] !== true;
  }

  private client(identifier?: string): OAuthClient {
    const client = identifier === undefined ? this.clients.list()[0] : this.clients.byIdentifier(identifier);
    if (!client)
      throw new Refusal(404, { error: 'RecordNotFound', description: `OAuth client "${identifier ?? ''}"` });
    return client;
  }
}
