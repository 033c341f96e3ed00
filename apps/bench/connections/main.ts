import { execFile, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { Command } from 'commander';
import { controlsOf } from 'testkit';
import { stringify } from 'yaml';
import { z } from 'zod';
import type { FaultInput } from 'zendesk-sandbox/common';
import { NOTHING_HELD, WorkerProcess } from '../../demo/worker';
import { startMongo, startTemporal } from '../../../src/platform/embedded/embeddedServers';
import { freePort } from '../../../src/platform/ports';
import { SEARCH_ATTRIBUTES } from '../../../src/workflows/searchAttributes';
import { log, startSandboxes, untilQuiet, type Sandboxes, type Servers } from '../bed';
import { editAtPace } from '../pace';
import { cpuSeconds, residentMb } from '../process';
import type { Noise, NoisySystems } from './noisy';

/**
 * `npm run bench:connections`: two connections in one process. People of the quiet account edit at a steady pace, and
 * webhooks report the edits. The noisy account rests, or gets a flood of edits and a storm of 429 answers. Prints how
 * much later the edits of the quiet account arrive then: the ratio of the p95 values, over alternating phases, so
 * that other load on the machine affects both.
 */

const MAIN = path.resolve(__dirname, '../../../src/operator/cli/main.js');
const TICKETS = 100;
const NOISY_TICKETS = 300;
const ARRIVE_WITHIN_MS = 180_000;
const UNLIMITED = '1000000';
const installed = z.array(z.looseObject({ side: z.enum(['zendesk', 'pms']), secret: z.string() }));

interface Options {
  seconds: number;
  perSecond: number;
  rounds: number;
  /** Edits of the noisy account: per second, and in one burst. */
  noise: number;
  flood: number;
}

/** The load on the noisy account. */
interface Load extends Noise {
  name: string;
  /** Share of its writes that are refused with 429. */
  refused: number;
}

const loads = ({ noise, flood }: Options): Load[] => [
  { name: 'sustainable, with a storm', atOnce: 0, perSecond: noise, refused: 0.7 },
  { name: 'flood', atOnce: flood, perSecond: 4 * noise, refused: 0 },
  { name: 'flood and storm', atOnce: flood, perSecond: 4 * noise, refused: 0.7 },
];

interface Phase {
  p50: number;
  p95: number;
  /** Pairs of the noisy account at work at the end. */
  backlog: number;
}

async function main(): Promise<void> {
  const options = new Command('bench:connections')
    .option('--seconds <n>', 'seconds of each phase', Number, 40)
    .option('--per-second <n>', 'edits per second of the quiet account', Number, 3)
    .option('--rounds <n>', 'number of quiet and noisy phases for each load', Number, 3)
    .option('--noise <n>', 'edits per second of the noisy account', Number, 5)
    .option('--flood <n>', 'edits of the noisy account at once, in a flood', Number, 3_000)
    .parse()
    .opts<Options>();
  const servers: Servers = {
    temporal: await startTemporal({ searchAttributes: SEARCH_ATTRIBUTES }),
    mongo: await startMongo({}),
  };
  try {
    const report = await measure(servers, options);
    const file = path.resolve(__dirname, '../../../../apps/bench/results/connections.json');
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
    console.log(JSON.stringify(report, null, 2));
  } finally {
    await servers.temporal.stop();
    await servers.mongo.stop();
  }
}

async function measure(servers: Servers, options: Options): Promise<object> {
  const folder = mkdtempSync(path.join(tmpdir(), 'zps-bench-'));
  const quiet = await startSandboxes({ tickets: TICKETS, commentsPerTicket: 0 });
  const noisy = fork(path.resolve(__dirname, 'noisy.js'), [String(NOISY_TICKETS)]);
  const [systems] = (await once(noisy, 'message')) as [NoisySystems];
  const run = `bench-${process.pid}`;
  const service = await serve({ run, folder, servers, quiet, noisy: systems });
  const client = new Client({ connection: await Connection.connect({ address: servers.temporal.address }) });
  try {
    for (const name of ['quiet', 'noisy']) await untilQuiet(client, `${run}-${name}`);
    log('both connections are synced');
    const other = new NoisyAccount(noisy, systems, client, `${run}-noisy`);
    const found: Record<string, { quiet: Phase[]; noisy: Phase[]; ratio: number }> = {};
    for (const load of loads(options)) {
      const phases = { quiet: [] as Phase[], noisy: [] as Phase[] };
      for (let round = 0; round < options.rounds; round += 1) {
        phases.quiet.push(await phase(quiet, other, options));
        await other.setLoad(load);
        phases.noisy.push(await phase(quiet, other, options));
        await other.rest();
        log(`${load.name}: ${JSON.stringify([phases.quiet.at(-1), phases.noisy.at(-1)])}`);
      }
      const p95 = (of: Phase[]) => median(of.map((each) => each.p95));
      found[load.name] = { ...phases, ratio: p95(phases.noisy) / p95(phases.quiet) };
      log(`${load.name}: ratio ${found[load.name]?.ratio.toFixed(2)}`);
    }
    return {
      at: new Date().toISOString(),
      machine: `${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'})`,
      options,
      weathers: loads(options),
      found,
      serviceMb: residentMb(service.pid),
      serviceCpuSeconds: cpuSeconds(service.pid),
    };
  } finally {
    await service.stop();
    await client.connection.close();
    noisy.disconnect();
    await quiet.close();
  }
}

/** The service as an operator runs it: one process, two connections, webhooks for both. */
async function serve({
  run,
  folder,
  servers,
  quiet,
  noisy,
}: {
  run: string;
  folder: string;
  servers: Servers;
  quiet: Sandboxes;
  noisy: NoisySystems;
}): Promise<WorkerProcess> {
  const port = await freePort();
  const connectionOf = ({ zendesk, pms }: NoisySystems) => ({
    zendeskBaseUrl: zendesk.url,
    zendeskOauthClientId: zendesk.clientId,
    zendeskOauthClientSecret: zendesk.clientSecret,
    pmsBaseUrl: pms.url,
    pmsToken: pms.token,
  });
  const file = path.join(folder, 'settings.yaml');
  const connections = { quiet: connectionOf(quiet), noisy: connectionOf(noisy) };
  writeFileSync(file, stringify({ connections }));
  const env: NodeJS.ProcessEnv = {
    PATH: process.env['PATH'],
    TEMPORAL_ADDRESS: servers.temporal.address,
    MONGODB_URI: servers.mongo.uri,
    TASK_QUEUE: run,
    MONGODB_DATABASE: run,
    MAPPING_FILE: path.resolve(__dirname, '../../../../mapping.yaml'),
    INTAKE_PORT: String(port),
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    ZENDESK_CALLS_PER_MINUTE: UNLIMITED,
    PMS_CALLS_PER_MINUTE: UNLIMITED,
    RECONCILE_CRON: 'off',
    LOG_LEVEL: 'error',
    ...NOTHING_HELD,
  };
  for (const name of Object.keys(connections)) {
    const args = [MAIN, 'webhooks', 'install', '--json', '--config', file, '--connection', name];
    const { stdout } = await promisify(execFile)(process.execPath, args, { env });
    for (const { side, secret } of installed.parse(JSON.parse(stdout)))
      env[`${name.toUpperCase()}__${side.toUpperCase()}_WEBHOOK_SECRET`] = secret;
  }
  const logFile = path.join(folder, 'service.log');
  const service = new WorkerProcess([MAIN, 'start', '--config', file], env, logFile);
  service.start();
  log(`log of the service: ${logFile}`);
  const joined = () => [...quiet.pms.store.all('project')].filter(({ externalRef }) => externalRef !== null);
  while (joined().length < TICKETS) await sleep(250);
  return service;
}

/** The account with varying load. */
class NoisyAccount {
  constructor(
    private readonly people: ChildProcess,
    private readonly systems: NoisySystems,
    private readonly client: Client,
    private readonly taskQueue: string,
  ) {}

  /** Starts the load, and resolves after the burst has arrived. */
  async setLoad({ atOnce, perSecond, refused }: Load): Promise<void> {
    const storm: FaultInput = {
      route: '^(PUT|PATCH) ',
      kind: 'status',
      status: 429,
      retryAfterSeconds: 1,
      probability: refused,
    };
    for (const sandbox of [this.systems.zendesk, this.systems.pms])
      await controlsOf(sandbox).setFaults(...(refused > 0 ? [storm] : []));
    this.people.send({ atOnce, perSecond } satisfies Noise);
    await sleep(3_000);
  }

  async rest(): Promise<void> {
    await this.setLoad({ name: 'none', atOnce: 0, perSecond: 0, refused: 0 });
    await untilQuiet(this.client, this.taskQueue);
  }

  async backlog(): Promise<number> {
    const query = `TaskQueue = '${this.taskQueue}' AND ExecutionStatus = 'Running'`;
    return (await this.client.workflow.count(query)).count;
  }
}

/** Makes edits in the quiet account's PMS and measures when they arrive in its Zendesk. */
async function phase(quiet: Sandboxes, other: NoisyAccount, { seconds, perSecond }: Options): Promise<Phase> {
  const count = Math.floor(perSecond * seconds);
  const at = await editAtPace(quiet, {
    count,
    perSecond,
    seconds,
    withinMs: ARRIVE_WITHIN_MS,
    projects: TICKETS,
  });
  return { p50: at(0.5), p95: at(0.95), backlog: await other.backlog() };
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
