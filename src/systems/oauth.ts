import { z } from 'zod';
import { basicHeader, errorOf, type Credential } from './credential';
import { NeedsHuman, RetryLater } from './errors';
import type { Answer, HttpClient, Request } from './http';

/**
 * OAuth 2.0 client credentials (RFC 6749, 4.4), for Zendesk and for the `oauth2` of a profile; for a profile, also
 * refresh tokens (section 6). Each process requests its own token and keeps it in memory. Several tokens may be valid
 * at a time.
 */

/** The grant of a token endpoint, without the token. */
export interface Grant {
  /** The requested scopes; empty if none were requested. */
  asked: readonly string[];
  /** The granted scopes; null if the answer does not name them. */
  granted: readonly string[] | null;
  /** The assumed lifetime of the token in seconds. */
  seconds: number;
}

export interface ClientCredentialsOptions {
  /** A client of the token endpoint's host, without a credential of its own. */
  http: HttpClient;
  path: string;
  clientId: string;
  /** Read at every token request, so that a replaced secret is used without a restart. */
  secret: () => string;
  /** Separated by spaces. */
  scope?: string | undefined;
  /** The requested lifetime in seconds (`expires_in`); absent if the server has no such parameter. */
  expiresIn?: number;
  /** `json`: client and secret in a JSON body; `basic`: in the header, with a form; `form`: in the form. */
  send: 'json' | 'basic' | 'form';
  /** The refresh token, if access is granted by one and not to the client itself; read at every token request. */
  refreshToken?: (() => string) | undefined;
  /**
   * Names of the settings of client, secret, scopes and address, for messages; `clientIs`: what the client's setting
   * expects.
   */
  settings: {
    client: string;
    clientIs: string;
    secret: string;
    scope: string;
    address: string;
    refreshToken?: string;
  };
  /** Called with every grant, which may have fewer scopes than requested. */
  onGrant?: ((grant: Grant) => void) | undefined;
  /** A monotonic clock, in milliseconds. */
  clock?: () => number;
}

const grantSchema = z.looseObject({
  access_token: z.string().min(1),
  token_type: z.string().regex(/^bearer$/i, 'expected a bearer token'),
  expires_in: z.number().positive().nullish(),
  scope: z.string().nullish(),
  refresh_token: z.string().min(1).nullish(),
});

/** The longest assumed lifetime of a token if the answer has none. */
const UNTOLD_SECONDS = 600;
/**
 * The next token is requested this part of the lifetime, and at least this time, before the end of the present one …
 */
const RENEWED_EARLY = 0.15;
const RENEWED_EARLY_MS = 60_000;
/** … but not before half of a short lifetime. */
const LATEST_SHARE = 0.5;
/** A token is not used in the last part of its lifetime, because a call in progress at its end would be refused. */
const LAST_USE_MS = 2_000;
const BACK_OFF_MS = 1_000;
const LONGEST_BACK_OFF_MS = 60_000;
/** If a token is refused within this time, this counts as a failed token request, and delays the next one. */
const SHORT_LIVED_MS = 30_000;
/**
 * Every status below 500 that is no success, except 429. They are handled here, because their texts are not passed on.
 */
const REFUSALS = Array.from({ length: 200 }, (_, n) => 300 + n).filter((status) => status !== 429);

interface Token {
  value: string;
  mintedAt: number;
  renewAt: number;
  endsAt: number;
}

export class ClientCredentials implements Credential {
  private token: Token | null = null;
  private minting: Promise<Token> | null = null;
  /** Successive token requests that failed. */
  private failures = 0;
  /** Successive tokens that were refused soon after they were granted. */
  private shortLived = 0;
  private failure: Error | null = null;
  private notBefore = 0;
  /**
   * The configured refresh token that was last used, and the one that replaces it, if the system has issued another.
   */
  private refresh: { configured: string; latest: string } | null = null;
  private readonly clock: () => number;

  constructor(private readonly options: ClientCredentialsOptions) {
    this.clock = options.clock ?? (() => performance.now());
  }

  async headers(): Promise<Record<string, string>> {
    const { value } = await this.current();
    return { authorization: `Bearer ${value}` };
  }

