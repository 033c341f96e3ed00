import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { MongoClient } from 'mongodb';
import { receiveWebhooks, type RunningReceiver } from '../demo/webhooks';
import { NOTHING_HELD, WorkerProcess, serviceSettings } from '../demo/worker';
import { startPmsSandbox, type PmsSandbox } from 'pms-sandbox';
import { controlsOf } from 'testkit';
import { NO_LIMITS, type LimitOptions, startZendeskSandbox, type ZendeskSandbox } from 'zendesk-sandbox';
import type { startMongo, startTemporal } from '../../src/platform/embedded/embeddedServers';
import { openLinkStore, type LinkStore } from '../../src/links/linkStore';
import { PAIRS_AT_WORK } from '../../src/workers/pairSignals';
import { generateAccount, type AccountOptions, type AccountSize } from './backfill/generate';

/** One Temporal and one MongoDB for the whole run. */
export interface Servers {
  temporal: Awaited<ReturnType<typeof startTemporal>>;
  mongo: Awaited<ReturnType<typeof startMongo>>;
}

export interface Sandboxes {
  zendesk: ZendeskSandbox;
  pms: PmsSandbox;
}

export interface Call {
  side: string;
  method: string;
  route: string;
  status: number;
  count: number;
}

const MAIN = path.resolve(__dirname, '../../src/operator/cli/main.js');
const LOOK_MS = 250;
const QUIET_LOOKS = 6;
const UNLIMITED = 1_000_000;

/** Both sandboxes with an account in them, without limits except the given ones. */
export async function startSandboxes(
  account: AccountOptions,
  limit: Partial<LimitOptions> = {},
): Promise<Sandboxes & { size: AccountSize; close(): Promise<void> }> {
  let at: number | null = Date.now() - 90 * 24 * 3_600_000;
  const clock = () => at ?? Date.now();
  const zendesk = await startZendeskSandbox({
    ...NO_LIMITS,
    ...limit,
    clock,
  });
  const pms = await startPmsSandbox({ rateLimitPerMinute: UNLIMITED, clock });
  const size = generateAccount({ zendesk, pms }, account, (ms) => void (at = (at ?? 0) + ms));
  at = null;
  return {
    zendesk,
    pms,
    size,
    async close() {
      await zendesk.close();
      await pms.close();
    },
  };
}

/** The service as a separate process over two sandboxes, with its own task queue and database. */
export class Bed {
  private receiver: RunningReceiver | null = null;

  private constructor(
    readonly name: string,
    readonly sandboxes: Sandboxes,
    readonly servers: Servers,
    readonly env: NodeJS.ProcessEnv,
    readonly worker: WorkerProcess,
    readonly client: Client,
    readonly store: LinkStore,
    readonly folder: string,
    private readonly mongo: MongoClient,
  ) {}

  static async start(
    servers: Servers,
    sandboxes: Sandboxes,
    env: Record<string, string> = {},
    args: string[] = ['--only', 'worker'],
  ): Promise<Bed> {
    const name = `bench-${randomBytes(3).toString('hex')}`;
    const folder = mkdtempSync(path.join(tmpdir(), 'zps-bench-'));
    const settings = {
      ...serviceSettings(name, { ...servers, ...sandboxes }),
      ...NOTHING_HELD,
      MAPPING_FILE: path.resolve(__dirname, '../../../mapping.yaml'),
      ZENDESK_CALLS_PER_MINUTE: String(UNLIMITED),
      PMS_CALLS_PER_MINUTE: String(UNLIMITED),
      RECONCILE_CRON: 'off',
      // For a page of links in their order, the Java server reads all of them and serves no other call meanwhile.
      HYGIENE_MINUTES: '1440',
      LOG_LEVEL: 'warn',
      ...env,
    };
    const mongo = await MongoClient.connect(servers.mongo.uri);
    const store = await openLinkStore(mongo.db(name));
    const client = new Client({
      connection: await Connection.connect({ address: servers.temporal.address }),
    });
    const worker = new WorkerProcess([MAIN, 'start', ...args], settings, path.join(folder, 'worker.log'));
    return new Bed(name, sandboxes, servers, settings, worker, client, store, folder, mongo);
  }

  async receiveWebhooks(): Promise<RunningReceiver> {
    return (this.receiver = await receiveWebhooks(this.env, this.folder));
  }

  async stop(): Promise<void> {
    await this.receiver?.stop();
    await this.worker.stop();
    for await (const { scheduleId } of this.client.schedule.list())
      if (scheduleId.startsWith(this.name)) await this.client.schedule.getHandle(scheduleId).delete();
    await this.client.connection.close();
    await this.mongo.close();
  }

  /** Waits until a condition holds. @throws Error after the given time */
  async until(what: string, holds: () => boolean | Promise<boolean>, withinMs = 10 * 60_000): Promise<void> {
    const end = Date.now() + withinMs;
    while (!(await holds())) {
      if (Date.now() > end)
        throw new Error(`${what}: not within ${withinMs / 1000} s (logs: ${this.folder})`);
      await sleep(LOOK_MS);
    }
  }

  quiet(): Promise<void> {
    return untilQuiet(this.client, this.name);
  }
}

/** Waits until no pair of a task queue is at work. */
export async function untilQuiet(client: Client, taskQueue: string): Promise<void> {
  const query = `TaskQueue = '${taskQueue}' AND ${PAIRS_AT_WORK}`;
  for (let looks = 0; looks < QUIET_LOOKS;) {
    await sleep(LOOK_MS);
    const { count } = await client.workflow.count(query);
    looks = count === 0 ? looks + 1 : 0;
  }
}

/** The calls that the sandboxes have answered since they started, or since {@link resetCalls}. */
export async function callsOf(sandboxes: Sandboxes): Promise<Call[]> {
  const all: Call[] = [];
  for (const side of ['zendesk', 'pms'] as const) {
    const calls = await controlsOf(sandboxes[side]).calls();
    all.push(...calls.map((call) => ({ ...call, side })));
  }
  return all;
}

export async function resetCalls({ zendesk, pms }: Sandboxes): Promise<void> {
  for (const sandbox of [zendesk, pms]) await controlsOf(sandbox).resetStats();
}

/** Whether the call reads changes; other calls carry them. */
export const isIntake = ({ route }: Call): boolean =>
  route.includes('/incremental/') || route.endsWith('/changes');

export const total = (calls: readonly Call[]): number => calls.reduce((sum, { count }) => sum + count, 0);

/** The most frequent routes first. */
export function byRoute(calls: readonly Call[]): Record<string, number> {
  const found = new Map<string, number>();
  for (const { side, method, route, count } of calls) {
    const name = `${side} ${method} ${route}`;
    found.set(name, (found.get(name) ?? 0) + count);
  }
  return Object.fromEntries([...found].sort(([, a], [, b]) => b - a));
}

export function log(line: string): void {
  process.stderr.write(`${new Date().toISOString()} ${line}\n`);
}
