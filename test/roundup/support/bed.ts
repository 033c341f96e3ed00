import path from 'node:path';
import { NO_LIMITS, startZendeskSandbox } from 'zendesk-sandbox';
import { send, type Body } from 'testkit';
import type { Roundup } from '../../../apps/roundup/server';
import { checkMapping, loadMapping } from '../../../src/config/loadMapping';
import { loadProfile } from '../../../src/config/loadProfile';
import type { Mapping } from '../../../src/sync/mapping';
import type { Side } from '../../../src/sync/record';
import type { SystemPort } from '../../../src/systems/port';
import { profileSystem } from '../../../src/systems/profile/profileSystem';
import { zendeskSystem } from '../../../src/systems/zendesk/zendeskSystem';
import { addMember } from '../../support/membership';
import { bearerOf, serviceAuth, serviceSignIn } from '../../support/sandboxes';

/** The Zendesk sandbox, the Roundup that the test run started (globalSetup.ts), and an adapter to each. */
export interface Bed {
  systems: Record<Side, SystemPort>;
  mapping: Mapping;
  /** The settings for the two systems. */
  settings: Record<string, string>;
  /** Acts as an agent of Zendesk. */
  zd(method: string, path: string, body?: unknown): Promise<Body>;
  /** Makes the person, by default the agent, a member of the organization, so that they may have tickets in it. */
  addMember(organization: number, person?: { email?: string; name?: string }): void;
  /** Acts as the sync's own user of Roundup; an edit uses the present state as precondition. */
  rd(method: string, path: string, body?: unknown): Promise<Body>;
  /** Writes that the adapters sent so far. */
  writes: string[];
  close(): Promise<void>;
}

const MAPPING = path.resolve(__dirname, '../../../profiles/roundup.mapping.yaml');
const TIMEOUT_MS = 20_000;

export async function startBed(): Promise<Bed> {
  const roundup = started();
  const zendesk = await startZendeskSandbox({
    idsAfter: Math.floor(Math.random() * 1e9),
    ...NO_LIMITS,
  });
  const writes: string[] = [];
  const onCall = ({ side, method, path: at }: { side: Side; method: string; path: string }) =>
    void (method !== 'GET' && writes.push(`${side} ${method} ${at}`));
  const systems = {
    zendesk: zendeskSystem({
      baseUrl: zendesk.url,
      auth: serviceAuth(zendesk),
      timeoutMs: TIMEOUT_MS,
      attachmentHosts: [],
      onCall,
    }),
    pms: profileSystem({
      profile: loadProfile('roundup'),
      baseUrl: roundup.url,
      token: roundup.password,
      user: roundup.user,
      timeoutMs: TIMEOUT_MS,
      onCall,
    }),
  };
  return {
    systems,
    mapping: await checkMapping(loadMapping(MAPPING), systems, MAPPING),
    settings: {
      ZENDESK_BASE_URL: zendesk.url,
      ...serviceSignIn(zendesk),
      PMS_BASE_URL: roundup.url,
      PMS_USER: roundup.user,
      PMS_TOKEN: roundup.password,
      PMS_PROFILE: 'roundup',
      MAPPING_FILE: MAPPING,
    },
    addMember: (organization, person) => addMember(zendesk, organization, person),
    zd: (method, at, body) => send(`${zendesk.url}/api/v2${at}`, method, bearerOf(zendesk), body),
    rd: (method, at, body) => roundupCall(roundup, method, at, body),
    writes,
    close: () => zendesk.close(),
  };
}

async function roundupCall(roundup: Roundup, method: string, at: string, body?: unknown): Promise<Body> {
  const basic = Buffer.from(`${roundup.user}:${roundup.password}`).toString('base64');
  const headers = { ...roundup.headers, authorization: `Basic ${basic}` };
  const url = `${roundup.url}/rest/data${at}`;
  if (method === 'GET' || method === 'POST') return send(url, method, headers, body);
  const { data } = (await send(url, 'GET', headers)) as unknown as { data: { '@etag': string } };
  // A DELETE has no body, but Roundup requires a content type.
  const form = method === 'DELETE' ? { 'content-type': 'application/x-www-form-urlencoded' } : {};
  return send(url, method, { ...headers, ...form, 'if-match': data['@etag'] }, body);
}

function started(): Roundup {
  const address = process.env['ZPS_TEST_ROUNDUP'];
  if (address === undefined) throw new Error('This test needs Roundup: run it by `npm run test:roundup`.');
  return JSON.parse(address) as Roundup;
}
