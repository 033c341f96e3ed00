import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { MongoClient, type Db } from 'mongodb';
import { NOTHING_HELD, WorkerProcess, serviceSettings } from '../../apps/demo/worker';
import { SYNC_PERSON, startPmsSandbox, type PmsSandbox } from 'pms-sandbox';
import { SIDES, controlsOf, type Side } from 'testkit';
import { NO_LIMITS, startZendeskSandbox, type ZendeskSandbox } from 'zendesk-sandbox';
import type { CallCount, FaultInput } from 'zendesk-sandbox/common';
import {
  startMongo,
  startTemporal,
  type EmbeddedMongo,
  type EmbeddedTemporal,
} from '../../src/platform/embedded/embeddedServers';
import { freePort } from '../../src/platform/ports';
import { PAIRS_AT_WORK } from '../../src/workers/pairSignals';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/searchAttributes';
import { StepDownProxy, everyTime } from '../support/stepDownProxy';
import { Afterwards } from './afterwards';
import { chaosMapping } from './chaosMapping';
import { Leaks } from './leaks';
import type { LinkDocument } from './linkDocument';
import { CLI, Operator } from './operator';
import type { TraceEntry } from './traceEntry';

export const PROCESSES = ['worker', 'intake', 'temporal', 'mongo'] as const;
export type ProcessName = (typeof PROCESSES)[number];

const POLL_SECONDS = 1;
const LOOK_MS = 300;
/**
 * The number of polls of each side without news before the world counts as quiet. The first may have begun earlier.
 */
const QUIET_POLLS = 3;
/** The stream whose reads show that a side was polled. */
const POLL_ROUTE: Record<Side, string> = {
  zendesk: '/api/v2/incremental/tickets/cursor',
  pms: '/api/v1/changes',
};
/** Longer than any delay after a fault: activities wait two minutes at most. */
const REST_WITHIN_MS = 240_000;
const IDLE_WITHIN_MS = 60_000;

export interface Totals {
  faults: Record<string, number>;
  kills: Record<string, number>;
  calls: Record<Side, number>;
}

/**
 * Everything that a run needs: servers and service as processes that can be killed, and both systems in this process.
 */
export class World {
  /** Faults that stay in addition to the present weather. */
  climate: FaultInput[] = [];
  readonly kills: Record<string, number> = {};
  readonly leaks: Leaks;
  readonly operator: Operator;
  readonly afterwards = new Afterwards();
  /** Every state of each record, for the analysis of a violation. */
  readonly trace: TraceEntry[] = [];
  private temporalConnection: { connection: Connection; client: Client } | null = null;
  private readonly mongoClient: MongoClient;
  /** The frozen worker, with the timer that resumes it. */
  private frozen: { worker: WorkerProcess; timer: NodeJS.Timeout } | null = null;

  private constructor(
    readonly zendesk: ZendeskSandbox,
    readonly pms: PmsSandbox,
    private readonly servers: { temporal: EmbeddedTemporal; mongo: EmbeddedMongo },
    /** Between the service and MongoDB. */
    private readonly stepDowns: StepDownProxy,
    private readonly ports: { temporal: number; mongo: number },
    private readonly processes: { workers: WorkerProcess[]; intake: WorkerProcess },
    /** For every process of the service, and for the operator's commands. */
    env: NodeJS.ProcessEnv,
    readonly folder: string,
    private readonly run: string,
  ) {
    this.keepTrace();
    this.leaks = new Leaks(zendesk, pms);
    this.operator = new Operator(env);
    this.mongoClient = new MongoClient(servers.mongo.uri, { serverSelectionTimeoutMS: 60_000 });
  }

