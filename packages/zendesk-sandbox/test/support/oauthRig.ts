import { NO_LIMITS, startZendeskSandbox, type ZendeskSandbox, type ZendeskSandboxOptions } from '../../src';
import { ZendeskApi, type Answer } from './zendeskApi';

export const START = Date.parse('2026-11-29T00:00:00Z');
export const ANN = 'ann@sandbox.example';
export const BOB = 'bob@sandbox.example';
export const INVALID_TOKEN =
  'The access token provided is expired, revoked, malformed or invalid for other reasons.';

export interface Granted {
  status: number;
  headers: Headers;
  body: {
    access_token: string;
    token_type: string;
    scope: string;
    expires_in?: number;
    error?: string;
    error_description?: string;
  };
}

/** Zendesk's OAuth over plain HTTP, with a separate sandbox for each test. */
export class OAuthRig {
  sandbox!: ZendeskSandbox;
  private now = START;

  async start(options: ZendeskSandboxOptions = { incrementalPerMinute: 1_000 }): Promise<void> {
    this.sandbox = await startZendeskSandbox({ ...NO_LIMITS, clock: () => this.now, ...options });
  }

  async restart(options: ZendeskSandboxOptions): Promise<void> {
    await this.sandbox.close();
    await this.start(options);
  }

  seconds(count: number): void {
    this.now += count * 1000;
  }

  rewind(): void {
    this.now = START;
  }

  usual(): Record<string, unknown> {
    const { clientId, clientSecret } = this.sandbox;
    return { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret };
  }

  async ask(body: string, headers: Record<string, string>): Promise<Granted> {
    const answer = await fetch(`${this.sandbox.url}/oauth/tokens`, { method: 'POST', headers, body });
    const text = await answer.text();
    const isJson = answer.headers.get('content-type')?.startsWith('application/json') === true;
    const { status, headers: answered } = answer;
    return { status, headers: answered, body: (isJson ? JSON.parse(text) : {}) as Granted['body'] };
  }

  mint(more: Record<string, unknown> = {}): Promise<Granted> {
    const body = JSON.stringify({ ...this.usual(), ...more });
    return this.ask(body, { 'content-type': 'application/json' });
  }

  mintForm(more: Record<string, string>, type = 'application/x-www-form-urlencoded'): Promise<Granted> {
    const form = new URLSearchParams({ ...(this.usual() as Record<string, string>), ...more });
    return this.ask(form.toString(), { 'content-type': type });
  }

  /** With a bearer token, other credentials, or none. */
  async call(method: string, path: string, authorization?: string, body?: unknown): Promise<Answer> {
    const headers: Record<string, string> = {
      ...(authorization !== undefined && { authorization }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    };
    const answer = await fetch(`${this.sandbox.url}/api/v2${path}`, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return {
      status: answer.status,
      headers: answer.headers,
      body: (text === '' ? {} : JSON.parse(text)) as Answer['body'],
    };
  }

  async by(more: Record<string, unknown> = {}): Promise<string> {
    return `Bearer ${(await this.mint(more)).body.access_token}`;
  }

  me(authorization?: string): Promise<Answer> {
    return this.call('GET', '/users/me', authorization);
  }

  control(method: string, path: string, body?: unknown): Promise<Answer> {
    return new ZendeskApi(this.sandbox).control(method, path, body);
  }
}

export function useOAuthSandbox(): OAuthRig {
  const rig = new OAuthRig();
  beforeEach(() => {
    rig.rewind();
    return rig.start();
  });
  afterEach(() => rig.sandbox.close());
  return rig;
}

export const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
export const refusal = ({ status, body }: Granted) => [status, body.error];