  refused(sent: Readonly<Record<string, string>>): boolean {
    const { token } = this;
    // Another call may have replaced it meanwhile.
    if (!token || sent['authorization'] !== `Bearer ${token.value}`) return true;
    this.token = null;
    this.shortLived = this.clock() - token.mintedAt < SHORT_LIVED_MS ? this.shortLived + 1 : 0;
    // The first refusal does not count as a failure: the token may have been revoked.
    if (this.shortLived > 1) this.holdBack(this.refusedAtOnce(), this.shortLived - 1);
    return true;
  }

  private refusedAtOnce(): NeedsHuman {
    const { client } = this.options.settings;
    return new NeedsHuman(
      'unauthorized',
      `${this.call}: tokens are refused as soon as they are granted; check that the user whom the client of ${client} belongs to is active and has kept the role`,
    );
  }

  private get call(): string {
    const { http, path } = this.options;
    return `${http.name} POST ${path}`;
  }

  /** A valid token. All callers share one token request. */
  private async current(): Promise<Token> {
    const now = this.clock();
    const { token } = this;
    if (token && now < token.renewAt) return token;
    const isAlive = token !== null && now < token.endsAt;
    if (!this.minting && now < this.notBefore) {
      if (isAlive) return token;
      throw this.heldBack(now);
    }
    const minting = (this.minting ??= this.mint());
    // While the present token is valid, calls do not wait for the next one, and its failure does not concern them.
    if (!isAlive) return minting;
    minting.catch(() => undefined);
    return token;
  }

  private async mint(): Promise<Token> {
    try {
      const token = await this.ask();
      this.token = token;
      this.failures = 0;
      this.notBefore = 0;
      return token;
    } catch (error) {
      this.failures += 1;
      this.holdBack(error instanceof Error ? error : new Error(String(error)), this.failures);
      throw error;
    } finally {
      this.minting = null;
    }
  }

  /** Delays the next token request, with a back-off. */
  private holdBack(failure: Error, inARow: number): void {
    const doubled = BACK_OFF_MS * 2 ** Math.min(inARow - 1, 10);
    const told = failure instanceof RetryLater ? (failure.options.retryAfterMs ?? 0) : 0;
    this.failure = failure;
    this.notBefore = this.clock() + Math.min(Math.max(doubled, told), LONGEST_BACK_OFF_MS);
  }

  /** The last failure, for calls that come before the next token request. */
  private heldBack(now: number): Error {
    const { failure } = this;
    if (failure instanceof RetryLater)
      return new RetryLater(failure.message, { unknownOutcome: false, retryAfterMs: this.notBefore - now });
    return failure ?? new Error('a mint is held back without a failure');
  }

  private async ask(): Promise<Token> {
    const { http, scope, expiresIn, onGrant } = this.options;
    const refreshToken = this.refreshToken();
    const request = grantRequest(this.options, this.readSecret(this.options.secret), refreshToken);
    // Measured from before the request, because the lifetime begins at the server.
    const mintedAt = this.clock();
    const answer = await http.send(request, REFUSALS).catch((error: unknown) => {
      throw this.notYet(error);
    });
    if (answer.status >= 300) {
      // Try the configured refresh token again: a person may have replaced it, or the latest one may have been lost.
      if (this.refresh) this.refresh.latest = this.refresh.configured;
      throw this.refusal(answer);
    }
    const grant = http.parse(grantSchema, request, answer.body);
    if (this.refresh && grant.refresh_token != null) this.refresh.latest = grant.refresh_token;
    const seconds = grant.expires_in ?? Math.min(expiresIn ?? UNTOLD_SECONDS, UNTOLD_SECONDS);
    onGrant?.({
      asked: words(scope),
      granted: grant.scope == null ? null : words(grant.scope),
      seconds,
    });
    return { value: grant.access_token, mintedAt, ...limitsOf(mintedAt, seconds * 1_000) };
  }

  /** Keeps a new refresh token in memory only, like access tokens. */
  private refreshToken(): string | null {
    const { refreshToken } = this.options;
    if (!refreshToken) return null;
    const configured = this.readSecret(refreshToken);
    if (this.refresh?.configured !== configured) this.refresh = { configured, latest: configured };
    return this.refresh.latest;
  }