  /**
   * @param preload modules that every process of the service loads first: mutations, or the recorder
   * @param workers the number of worker processes
   * @param more environment variables for the modules loaded first
   */
  static async start(
    seed: number,
    {
      preload = [],
      workers = 1,
      env: more = {},
    }: { preload?: string[]; workers?: number; env?: NodeJS.ProcessEnv } = {},
  ): Promise<World> {
    const folder = mkdtempSync(path.join(tmpdir(), 'zps-chaos-'));
    const run = `chaos-${randomBytes(3).toString('hex')}`;
    const ports = { temporal: await freePort(), mongo: await freePort() };
    const dataDir = path.join(folder, 'data');
    mkdirSync(dataDir);
    const temporal = await startTemporal({
      dataDir,
      temporalPort: ports.temporal,
      searchAttributes: SEARCH_ATTRIBUTES,
    });
    const mongo = await startMongo({ dataDir, mongoPort: ports.mongo });
    const stepDowns = await StepDownProxy.start(mongo.uri);
    const zendesk = await startZendeskSandbox({ ...NO_LIMITS, seed });
    const pms = await startPmsSandbox({ rateLimitPerMinute: NO_LIMITS.rateLimitPerMinute, seed: seed + 1 });
    const receiver = await freePort();
    const env = {
      ...more,
      ...serviceSettings(run, { temporal, mongo, zendesk, pms }),
      ...NOTHING_HELD,
      MONGODB_URI: stepDowns.uri(),
      MAPPING_FILE: chaosMapping(folder),
      ZENDESK_CALLS_PER_MINUTE: '1000000',
      PMS_CALLS_PER_MINUTE: '1000000',
      ZENDESK_POLL_SECONDS: String(POLL_SECONDS),
      PMS_POLL_SECONDS: String(POLL_SECONDS),
      LOG_LEVEL: 'info',
      INTAKE_PORT: String(receiver),
      PUBLIC_URL: `http://127.0.0.1:${receiver}`,
    };
    // Installed like an operator does it, by our own command, which writes the secrets to files.
    const install = [CLI, 'webhooks', 'install', '--secrets-dir', folder];
    await promisify(execFile)(process.execPath, install, { env });
    const secrets = {
      ZENDESK_WEBHOOK_SECRET_FILE: path.join(folder, 'zendesk-webhook-secret'),
      PMS_WEBHOOK_SECRET_FILE: path.join(folder, 'pms-webhook-secret'),
    };
    const required = preload.flatMap((file) => ['--require', file]);
    const part = (name: 'worker' | 'intake', log: string) =>
      new WorkerProcess(
        [...required, CLI, 'start', '--only', name],
        { ...env, ...secrets },
        path.join(folder, `${log}.log`),
      );
    const processes = {
      workers: Array.from({ length: workers }, (_, n) =>
        part('worker', n === 0 ? 'worker' : `worker-${n + 1}`),
      ),
      intake: part('intake', 'intake'),
    };
    const world = new World(
      ...([zendesk, pms, { temporal, mongo }, stepDowns, ports, processes] as const),
      ...([{ ...env, ...secrets }, folder, run] as const),
    );
    world.startService();
    // The service refuses a mapping whose fields never existed, so administrators act only after the first start.
    await world.polled();
    return world;
  }

  /** Kills a process, like a power cut. It is restarted after a moment, as by a supervisor. */
  async kill(name: ProcessName): Promise<void> {
    const before = this.kills[name] ?? 0;
    this.kills[name] = before + 1;
    const { workers, intake } = this.processes;
    if (name === 'worker' || name === 'intake') {
      // The workers are killed in turn.
      const victim = name === 'intake' ? intake : workers[before % workers.length];
      victim?.kill();
      return;
    }
    const { pid } = this.servers[name];
    if (pid === null) throw new Error(`${name} was not started here, so it cannot be killed`);
    process.kill(pid, 'SIGKILL');
    await this.servers[name].stop();
    const dataDir = path.join(this.folder, 'data');
    if (name === 'temporal')
      this.servers.temporal = await startTemporal({
        dataDir,
        temporalPort: this.ports.temporal,
        searchAttributes: SEARCH_ATTRIBUTES,
      });
    else this.servers.mongo = await startMongo({ dataDir, mongoPort: this.ports.mongo });
  }

  /** From now on, the primary steps down at every n-th command of the service. */
  stepDown(every: number): void {
    this.stepDowns.decide = everyTime(every);
  }

  /** Freezes a worker, as on a machine that swaps. It continues long after others took over its work. */
  freeze(n: number, ms: number): void {
    const worker = this.processes.workers[n % this.processes.workers.length];
    if (this.frozen || worker?.pid == null) return;
    this.kills['frozen worker'] = (this.kills['frozen worker'] ?? 0) + 1;
    worker.signal('SIGSTOP');
    this.frozen = { worker, timer: setTimeout(() => this.thaw(), ms) };
  }

