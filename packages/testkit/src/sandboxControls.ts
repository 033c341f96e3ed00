import type { Lies } from 'pms-sandbox';
import type { CallCount, FaultInput } from 'zendesk-sandbox/common';
import { exchange } from './http';

/**
 * The control plane of a sandbox, over HTTP (`/_sandbox/…`): how tests make it misbehave and count what was asked.
 * Every method throws where the sandbox refuses.
 */
export class SandboxControls {
  /** @param sandbox its address, without a path */
  constructor(private readonly sandbox: { url: string }) {}

  /** These rules in place of those that were set. */
  async setFaults(...rules: FaultInput[]): Promise<void> {
    await this.ask('PUT', 'faults', rules);
  }

  async clearFaults(): Promise<void> {
    await this.ask('DELETE', 'faults');
  }

  /** @returns how many calls each kind of fault has struck since the sandbox began, or since {@link resetStats} */
  async struck(): Promise<Record<string, number>> {
    return ((await this.ask('GET', 'faults')) as { struck: Record<string, number> }).struck;
  }

  /** @returns all calls answered since the sandbox began, or since {@link resetStats} */
  async calls(): Promise<CallCount[]> {
    return ((await this.ask('GET', 'stats')) as { calls: CallCount[] }).calls;
  }

  async resetStats(): Promise<void> {
    await this.ask('POST', 'stats/reset');
  }

  /** Of the PMS. @returns a token of that person, who is made known where nobody has that address */
  async tokenOf(person: { email: string; name: string }): Promise<string> {
    return ((await this.ask('POST', 'tokens', person)) as { token: string }).token;
  }

  /** Of the PMS: these ways to break its contract, in place of those that were set. @returns all ways, set or not */
  async setLies(lies: Partial<Lies>): Promise<Lies> {
    return (await this.ask('PUT', 'lies', lies)) as Lies;
  }

  /** Of Zendesk: switches of its OAuth server. */
  async setOAuth(switches: Record<string, unknown>): Promise<void> {
    await this.ask('PUT', 'oauth', switches);
  }

  /** Of Zendesk. */
  async changeOAuthClient(identifier: string, change: Record<string, unknown>): Promise<void> {
    await this.ask('PUT', `oauth/clients/${identifier}`, change);
  }

  private async ask(method: string, what: string, body?: unknown): Promise<unknown> {
    const { status, text } = await exchange(`${this.sandbox.url}/_sandbox/${what}`, { method, body });
    if (status < 200 || status > 299)
      throw new Error(`${this.sandbox.url}/_sandbox/${what} answered ${status}: ${text}`);
    return text === '' ? {} : JSON.parse(text);
  }
}

/** @returns the controls of a sandbox, for calls in passing */
export function controlsOf(sandbox: { url: string }): SandboxControls {
  return new SandboxControls(sandbox);
}
