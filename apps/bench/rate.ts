import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { startPmsSandbox, type PmsSandbox } from 'pms-sandbox';
import { controlsOf } from 'testkit';
import { NO_LIMITS, startZendeskSandbox, type ZendeskSandbox } from 'zendesk-sandbox';
import type { CallCount } from 'zendesk-sandbox/common';
import { NOTHING_HELD, WorkerProcess, serviceSettings } from '../demo/worker';
import { startMongo, startTemporal } from '../../src/platform/embedded/embeddedServers';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/searchAttributes';

/**
 * `npm run bench:rate`: worker processes against a Zendesk sandbox that refuses every call above its rate. People in
 * the PMS make more changes than the rate allows. Prints how much of the rate was used, and how many calls were
 * refused.
 */

/** How many edits people are ahead of the sync: enough to keep it busy, without editing one ticket too often. */
const AHEAD = 250;
const PAIRS = 800;
const LOOK_MS = 500;
const PERSON = 'U-1001';

interface Options {
  minutes: number;
  rate: number;
  workers: number;
}

async function main(): Promise<void> {
  const {
    minutes,
    rate,
    workers: count,
  } = new Command('bench:rate')
    .option('--minutes <n>', 'minutes to measure', Number, 5)
    .option('--rate <n>', 'calls per minute that Zendesk allows', Number, 400)
    .option('--workers <n>', 'worker processes', Number, 2)
    .parse()
    .opts<Options>();
  const folder = mkdtempSync(path.join(tmpdir(), 'zps-bench-'));
  const onProgress = (line: string) => console.error(line);
  const temporal = await startTemporal({ onProgress, searchAttributes: SEARCH_ATTRIBUTES });
  const mongo = await startMongo({ onProgress });
  const zendesk = await startZendeskSandbox({
    ...NO_LIMITS,
    rateLimitPerMinute: rate,
  });
  const pms = await startPmsSandbox();
  const run = `bench-${randomBytes(3).toString('hex')}`;
  const env = {
    ...serviceSettings(run, { temporal, mongo, zendesk, pms }),
    ...NOTHING_HELD,
    MAPPING_FILE: path.resolve(__dirname, '../../../mapping.yaml'),
    ZENDESK_POLL_SECONDS: '30',
    PMS_POLL_SECONDS: '2',
  };
  const command = [path.resolve(__dirname, '../../src/operator/cli/main.js'), 'start'];
  const workers = Array.from(
    { length: count },
    (_, i) => new WorkerProcess(command, env, path.join(folder, `worker-${i + 1}.log`)),
  );
  const people = new Flood(pms, zendesk);
  try {
    for (const worker of workers) worker.start();
    console.log(`${count} workers, ${rate} calls a minute; their logs are in ${folder}`);
    const counted = await measure(zendesk.url, people, minutes, rate);
    const answers = counted.reduce((sum, { count: n }) => sum + n, 0);
    const refused = counted.filter(({ status }) => status === 429).reduce((sum, { count: n }) => sum + n, 0);
    const percent = (share: number) => `${(share * 100).toFixed(2)} %`;
    console.log(`in ${minutes} min: ${answers} calls of ${rate * minutes} allowed`);
    console.log(`used: ${percent((answers - refused) / (rate * minutes))}   (expected at least 90 %)`);
    console.log(`answered 429: ${refused}, ${percent(refused / answers)}   (expected less than 0.1 %)`);
    for (const { method, route, status, count: n } of counted.sort((a, b) => b.count - a.count).slice(0, 8))
      console.log(`  ${String(n).padStart(6)}  ${method} ${route} ${status}`);
    process.exitCode = (answers - refused) / (rate * minutes) >= 0.9 && refused / answers < 0.001 ? 0 : 1;
  } finally {
    for (const worker of workers) await worker.stop();
    await zendesk.close();
    await pms.close();
    await temporal.stop();
    await mongo.stop();
  }
}

/** Counts the sandbox's answers over the given minutes, after the flood has used the first minute's rate. */
async function measure(url: string, people: Flood, minutes: number, rate: number): Promise<CallCount[]> {
  const controls = controlsOf({ url });
  const sum = (calls: CallCount[]) => calls.reduce((total, { count }) => total + count, 0);
  while (sum(await controls.calls()) < rate * 0.95) {
    people.edit();
    await sleep(LOOK_MS);
  }
  await controls.resetStats();
  const until = Date.now() + minutes * 60_000;
  let reportedAt = Date.now();
  while (Date.now() < until) {
    people.edit();
    await sleep(Math.min(LOOK_MS, Math.max(0, until - Date.now())));
    if (Date.now() - reportedAt < 15_000) continue;
    reportedAt = Date.now();
    console.log(`${Math.round((until - reportedAt) / 1000)} s left: ${sum(await controls.calls())} calls`);
  }
  return controls.calls();
}

/** People who create projects, and then edit the projects that have arrived. */
class Flood {
  private readonly titles = new Map<string, string>();
  private edits = 0;

  constructor(
    private readonly pms: PmsSandbox,
    private readonly zendesk: ZendeskSandbox,
  ) {}

  edit(): void {
    const subjects = new Map(
      [...this.zendesk.store.tickets.values()].map((ticket) => [ticket.external_id, ticket.subject]),
    );
    const arrived = [...this.titles].filter(([id, title]) => subjects.get(`pms:project:${id}`) === title);
    let open = this.titles.size - arrived.length;
    for (; open < AHEAD && this.titles.size < PAIRS; open += 1) {
      const title = this.next();
      this.titles.set(this.pms.store.create('project', { title }, PERSON).id, title);
    }
    for (const [id] of arrived) {
      if (open >= AHEAD) break;
      const title = this.next();
      this.pms.store.update('project', id, { title }, undefined, PERSON);
      // Moved to the end, so that the next edits concern other projects.
      this.titles.delete(id);
      this.titles.set(id, title);
      open += 1;
    }
  }

  private next(): string {
    this.edits += 1;
    return `Edit ${this.edits}`;
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
