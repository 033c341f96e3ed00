import type { Lies } from 'pms-sandbox';
import type { CallCount, FaultInput } from 'zendesk-sandbox/common';
import { exchange } from './http';

/**
 * The control plane of a sandbox, over HTTP (`/_sandbox/…`): tests set faults and count calls.
 * Every method throws if the sandbox refuses.
 */
export class SandboxControls {
  /** @param sandbox its address, without a path */
  constructor(private readonly sandbox: { url: string }) {}

  /** Replaces the fault rules. */
  async setFaults(...rules: FaultInput[]): Promise<void> {
    await this.ask('PUT', 'faults', rules);
  }

  async clearFaults(): Promise<void> {
    await this.ask('DELETE', 'faults');
  }

  /** @returns the number of calls that each kind of fault affected since the start or {@link resetStats} */
  async struck(): Promise<Record<string, number>> {
    return ((await this.ask('GET', 'faults')) as { struck: Record<string, number> }).struck;
  }

  /** @returns all calls answered since the start or {@link resetStats} */
  async calls(): Promise<CallCount[]> {
    return ((await this.ask('GET', 'stats')) as { calls: CallCount[] }).calls;
  }

  async resetStats(): Promise<void> {
    await this.ask('POST', 'stats/reset');
  }

  /** PMS only. @returns a token of the person, who is created if the address is unknown */
  async tokenOf(person: { email: string; name: string }): Promise<string> {
    return ((await this.ask('POST', 'tokens', person)) as { token: string }).token;
  }

  /** PMS only: replaces the ways in which the sandbox breaks its contract. @returns all ways, set or not */
  async setLies(lies: Partial<Lies>): Promise<Lies> {
    return (await this.ask('PUT', 'lies', lies)) as Lies;
  }

  /** Zendesk only: sets switches of its OAuth server. */
  async setOAuth(switches: Record<string, unknown>): Promise<void> {
    await this.ask('PUT', 'oauth', switches);
  }

  /** Zendesk only: changes an OAuth client. */
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

/** @returns the controls of a sandbox */
export function controlsOf(sandbox: { url: string }): SandboxControls {
  return new SandboxControls(sandbox);
}
