import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import { startPmsSandbox } from 'pms-sandbox';
import { NO_LIMITS, startZendeskSandbox } from 'zendesk-sandbox';
import { readYaml } from '../../config/readYaml';
import { checkMapping, loadMapping } from '../../config/loadMapping';
import { loadProfile } from '../../config/loadProfile';
import { startMongo, startTemporal } from '../../platform/embedded/embeddedServers';
import type { Mapping } from '../../sync/mapping';
import { fixedCredential } from '../../systems/credential';
import { profileSystem } from '../../systems/profile/profileSystem';
import { zendeskSystem } from '../../systems/zendesk/zendeskSystem';
import type { SignedIn } from '../../systems/zendesk/zendeskAuth';
import { SEARCH_ATTRIBUTES } from '../../workflows/searchAttributes';
import { linkReasons, type LinkReasons } from './linkReasons';
import { missingFields } from './missingFields';
import { PmsApi } from './pmsApi';
import { ZendeskApi } from './zendeskApi';

/** Two sandboxes and a service that keeps them in sync, on separate servers: no real account is involved. */

export type CommentMode = Mapping['commentMode'];

export interface Synced {
  mapping: Mapping;
  apis: { zendesk: ZendeskApi; pms: PmsApi };
  /** Reads the link store. */
  reasons: LinkReasons;
  /** Resolves with the last lines of the log if the service exits by itself. */
  ended: Promise<string>;
}

const POLL_SECONDS = '1';
const AGENT = 'ann@sandbox.example';
const MAIN = path.resolve(__dirname, '../../operator/cli/main.js');
/** The distance between the ids of the two modes: workflows on the same Temporal server are named by record ids. */
const IDS_APART = 1_000_000;

/**
 * Starts everything once per comment mode, runs `work`, and stops everything.
 * @throws MappingError, NoServerError
 */