  private readSecret(read: () => string): string {
    try {
      return read();
    } catch (error) {
      throw new NeedsHuman('unauthorized', error instanceof Error ? error.message : String(error));
    }
  }

  /** A failed token request has written nothing: the call that needed the token was not sent. */
  private notYet(error: unknown): unknown {
    if (!(error instanceof RetryLater)) return error;
    const { retryAfterMs } = error.options;
    const cure = `wait, or check ${this.options.settings.address} and the network`;
    return new RetryLater(`${error.message}; there is no access token until this call succeeds: ${cure}`, {
      unknownOutcome: false,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    });
  }

  /** An error without the server's text, because some servers repeat the request in it. */
  private refusal({ status, body }: Answer): NeedsHuman {
    const error = errorOf(body);
    const code = error !== null && /^[a-z_]{1,40}$/.test(error) ? error : null;
    return new NeedsHuman(
      'unauthorized',
      `${this.call}: answered ${status}${code === null ? '' : ` ${code}`}; there is no access token: ${this.cureOf(status, code)}`,
    );
  }

  private cureOf(status: number, code: string | null): string {
    const { settings, clientId, scope, refreshToken } = this.options;
    switch (code) {
      case 'invalid_grant':
        if (refreshToken)
          return `the refresh token of ${settings.refreshToken ?? 'the settings'} has ended or was used up; grant access again, and put the new one there`;
        return `check ${settings.client} and ${settings.secret}`;
      case 'invalid_client':
        return `check ${settings.client} (found ${shown(clientId)}, expected ${settings.clientIs}) and ${settings.secret}; the client may have been deleted, or its secret replaced`;
      case 'invalid_scope':
        return `asked for the scopes "${scope ?? ''}", expected only those that the client allows; allow them there, or ask for fewer by ${settings.scope}`;
      case 'unauthorized_client':
        return `the client of ${settings.client} may not use client credentials; expected a client of the kind Confidential`;
      default:
        return status === 404 || status < 400
          ? `nothing answers to this path there; check ${settings.address}`
          : `check ${settings.client} and ${settings.secret}`;
    }
  }
}

/** A hint for the message: client and secret are easily confused. */
function shown(clientId: string): string {
  return /^[\da-f]{40,}$/i.test(clientId) ? 'what looks like a secret' : `"${clientId}"`;
}

/** When the next token is requested, and until when this one is used. */
function limitsOf(mintedAt: number, life: number): { renewAt: number; endsAt: number } {
  const early = Math.min(Math.max(RENEWED_EARLY_MS, life * RENEWED_EARLY), life * LATEST_SHARE);
  return {
    renewAt: mintedAt + life - early,
    endsAt: mintedAt + life - Math.min(LAST_USE_MS, life * LATEST_SHARE),
  };
}

function grantRequest(
  { path, clientId, scope, expiresIn, send }: ClientCredentialsOptions,
  secret: string,
  refreshToken: string | null,
): Request {
  const grant = {
    ...(refreshToken === null
      ? { grant_type: 'client_credentials' }
      : { grant_type: 'refresh_token', refresh_token: refreshToken }),
    ...(scope !== undefined && scope !== '' && { scope }),
    ...(expiresIn !== undefined && { expires_in: expiresIn }),
  };
  if (send === 'json') {
    const body = { ...grant, client_id: clientId, client_secret: secret };
    return { method: 'POST', path, body };
  }
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(grant)) form.set(name, String(value));
  if (send === 'form') {
    form.set('client_id', clientId);
    form.set('client_secret', secret);
    return { method: 'POST', path, form };
  }
  // RFC 6749, 2.3.1: both are form-encoded before they are joined.
  const authorization = basicHeader(encodeURIComponent(clientId), encodeURIComponent(secret));
  return { method: 'POST', path, form, headers: { authorization } };
}

function words(text: string | undefined): string[] {
  return (text ?? '').split(/\s+/).filter((word) => word !== '');
}

/** The requested scopes that were not granted; empty if the answer does not name the granted ones. */
export function missingScopes({ asked, granted }: Grant): string[] {
  return granted === null ? [] : asked.filter((scope) => !granted.includes(scope));
}