  /** Ends the faults of an episode: step-downs and a frozen worker. */
  calm(): void {
    this.stepDowns.decide = () => null;
    this.thaw();
  }

  private thaw(): void {
    if (!this.frozen) return;
    clearTimeout(this.frozen.timer);
    this.frozen.worker.signal('SIGCONT');
    this.frozen = null;
  }

  startService(): void {
    const { workers, intake } = this.processes;
    for (const each of [...workers, intake]) each.start();
  }

  async stopService(): Promise<void> {
    this.thaw();
    const { workers, intake } = this.processes;
    await Promise.all([...workers, intake].map((each) => each.stop()));
  }

  /** Runs `work` while every process of the service is stopped, so that it sees one state of the link store. */
  async atStandstill<T>(work: () => Promise<T>): Promise<T> {
    this.thaw();
    const all = [...this.processes.workers, this.processes.intake];
    for (const each of all) each.signal('SIGSTOP');
    try {
      // Earlier requests to MongoDB are complete by then.
      await sleep(LOOK_MS);
      return await work();
    } finally {
      for (const each of all) each.signal('SIGCONT');
    }
  }

  /** The service's database, without the proxy. */
  get linkStore(): Db {
    return this.mongoClient.db(this.run);
  }

  /**
   * Restarts the workers, as an operator may after a change of fields: each worker reads the lists of fields when it
   * starts.
   */
  restartWorkers(): void {
    for (const worker of this.processes.workers) worker.kill();
  }

  async setFaults(side: Side, rules: FaultInput[]): Promise<void> {
    await controlsOf(this[side]).setFaults(...rules, ...this.climate);
  }

  /**
   * @returns null after no pair was at work and nothing was written during two polls; otherwise the present activity
   */
  async rest(): Promise<string | null> {
    const deadline = Date.now() + REST_WITHIN_MS;
    let quiet = await this.activity();
    for (;;) {
      await sleep(LOOK_MS);
      const now = await this.activity();
      if (now.running > 0 || now.writes !== quiet.writes) quiet = now;
      if (SIDES.every((side) => now.polls[side] - quiet.polls[side] >= QUIET_POLLS)) return null;
      if (Date.now() > deadline)
        return `not at rest after ${REST_WITHIN_MS / 1000} s: ${now.running} workflows running, writes ${now.writes}`;
    }
  }

  private async polled(): Promise<void> {
    const deadline = Date.now() + REST_WITHIN_MS;
    while (Object.values((await this.activity()).polls).includes(0)) {
      if (Date.now() > deadline) throw new Error(`the service did not start; see the logs in ${this.folder}`);
      await sleep(LOOK_MS);
    }
  }

  /** Waits until no pair is at work, for a limited time in bad weather. */
  async idle(): Promise<void> {
    const deadline = Date.now() + IDLE_WITHIN_MS;
    do await sleep(LOOK_MS);
    while ((await this.activity()).running > 0 && Date.now() < deadline);
  }

  /** Whether the sync writes although no person acts. @returns the writes, as text */
  async writesWhileQuiet(): Promise<string | null> {
    const before = await this.activity();
    for (;;) {
      await sleep(LOOK_MS);
      const now = await this.activity();
      if (now.writes !== before.writes) return `${before.writes} → ${now.writes}`;
      if (SIDES.every((side) => now.polls[side] - before.polls[side] >= QUIET_POLLS)) return null;
    }
  }

  async failedWorkflows(): Promise<string[]> {
    const failed: string[] = [];
    const query = `TaskQueue = '${this.run}' AND ExecutionStatus IN ('Failed', 'TimedOut', 'Terminated')`;
    for await (const { workflowId } of (await this.client()).workflow.list({ query }))
      failed.push(workflowId);
    return failed;
  }

  async links(): Promise<LinkDocument[]> {
    const links = await this.linkStore.collection<LinkDocument>('links').find().toArray();
    return links.map((link) => this.afterwards.withLostHistory(link));
  }

