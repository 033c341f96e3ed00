import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { Command } from 'commander';
import { MongoClient } from 'mongodb';
import { WorkerProcess, serviceSettings } from '../demo/worker';
import { startMongo, startTemporal } from '../src/embedded';
import { freePort } from '../src/embedded/ports';
import { openLinkStore } from '../src/links/store';
import { doneIn } from '../src/sync/backfillTally';
import { startBackfill } from '../src/workers/backfill';
import { backfillProgress, type BackfillProgress } from '../src/workflows/backfill';
import { SEARCH_ATTRIBUTES } from '../src/workflows/searchAttributes';
import { boundOf } from './backfill/bound';
import { checkBackfill } from './backfill/check';
import type { AccountSize } from './backfill/generate';
import { byRoute, callsOf, say, startSandboxes, total, untilQuiet, type Sandboxes } from './bed';
import { cpuSeconds, residentMb } from './process';
import { recordsOf } from './sections/firstSync';

/**
 * `npm run bench:backfill`: makes an account in the sandboxes, backfills it with the service as its own process while
 * worker, MongoDB and Temporal are killed, and then looks from outside whether all is there, and once.
 */

const LOOK_MS = 500;
const KILLED = ['worker', 'mongo', 'temporal'] as const;

interface Options {
  tickets: number;
  commentsPerTicket: number;
  kills: number;
  json?: true;
}

async function main(): Promise<void> {
  const options = new Command('bench:backfill')
    .option('--tickets <n>', 'tickets in Zendesk; a tenth as many projects in the PMS', Number, 2_000)
    .option('--comments-per-ticket <n>', 'comments beside the description', Number, 3)
    .option('--kills <n>', 'of worker, MongoDB and Temporal, in turn', Number, 5)
    .option('--json', 'print JSON')
    .parse()
    .opts<Options>();
  const bench = await Bench.start(options);
  try {
    const report = await bench.run();
    console.log(options.json ? JSON.stringify(report, null, 2) : inWords(report));
    if (report.problems.length > 0) process.exitCode = 1;
  } finally {
    await bench.stop();
  }
}

interface Report {
  size: AccountSize;
  seconds: number;
  /** Until the pairs' own workflows that it left something to have ended, too. */
  secondsUntilQuiet: number;
  recordsPerSecond: number;
  kills: Record<string, number>;
  calls: { made: number; bound: number; ratio: number; perRecord: number; byRoute: Record<string, number> };
  /** Resident memory of the worker process, MB. */
  worker: { atFirst: number; most: number; last: number };
  /** Seconds of processor time, as far as each process lived to the end. */
  cpu: Record<string, number>;
  /** Events of the backfill's runs. */
  histories: number[];
  progress: BackfillProgress;
  problems: string[];
}

class Bench {
  private readonly killed: Record<string, number> = {};

  private constructor(
    private readonly options: Options,
    private readonly size: AccountSize,
    private readonly sandboxes: Sandboxes & { close(): Promise<void> },
    private readonly servers: {
      temporal: Awaited<ReturnType<typeof startTemporal>>;
      mongo: Awaited<ReturnType<typeof startMongo>>;
    },
    private readonly ports: { temporal: number; mongo: number },
    private readonly dataDir: string,
    private readonly worker: WorkerProcess,
    private readonly client: Client,
    private readonly connection: Connection,
    private readonly name: string,
  ) {}

  static async start(options: Options): Promise<Bench> {
    const folder = mkdtempSync(path.join(tmpdir(), 'zps-backfill-'));
    const dataDir = path.join(folder, 'data');
    mkdirSync(dataDir);
    const ports = { temporal: await freePort(), mongo: await freePort() };
    say('making the account');
    const sandboxes = await startSandboxes(options);
    const { zendesk, pms, size } = sandboxes;
    say(`made: ${JSON.stringify(size)}`);
    const temporal = await startTemporal({
      dataDir,
      temporalPort: ports.temporal,
      searchAttributes: SEARCH_ATTRIBUTES,
    });
    const mongo = await startMongo({ dataDir, mongoPort: ports.mongo });
    const name = `bench-${randomBytes(3).toString('hex')}`;
    const env = {
      ...serviceSettings(name, { temporal, mongo, zendesk, pms }),
      MAPPING_FILE: path.resolve(__dirname, '../../mapping.yaml'),
      ZENDESK_CALLS_PER_MINUTE: '1000000',
      PMS_CALLS_PER_MINUTE: '1000000',
      LOG_LEVEL: 'warn',
    };
    const command = [path.resolve(__dirname, '../src/cli/main.js'), 'start', '--only', 'worker'];
    const worker = new WorkerProcess(command, env, path.join(folder, 'worker.log'));
    say(`worker's log: ${worker.logFile}`);
    const connection = await Connection.connect({ address: temporal.address });
    const client = new Client({ connection });
    return new Bench(
      options,
      size,
      sandboxes,
      { temporal, mongo },
      ports,
      dataDir,
      worker,
      client,
      connection,
      name,
    );
  }

