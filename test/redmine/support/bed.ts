import path from 'node:path';
import { REDMINE_KEEPS } from '../../../apps/demo/pms';
import type { AgreementReport } from '../../../apps/demo/agreementReport';
import { checkAgreement } from '../../../apps/demo/checker';
import { startContract } from '../../../apps/redmine/contract';
import { startProxy, type Proxy } from '../../../apps/redmine/proxy';
import { startRedmine } from '../../../apps/redmine/server';
import { NO_LIMITS, startZendeskSandbox } from 'zendesk-sandbox';
import { send, type Body } from 'testkit';
import { checkMapping, loadMapping } from '../../../src/config/loadMapping';
import { loadProfile } from '../../../src/config/loadProfile';
import { profileSystem } from '../../../src/systems/profile/profileSystem';
import { zendeskSystem } from '../../../src/systems/zendesk/zendeskSystem';
import type { Mapping } from '../../../src/sync/mapping';
import type { Side } from '../../../src/sync/record';
import type { SystemPort } from '../../../src/systems/port';
import type { LinkStore } from '../../../src/links/linkStore';
import { addMember } from '../../support/membership';
import { bearerOf, serviceAuth, serviceSignIn } from '../../support/sandboxes';

/** The Zendesk sandbox, an empty Redmine, and an adapter to each. */
export interface Bed {
  systems: Record<Side, SystemPort>;
  mapping: Mapping;
  /** The settings of a service that syncs the two, without its own servers and names. */
  settings: Record<string, string>;
  /** Between the adapter and Redmine. */
  proxy: Proxy;
  /** Acts as an agent of Zendesk. */
  zd(method: string, path: string, body?: unknown): Promise<Body>;
  /** Makes the person, by default the agent, a member of the organization, so that they may have tickets in it. */
  addMember(organization: number, person?: { email?: string; name?: string }): void;
  /** Acts as Redmine's administrator, without the proxy. */
  rm(method: string, path: string, body?: unknown): Promise<Body>;
  /** Writes that the adapters sent so far. */
  writes(): string[];
  /** Compares all records of both systems, through their public APIs. */
  agreement(store: LinkStore): Promise<AgreementReport>;
  close(): Promise<void>;
}

const ANN = 'ann@sandbox.example';
const MAPPING = path.resolve(__dirname, '../../../profiles/redmine.mapping.yaml');
const TIMEOUT_MS = 20_000;

export async function startBed(): Promise<Bed> {
  const log = (line: string) => void process.stderr.write(`${line}\n`);
  const redmine = await startRedmine(log);
  const proxy = await startProxy(redmine.url);
  const contract = await startContract(redmine, () => proxy.calls());
  const zendesk = await startZendeskSandbox({
    idsAfter: Math.floor(Math.random() * 1e9),
    ...NO_LIMITS,
  });
  const zendeskWrites: string[] = [];
  const systems = {
    zendesk: zendeskSystem({
      baseUrl: zendesk.url,
      auth: serviceAuth(zendesk),
      timeoutMs: TIMEOUT_MS,
      attachmentHosts: [],
      onCall: ({ method, path: at }) => void (method !== 'GET' && zendeskWrites.push(`${method} ${at}`)),
    }),
    pms: profileSystem({
      profile: loadProfile('redmine'),
      baseUrl: proxy.url,
      token: redmine.apiKey,
      timeoutMs: TIMEOUT_MS,
    }),
  };
  return {
    systems,
    mapping: await checkMapping(loadMapping(MAPPING), systems, MAPPING),
    settings: {
      ZENDESK_BASE_URL: zendesk.url,
      ...serviceSignIn(zendesk),
      PMS_BASE_URL: proxy.url,
      PMS_TOKEN: redmine.apiKey,
      PMS_PROFILE: 'redmine',
      MAPPING_FILE: MAPPING,
    },
    proxy,
    addMember: (organization, person) => addMember(zendesk, organization, person),
    zd: (method, at, body) => send(`${zendesk.url}/api/v2${at}`, method, bearerOf(zendesk), body),
    rm: (method, at, body) => send(redmine.url + at, method, { 'x-redmine-api-key': redmine.apiKey }, body),
    writes: () => [
      ...zendeskWrites,
      ...proxy.calls().flatMap((call) => (call.method === 'GET' ? [] : [`${call.method} ${call.path}`])),
    ],
    async agreement(store) {
      const links = [];
      for await (const { sides } of store.all())
        if (sides.zendesk && sides.pms) links.push({ zendesk: sides.zendesk.ref, pms: sides.pms.ref });
      return checkAgreement({
        zendesk: { url: zendesk.url, token: zendesk.bearer(ANN) },
        pms: { url: contract.url, token: contract.token },
        keeps: REDMINE_KEEPS,
        links,
      });
    },
    async close() {
      await contract.close();
      await proxy.close();
      await zendesk.close();
      await redmine.stop();
    },
  };
}