export async function inSandbox<T>(
  mappingFile: string,
  modes: readonly CommentMode[],
  onProgress: (line: string) => void,
  work: (synced: Record<CommentMode, Synced>) => Promise<T>,
): Promise<T> {
  loadMapping(mappingFile);
  const folder = mkdtempSync(path.join(tmpdir(), 'zps-verify-'));
  const stops: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
  try {
    // The servers that the environment names may be in production use.
    const env = { ...process.env, TEMPORAL_ADDRESS: '', MONGODB_URI: '' };
    const temporal = await startTemporal({
      onProgress,
      env,
      dataDir: path.join(folder, 'temporal'),
      searchAttributes: SEARCH_ATTRIBUTES,
    });
    stops.push(() => temporal.stop());
    const mongo = await startMongo({ onProgress, env, dataDir: path.join(folder, 'mongo') });
    stops.push(() => mongo.stop());
    const servers = { TEMPORAL_ADDRESS: temporal.address, MONGODB_URI: mongo.uri };
    const started: [CommentMode, Synced][] = [];
    for (const [index, mode] of modes.entries()) {
      const file = path.join(folder, `mapping-${mode}.yaml`);
      writeFileSync(file, stringify(withMode(readYaml(mappingFile), mode)));
      const { synced, stop } = await startOne({ mode, file, folder, servers, idsAfter: index * IDS_APART });
      stops.push(stop);
      started.push([mode, synced]);
    }
    onProgress('running the checklist');
    return await work(Object.fromEntries(started) as Record<CommentMode, Synced>);
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

/** The comment modes for which the mapping has a table. */
export function modesOf(mappingFile: string): CommentMode[] {
  const { entities } = readYaml(mappingFile) as { entities: { CommentToProject: Record<string, unknown> } };
  return (['note', 'project'] as const).filter((mode) => entities.CommentToProject[mode] !== undefined);
}

function withMode(input: unknown, mode: CommentMode): unknown {
  const { entities, ...rest } = input as { entities: { CommentToProject: object } };
  return { ...rest, entities: { ...entities, CommentToProject: { ...entities.CommentToProject, mode } } };
}

interface One {
  mode: CommentMode;
  file: string;
  folder: string;
  servers: { TEMPORAL_ADDRESS: string; MONGODB_URI: string };
  idsAfter: number;
}

async function startOne({ mode, file, folder, servers, idsAfter }: One): Promise<{
  synced: Synced;
  stop: () => Promise<void>;
}> {
  const fields = missingFields(loadMapping(file));
  const zendesk = await startZendeskSandbox({ idsAfter, ...NO_LIMITS, fields: fields.zendesk });
  const pms = await startPmsSandbox({
    idsAfter,
    rateLimitPerMinute: NO_LIMITS.rateLimitPerMinute,
    fields: fields.pms,
  });
  const { url: baseUrl, clientId, clientSecret } = zendesk;
  const systems = {
    zendesk: zendeskSystem({ baseUrl, auth: { by: 'oauth', clientId, secret: () => clientSecret } }),
    pms: profileSystem({ profile: loadProfile('contract'), baseUrl: pms.url, token: pms.token }),
  };
  // Agents have accounts in both systems.
  for (const { email, name } of zendesk.store.users.values())
    if (email !== null && email !== zendesk.adminEmail)
      pms.store.people.upsert({ email, name, role: 'member' });
  const mapping = await checkMapping(loadMapping(file), systems, file);
  const reasons = await linkReasons(servers.MONGODB_URI, `verify-${mode}`);
  const service = startProcess(path.join(folder, `${mode}.log`), {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    ...servers,
    MONGODB_DATABASE: `verify-${mode}`,
    TASK_QUEUE: `verify-${mode}`,
    MAPPING_FILE: file,
    ZENDESK_BASE_URL: zendesk.url,
    ZENDESK_OAUTH_CLIENT_ID: clientId,
    ZENDESK_OAUTH_CLIENT_SECRET: clientSecret,
    ZENDESK_POLL_SECONDS: POLL_SECONDS,
    PMS_BASE_URL: pms.url,
    PMS_TOKEN: pms.token,
    PMS_POLL_SECONDS: POLL_SECONDS,
    RECONCILE_CRON: 'off',
    LOG_LEVEL: 'warn',
  });
  return {
    synced: {
      mapping,
      apis: {
        zendesk: new ZendeskApi({ baseUrl, as: signedInAs(zendesk.bearer(AGENT)) }),
        pms: new PmsApi({ baseUrl: pms.url, token: await tokenOf(pms.url, AGENT) }),
      },
      reasons,
      ended: service.ended,
    },
    async stop() {
      await reasons.close();
      await service.stop();
      await zendesk.close();
      await pms.close();
    },
  };
}

/** Signs in as a person, with a token that does not expire. */
function signedInAs(bearer: string): SignedIn {
  return {
    auth: fixedCredential({ authorization: `Bearer ${bearer}` }),
    credential: 'the sandbox',
    explainRefusal: () => null,
  };
}

/** A person's own token, not the sync's. */
async function tokenOf(url: string, email: string): Promise<string> {
  const answer = await fetch(`${url}/_sandbox/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, name: 'Ann Agent' }),
  });
  return ((await answer.json()) as { token: string }).token;
}

/** Starts the service like an operator does. */
function startProcess(
  logFile: string,
  env: NodeJS.ProcessEnv,
): { ended: Promise<string>; stop: () => Promise<void> } {
  const log = openSync(logFile, 'a');
  const child: ChildProcess = spawn(process.execPath, [MAIN, 'start', '--only', 'worker'], {
    env,
    stdio: ['ignore', log, log],
    // A folder without settings files, because these concern real accounts.
    cwd: path.dirname(logFile),
    // Ctrl-C must reach only the checklist, which then stops the service in order.
    detached: true,
  });
  closeSync(log);
  const exited = once(child, 'exit');
  let stopping = false;
  const ended = exited.then(() => readFileSync(logFile, 'utf8').trim().split('\n').slice(-3).join('\n'));
  return {
    ended: new Promise((resolve) => void ended.then((lastLines) => stopping || resolve(lastLines))),
    async stop() {
      stopping = true;
      child.kill('SIGTERM');
      const hurry = setTimeout(() => child.kill('SIGKILL'), 30_000);
      await exited;
      clearTimeout(hurry);
    },
  };
}
