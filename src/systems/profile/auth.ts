import { z } from 'zod';
import type { Credential, HttpClient, Request } from '../http';
import type { Profile } from './schema';

/** How a system wants to be told who asks. */

export interface Secrets {
  /** Token, password, key or client secret. */
  token: string;
  /** Name of a user, or of an OAuth client. */
  user: string | null;
}

/** @param tokens where OAuth tokens are asked for: the same host, without a credential of its own */
export function credentialOf(
  auth: Profile['auth'],
  { token, user }: Secrets,
  tokens: HttpClient,
): Credential {
  switch (auth.by) {
    case 'bearer':
      return fixed({ authorization: `Bearer ${token}` });
    case 'basic':
      return fixed({ authorization: basic(user ?? '', token) });
    case 'header':
      return fixed({ [auth.name.toLowerCase()]: token });
    case 'oauth2': {
      const form = new URLSearchParams({
        grant_type: 'client_credentials',
        ...(auth.scope !== undefined && { scope: auth.scope }),
      });
      // RFC 6749, 2.3.1: both are encoded as in a form before they are joined.
      const authorization = basic(encodeURIComponent(user ?? ''), encodeURIComponent(token));
      return new ClientCredentials(tokens, {
        method: 'POST',
        path: auth.token,
        form,
        headers: { authorization },
      });
    }
  }
}

/** Whether a way to authenticate needs a name besides its secret. */
export function needsUser({ by }: Profile['auth']): boolean {
  return by === 'basic' || by === 'oauth2';
}

function fixed(headers: Record<string, string>): Credential {
  return { headers: async () => headers, renew: () => false };
}

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

const grantSchema = z.looseObject({
  access_token: z.string(),
  token_type: z.string().regex(/^bearer$/i, 'expected a bearer token'),
  expires_in: z.number().optional(),
});
/** A token is not used in the last tenth of its life: the call takes some time, too. */
const USED_MS_PER_SECOND = 900;

/** OAuth 2.0 client credentials (RFC 6749, 4.4): one token for all calls until it ends or is refused. */
class ClientCredentials implements Credential {
  private token: Promise<{ value: string; endsAt: number }> | null = null;

  constructor(
    private readonly http: HttpClient,
    private readonly request: Request,
  ) {}

  async headers(): Promise<Record<string, string>> {
    const held = this.asked();
    let token = await held;
    if (token.endsAt <= Date.now()) {
      if (this.token === held) this.token = null;
      token = await this.asked();
    }
    return { authorization: `Bearer ${token.value}` };
  }

  renew(): boolean {
    this.token = null;
    return true;
  }

  /** Once for all who ask at the same time. */
  private asked(): Promise<{ value: string; endsAt: number }> {
    if (this.token) return this.token;
    const asked = this.ask();
    asked.catch(() => {
      if (this.token === asked) this.token = null;
    });
    return (this.token = asked);
  }

  private async ask(): Promise<{ value: string; endsAt: number }> {
    const { body } = await this.http.send(this.request);
    const { access_token: value, expires_in: seconds } = this.http.parse(grantSchema, this.request, body);
    const endsAt = seconds === undefined ? Infinity : Date.now() + seconds * USED_MS_PER_SECOND;
    return { value, endsAt };
  }
}