  /** Records that the sync created, by its journal: the answer came, or the record was found. */
  async made(): Promise<Set<string>> {
    const entries = this.linkStore.collection<{ ref: string | null; outcome: string; op: string }>('journal');
    const done = await entries.find({ op: 'create', outcome: 'done' }).toArray();
    return new Set(done.flatMap(({ ref }) => ref ?? []));
  }

  /** Writes everything that is known to the run's folder. @returns the file */
  async dump(more: object): Promise<string> {
    const file = path.join(this.folder, 'violation.json');
    writeFileSync(file, JSON.stringify({ ...more, links: await this.links(), trace: this.trace }, null, 1));
    return file;
  }

  async totals(): Promise<Totals> {
    const faults: Record<string, number> = {};
    for (const side of SIDES)
      for (const [kind, count] of Object.entries(await controlsOf(this[side]).struck()))
        faults[kind] = (faults[kind] ?? 0) + count;
    const count = async (side: Side) =>
      (await this.calls(side)).reduce((sum, { count: times }) => sum + times, 0);
    for (const made of this.stepDowns.made.values()) faults['step-down'] = (faults['step-down'] ?? 0) + made;
    return { faults, kills: this.kills, calls: { zendesk: await count('zendesk'), pms: await count('pms') } };
  }

  async stop(): Promise<void> {
    this.calm();
    await this.stopService();
    await this.stepDowns.stop();
    await this.temporalConnection?.connection.close();
    await this.mongoClient.close();
    await this.zendesk.close();
    await this.pms.close();
    await this.servers.temporal.stop();
    await this.servers.mongo.stop();
  }

  private async activity(): Promise<{ running: number; writes: string; polls: Record<Side, number> }> {
    const client = await this.client();
    const running = [PAIRS_AT_WORK, `ExecutionStatus = 'Running' AND WorkflowType = 'linkHygiene'`];
    const counts = running.map((what) => client.workflow.count(`TaskQueue = '${this.run}' AND ${what}`));
    const count = (await Promise.all(counts)).reduce((sum, each) => sum + each.count, 0);
    const calls = { zendesk: await this.calls('zendesk'), pms: await this.calls('pms') };
    const counted = (side: Side, wanted: (call: CallCount) => boolean) =>
      calls[side]
        .filter((call) => call.status < 300 && wanted(call))
        .reduce((sum, each) => sum + each.count, 0);
    const of = (wanted: (call: CallCount, side: Side) => boolean) => ({
      zendesk: counted('zendesk', (call) => wanted(call, 'zendesk')),
      pms: counted('pms', (call) => wanted(call, 'pms')),
    });
    const writes = of(({ method }) => method !== 'GET');
    const polls = of(({ route }, side) => route === POLL_ROUTE[side]);
    return { running: count, writes: `${writes.zendesk}+${writes.pms}`, polls };
  }

  private keepTrace(): void {
    const note = (ref: string, by: unknown, what: string, record: unknown) =>
      void this.trace.push({ at: new Date().toISOString(), ref, by: String(by), what, record });
    const { zendesk, pms } = this;
    const { onEvent } = zendesk.store;
    zendesk.store.onEvent = (event) => {
      onEvent(event);
      const { type, kind, record, actorId } = event;
      note(`zendesk:${kind}:${record.id}`, zendesk.store.users.get(actorId ?? 0)?.email, type, record);
    };
    const { onChange } = pms.store;
    pms.store.onChange = (change) => {
      onChange(change);
      const { kind, id, op, actorId, record } = change;
      note(`pms:${kind}:${id}`, pms.store.people.get(actorId)?.email, op, record);
    };
  }

  /** Calls of the sync. People act without HTTP, the checker has another user, and token requests have none. */
  private async calls(side: Side): Promise<CallCount[]> {
    const user = side === 'zendesk' ? this.zendesk.adminEmail : SYNC_PERSON.email;
    return (await controlsOf(this[side]).calls()).filter((call) => call.user === user);
  }

  private async client(): Promise<Client> {
    if (!this.temporalConnection) {
      const connection = await Connection.connect({ address: this.servers.temporal.address });
      this.temporalConnection = { connection, client: new Client({ connection }) };
    }
    return this.temporalConnection.client;
  }
}
