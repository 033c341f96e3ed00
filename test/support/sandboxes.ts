import path from 'node:path';
import { startPmsSandbox, type PmsSandbox, type PmsSandboxOptions } from 'pms-sandbox';
import {
  NO_LIMITS,
  startZendeskSandbox,
  type ZendeskSandbox,
  type ZendeskSandboxOptions,
} from 'zendesk-sandbox';
import { controlsOf, send, type Body } from 'testkit';
import type { RateBudgets } from '../../src/systems/budget/rateBudgets';
import { checkMapping, loadMapping } from '../../src/config/loadMapping';
import { loadProfile } from '../../src/config/loadProfile';
import type { Mapping } from '../../src/sync/mapping';
import type { Side } from '../../src/sync/record';
import type { ApiCall } from '../../src/systems/http';
import type { SystemPort } from '../../src/systems/port';
import { profileSystem, type PmsConnection } from '../../src/systems/profile/profileSystem';
import { zendeskSystem } from '../../src/systems/zendesk/zendeskSystem';
import type { ZendeskAuth } from '../../src/systems/zendesk/zendeskAuth';

/** Both sandboxes with an adapter to each, and plain HTTP for actions of people. */
export interface Sandboxes {
  zendesk: ZendeskSandbox;
  pms: PmsSandbox;
  systems: Record<Side, SystemPort>;
  mapping: Mapping;
  /** Calls of the adapters, latest last. */
  calls: ApiCall[];
  /** Acts as an agent of Zendesk. @returns the answer's body */
  zd(method: string, path: string, body?: unknown): Promise<Body>;
  /** Acts as a person of the PMS. */
  pm(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Body>;
  close(): Promise<void>;
}

export const MAPPING_FILE = path.resolve(__dirname, '../../mapping.yaml');

/** How the service signs in to a sandbox. */
export function serviceAuth({ clientId, clientSecret }: ZendeskSandbox): ZendeskAuth {
  return { by: 'oauth', clientId, secret: () => clientSecret };
}

/** The same credentials as settings. */
export function serviceSignIn({ clientId, clientSecret }: ZendeskSandbox): Record<string, string> {
  return { ZENDESK_OAUTH_CLIENT_ID: clientId, ZENDESK_OAUTH_CLIENT_SECRET: clientSecret };
}

/** The credentials of a person. */
export function bearerOf(zendesk: ZendeskSandbox, email = 'ann@sandbox.example'): { authorization: string } {
  return { authorization: `Bearer ${zendesk.bearer(email)}` };
}

/** Parsed once, because a file starts sandboxes for each of its tests. */
let contract: PmsConnection['profile'] | undefined;

/** A PMS that keeps the contract. */
export function contractSystem(connection: Omit<PmsConnection, 'profile'>): SystemPort {
  contract ??= loadProfile('contract');
  return profileSystem({ profile: contract, ...connection });
}

export async function startSandboxes(
  options: {
    zendesk?: ZendeskSandboxOptions;
    pms?: PmsSandboxOptions;
    mapping?: Mapping;
    fileLimitBytes?: number;
    /** The time limit of the adapters' requests; by default short, so that a test of a lost answer is fast. */
    timeoutMs?: number;
    /** Keeps the adapters to the rates; without it, calls are sent at once. */
    budgets?: RateBudgets;
  } = {},
): Promise<Sandboxes> {
  // Ids are part of workflow ids, and test files share a Temporal server.
  const idsAfter = Math.floor(Math.random() * 1e9);
  const zendesk = await startZendeskSandbox({
    idsAfter,
    ...NO_LIMITS,
    ...options.zendesk,
  });
  const pms = await startPmsSandbox({ idsAfter, rateLimitPerMinute: 100_000, ...options.pms });
  const { timeoutMs = 2_000 } = options;
  const calls: ApiCall[] = [];
  // Signing in writes no record.
  const onCall = (call: ApiCall) => {
    if (call.path !== '/oauth/tokens') calls.push(call);
  };
  const files = {
    ...(options.fileLimitBytes !== undefined && { fileLimitBytes: options.fileLimitBytes }),
  };
  const budgetOf = (side: Side) => options.budgets && { budget: options.budgets.of(side) };
  const systems = {
    zendesk: zendeskSystem({
      baseUrl: zendesk.url,
      auth: serviceAuth(zendesk),
      timeoutMs,
      attachmentHosts: zendesk.fileUrl === null ? [] : [zendesk.fileUrl],
      ...files,
      ...budgetOf('zendesk'),
      onCall,
    }),
    pms: contractSystem({
      baseUrl: pms.url,
      token: pms.token,
      timeoutMs,
      ...files,
      ...budgetOf('pms'),
      onCall,
    }),
  };
  const mapping = await checkMapping(options.mapping ?? loadMapping(MAPPING_FILE), systems, 'mapping.yaml');
  const pat = await controlsOf(pms).tokenOf({ email: 'pat@pms.example', name: 'Pat' });
  return {
    zendesk,
    pms,
    systems,
    mapping,
    calls,
    zd: (method, at, body) => send(`${zendesk.url}/api/v2${at}`, method, bearerOf(zendesk), body),
    pm: (method, at, body, headers) =>
      send(`${pms.url}/api/v1${at}`, method, { authorization: `Bearer ${pat}`, ...headers }, body),
    async close() {
      await zendesk.close();
      await pms.close();
    },
  };
}