  async run(): Promise<Report> {
    const { client, name, worker, size } = this;
    const mongo = await MongoClient.connect(this.servers.mongo.uri);
    const handle = await startBackfill(client, await openLinkStore(mongo.db(name)), name);
    await mongo.close();
    worker.start();
    const { kills } = this.options;
    const all = recordsOf(size);
    const memory: number[] = [];
    let begun: number | null = null;
    let last: BackfillProgress | null = null;
    let done = 0;
    let told = -1;
    for (;;) {
      await sleep(LOOK_MS);
      const progress: BackfillProgress | null = await handle.query(backfillProgress).catch(() => null);
      const resident = residentMb(worker.pid);
      if (resident !== null) memory.push(resident);
      if (!progress) continue;
      last = progress;
      if (progress.steps !== null) begun ??= Date.now();
      if (progress.state === 'done') break;
      const records = doneIn(progress.tallies);
      if (done < kills && records > ((done + 0.5) / kills) * 0.95 * all) {
        const victim = KILLED[done % KILLED.length] ?? 'worker';
        say(`${records} of about ${all} records: killing ${victim}`);
        await this.kill(victim);
        done += 1;
      } else if (records !== told)
        say(`${(told = records)} of about ${all} records, step ${progress.done}, ${resident ?? '?'} MB`);
    }
    const seconds = (begun === null ? 0 : Date.now() - begun) / 1000;
    const cpu = {
      worker: cpuSeconds(worker.pid),
      mongo: cpuSeconds(this.servers.mongo.pid),
      temporal: cpuSeconds(this.servers.temporal.pid),
      'sandboxes, and making the account': cpuSeconds(process.pid),
    };
    say('done; waiting for the pairs');
    await untilQuiet(this.client, this.name);
    const secondsUntilQuiet = (begun === null ? 0 : Date.now() - begun) / 1000;
    // The polls of the PMS read none of these records.
    const calls = (await callsOf(this.sandboxes)).filter(({ route }) => !route.endsWith('/changes'));
    const made = total(calls);
    const bound = boundOf(size);
    return {
      size,
      seconds,
      secondsUntilQuiet,
      recordsPerSecond: all / seconds,
      kills: this.killed,
      calls: { made, bound, ratio: made / bound, perRecord: made / all, byRoute: byRoute(calls) },
      worker: { atFirst: memory[0] ?? 0, most: Math.max(...memory), last: memory.at(-1) ?? 0 },
      cpu,
      histories: await this.histories(handle.workflowId),
      progress: last,
      problems: checkBackfill(this.sandboxes),
    };
  }

  async stop(): Promise<void> {
    await this.worker.stop();
    await this.connection.close();
    await this.sandboxes.close();
    await this.servers.temporal.stop();
    await this.servers.mongo.stop();
  }

  /** As a power cut would; it is started again at once. */
  private async kill(what: (typeof KILLED)[number]): Promise<void> {
    this.killed[what] = (this.killed[what] ?? 0) + 1;
    if (what === 'worker') return this.worker.kill();
    const server = this.servers[what];
    if (server.pid === null) throw new Error(`${what} is somebody else's: it cannot be killed`);
    process.kill(server.pid, 'SIGKILL');
    await server.stop();
    const { dataDir, ports } = this;
    if (what === 'temporal')
      this.servers.temporal = await startTemporal({
        dataDir,
        temporalPort: ports.temporal,
        searchAttributes: SEARCH_ATTRIBUTES,
      });
    else this.servers.mongo = await startMongo({ dataDir, mongoPort: ports.mongo });
  }

  private async histories(workflowId: string): Promise<number[]> {
    const lengths: number[] = [];
    for await (const { historyLength } of this.client.workflow.list({
      query: `WorkflowId = '${workflowId}'`,
    }))
      lengths.push(historyLength);
    return lengths;
  }
}

function inWords(report: Report): string {
  const { size, seconds, secondsUntilQuiet, recordsPerSecond, kills, calls, worker, histories, problems } =
    report;
  const lines = [
    `account             ${JSON.stringify(size)}`,
    `kills               ${JSON.stringify(kills)}`,
    `time                ${seconds.toFixed(0)} s, pairs quiet after ${secondsUntilQuiet.toFixed(0)} s`,
    `records per second  ${recordsPerSecond.toFixed(0)}`,
    `calls               ${calls.made}, bound ${calls.bound}, ratio ${calls.ratio.toFixed(2)}, per record ${calls.perRecord.toFixed(3)}`,
    ...Object.entries(calls.byRoute)
      .sort(([, a], [, b]) => b - a)
      .map(([route, count]) => `  ${String(count).padStart(7)} ${route}`),
    `worker, MB          ${worker.atFirst} at first, ${worker.most} at most, ${worker.last} in the end`,
    `processor, s        ${JSON.stringify(report.cpu)}`,
    `events of its runs  ${histories.join(', ')}`,
    `tallies             ${JSON.stringify(report.progress.tallies)}`,
    `failed              ${JSON.stringify(report.progress.failed)}`,
    problems.length === 0 ? 'complete, and no duplicates' : `PROBLEMS\n${problems.slice(0, 50).join('\n')}`,
  ];
  return lines.join('\n');
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
