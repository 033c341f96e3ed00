import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { startMongo, startTemporal } from '../../src/platform/embedded/embeddedServers';
import { freePort } from '../../src/platform/ports';
import { doneIn } from '../../src/sync/backfillTally';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/searchAttributes';
import type { AccountSize } from './backfill/generate';
import { Bed, log, startSandboxes, type Servers } from './bed';
import { bareHttp } from './sections/bareHttp';
import { firstSync, recordsOf, type FirstSync } from './sections/firstSync';
import { slowDown } from './sections/slowly';

/**
 * `npm run bench:backfill`: creates an account in the sandboxes, backfills it with the service as a separate process
 * while worker, MongoDB and Temporal are killed, and then checks from outside that every record has exactly one
 * counterpart. Without kills, the backfill is compared with bare HTTP.
 */

const KILLED = ['worker', 'mongo', 'temporal'] as const;

interface Options {
  tickets: number;
  commentsPerTicket: number;
  kills: number;
  delay: number;
  json?: true;
}

interface Report extends FirstSync {
  size: AccountSize;
  kills: Record<string, number>;
  /** Records per second of bare HTTP. */
  bare: number | null;
}

async function main(): Promise<void> {
  const options = new Command('bench:backfill')
    .option('--tickets <n>', 'tickets in Zendesk; a tenth as many projects in the PMS', Number, 2_000)
    .option('--comments-per-ticket <n>', 'comments per ticket, without the description', Number, 3)
    .option('--kills <n>', 'number of kills of worker, MongoDB and Temporal, in turn', Number, 5)
    .option('--delay <ms>', 'milliseconds of delay of each call to either API', Number, 0)
    .option('--json', 'print JSON')
    .parse()
    .opts<Options>();
  const bare = options.kills === 0 ? await bareHttp(options, options.delay) : null;
  const report: Report = { ...(await backfill(options)), bare: bare && bare.recordsPerSecond };
  console.log(options.json ? JSON.stringify(report, null, 2) : inWords(report));
  if (report.problems.length > 0) process.exitCode = 1;
}

async function backfill(options: Options): Promise<Omit<Report, 'bare'>> {
  log('creating the account');
  const sandboxes = await startSandboxes(options);
  const { size } = sandboxes;
  log(`created: ${JSON.stringify(size)}`);
  const servers = await KillableServers.start(options.kills > 0);
  const bed = await Bed.start(servers, sandboxes);
  log(`worker's log: ${bed.worker.logFile}`);
  const kills: Record<string, number> = {};
  let killed = 0;
  let reported = -1;
  try {
    if (options.delay > 0) await slowDown(sandboxes, options.delay);
    const all = recordsOf(size);
    const done = await firstSync(bed, size, async ({ tallies, done: step }, resident) => {
      // Without descriptions, which are comments, too.
      const records = doneIn(tallies) - tallies.CommentToProject.ignored;
      if (killed < options.kills && records > ((killed + 0.5) / options.kills) * all) {
        const victim = KILLED[killed % KILLED.length] ?? 'worker';
        log(`${records} of about ${all} records: killing ${victim}`);
        killed += 1;
        kills[victim] = (kills[victim] ?? 0) + 1;
        if (victim === 'worker') bed.worker.kill();
        else await servers.kill(victim);
      } else if (records !== reported)
        log(`${(reported = records)} of about ${all} records, step ${step}, ${resident ?? '?'} MB`);
    });
    return { ...done, size, kills };
  } finally {
    await bed.stop();
    await sandboxes.close();
    await servers.stop();
  }
}

/** Servers that restart at the same address after a kill, with the data that they keep. */
class KillableServers implements Servers {
  private constructor(
    private readonly startTemporal: () => Promise<Servers['temporal']>,
    private readonly startMongo: () => Promise<Servers['mongo']>,
    public temporal: Servers['temporal'],
    public mongo: Servers['mongo'],
  ) {}

  static async start(keep: boolean): Promise<KillableServers> {
    const dataDir = path.join(mkdtempSync(path.join(tmpdir(), 'zps-backfill-')), 'data');
    mkdirSync(dataDir);
    const data = keep ? { dataDir } : {};
    const [temporalPort, mongoPort] = [await freePort(), await freePort()];
    const temporal = () => startTemporal({ ...data, temporalPort, searchAttributes: SEARCH_ATTRIBUTES });
    const mongo = () => startMongo({ ...data, mongoPort });
    return new KillableServers(temporal, mongo, await temporal(), await mongo());
  }

  /** Like a power cut. The server is restarted at once. */
  async kill(what: 'temporal' | 'mongo'): Promise<void> {
    const server = this[what];
    if (server.pid === null) throw new Error(`${what} was not started here, so it cannot be killed`);
    process.kill(server.pid, 'SIGKILL');
    await server.stop();
    if (what === 'temporal') this.temporal = await this.startTemporal();
    else this.mongo = await this.startMongo();
  }

  async stop(): Promise<void> {
    await this.temporal.stop();
    await this.mongo.stop();
  }
}

function inWords(report: Report): string {
  const { size, seconds, secondsUntilQuiet, recordsPerSecond, bare, kills, calls, memory, problems } = report;
  const lines = [
    `account             ${JSON.stringify(size)}`,
    `kills               ${JSON.stringify(kills)}`,
    `time                ${seconds.toFixed(0)} s, pairs quiet after ${secondsUntilQuiet.toFixed(0)} s`,
    `records per second  ${recordsPerSecond.toFixed(0)}`,
    ...(bare === null
      ? []
      : [
          `of bare HTTP        ${(recordsPerSecond / bare).toFixed(2)} (its records per second: ${bare.toFixed(0)})`,
        ]),
    `calls               ${calls.made}, bound ${calls.bound}, ratio ${calls.ratio.toFixed(2)}, per record ${calls.perRecord.toFixed(3)}`,
    ...Object.entries(calls.byRoute)
      .sort(([, a], [, b]) => b - a)
      .map(([route, count]) => `  ${String(count).padStart(7)} ${route}`),
    `worker, MB          ${memory.first} at first, ${memory.most} at most, ${memory.last} in the end`,
    `processor, s        ${JSON.stringify(report.cpu)}`,
    `its runs            ${report.runs}, the longest of ${report.events} events`,
    `tallies             ${JSON.stringify(report.tallies)}`,
    problems.length === 0 ? 'complete, and no duplicates' : `PROBLEMS\n${problems.slice(0, 50).join('\n')}`,
  ];
  return lines.join('\n');
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
