import { randomBytes } from 'node:crypto';
import type { Fields } from './model';
import { invalid, notFound } from './refusal';

export type ClientKind = 'public' | 'confidential';

/** https://developer.zendesk.com/api-reference/ticketing/oauth/oauth_clients/ */
export interface OAuthClient {
  id: number;
  /** The `client_id` of a grant; the numeric id is none (zendesk-oauth.md section 2). */
  identifier: string;
  name: string;
  secret: string;
  kind: ClientKind;
  /** The allowed scopes; null: any scope is allowed (letsencrypt/boulder#8745). */
  allowedScopes: readonly string[] | null;
  /** Created on or after 2026-04-30: its tokens expire after 1,800 s by default (article 9182123625370). */
  isNew: boolean;
  /** Its tokens act as this user. */
  userId: number;
  description: string | null;
  company: string | null;
  redirectUris: readonly string[];
  createdAt: string;
  updatedAt: string;
}

export interface NewClient {
  identifier: string;
  userId: number;
  name?: string;
  secret?: string;
  kind?: ClientKind;
  allowedScopes?: readonly string[] | null;
  isNew?: boolean;
  description?: string | null;
  company?: string | null;
  redirectUris?: readonly string[];
}
export type ClientChange = Partial<Omit<NewClient, 'secret'>>;

/** The number of characters of a secret that the API shows after its creation (article 4408845965210). */
const SHOWN_OF_SECRET = 9;

export class OAuthClients {
  private readonly clients = new Map<number, OAuthClient>();
  private lastId = 0;

  constructor(
    private readonly now: () => string,
    private readonly baseUrl: () => string,
  ) {}

  /** @throws Refusal 422 if the identifier is in use */
  add(given: NewClient): OAuthClient {
    this.checkUnique(given.identifier, null);
    const now = this.now();
    const client: OAuthClient = {
      name: given.identifier,
      secret: randomBytes(32).toString('hex'),
      // The default of Admin Center: zendesk/index-content-in-guide-action, README.
      kind: 'confidential',
      allowedScopes: null,
      isNew: true,
      description: null,
      company: null,
      redirectUris: [],
      ...given,
      id: (this.lastId += 1),
      createdAt: now,
      updatedAt: now,
    };
    this.clients.set(client.id, client);
    return client;
  }

  /** @throws Refusal 404, 422 */
  change(id: number, change: ClientChange): OAuthClient {
    if (change.identifier !== undefined) this.checkUnique(change.identifier, id);
    return this.put({ ...this.get(id), ...change, updatedAt: this.now() });
  }

  /**
   * The former secret becomes invalid at once; tokens stay valid. Neither is documented (zendesk-oauth.md section 1), so a
   * client must read its secret again for each grant. https://developer.zendesk.com/api-reference/ticketing/oauth/oauth_clients/#generate-secret
   */
  rotateSecret(id: number): OAuthClient {
    const secret = randomBytes(32).toString('hex');
    return this.put({ ...this.get(id), secret, updatedAt: this.now() });
  }

  remove(id: number): void {
    this.get(id);
    this.clients.delete(id);
  }

  /** @throws Refusal 404 */
  get(id: number): OAuthClient {
    const client = this.clients.get(id);
    if (!client) throw notFound();
    return client;
  }

  byIdentifier(identifier: string): OAuthClient | null {
    return this.list().find((client) => client.identifier === identifier) ?? null;
  }

  list(): OAuthClient[] {
    return [...this.clients.values()];
  }

  /**
   * The client as the API returns it, without the allowed scopes, as the name of that key is not known.
   * @param whole includes the whole secret, like the answer to its creation
   */
  shown(client: OAuthClient, whole = false): Fields {
    const { id, identifier, name, kind, company, description } = client;
    return {
      id,
      url: `${this.baseUrl()}/oauth/clients/${id}.json`,
      identifier,
      name,
      kind,
      company,
      description,
      redirect_uri: client.redirectUris,
      secret: whole ? client.secret : client.secret.slice(0, SHOWN_OF_SECRET),
      user_id: client.userId,
      global: false,
      logo_url: null,
      created_at: client.createdAt,
      updated_at: client.updatedAt,
    };
  }

  private put(client: OAuthClient): OAuthClient {
    this.clients.set(client.id, client);
    return client;
  }

  private checkUnique(identifier: string, own: number | null): void {
    const holder = this.byIdentifier(identifier);
    if (holder && holder.id !== own)
      throw invalid('identifier', `Identifier: ${identifier} has already been taken`, 'DuplicateValue');
  }
}
