import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import type { ZendeskSandbox } from 'zendesk-sandbox';
import type { EmbeddedMongo, EmbeddedTemporal } from '../../src/platform/embedded/embeddedServers';

/** Settings of a service that syncs two sandboxes, with its own name on the servers. */
export function serviceSettings(
  name: string,
  {
    temporal,
    mongo,
    zendesk,
    pms,
  }: {
    temporal: EmbeddedTemporal;
    mongo: EmbeddedMongo;
    zendesk: ZendeskSandbox;
    pms: { url: string; token: string };
  },
): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    TEMPORAL_ADDRESS: temporal.address,
    MONGODB_URI: mongo.uri,
    MONGODB_DATABASE: name,
    TASK_QUEUE: name,
    ZENDESK_BASE_URL: zendesk.url,
    ZENDESK_OAUTH_CLIENT_ID: zendesk.clientId,
    ZENDESK_OAUTH_CLIENT_SECRET: zendesk.clientSecret,
    PMS_BASE_URL: pms.url,
    PMS_TOKEN: pms.token,
  };
}

const MORE_THAN_THERE_ARE = '100% 1000000 1000000';
/** For runs in which people change all records in the same way on purpose: the brake counts, and holds nothing. */
export const NOTHING_HELD = {
  BRAKE_ENDS: MORE_THAN_THERE_ARE,
  BRAKE_ARCHIVES: MORE_THAN_THERE_ARE,
  BRAKE_EMPTIED: MORE_THAN_THERE_ARE,
  BRAKE_REPLACED: MORE_THAN_THERE_ARE,
  BRAKE_REMAPPED: MORE_THAN_THERE_ARE,
};

/** The service as a separate process, which is restarted when it ends, as by an operator's supervisor. */
export class WorkerProcess {
  restarts = 0;
  private child: ChildProcess | null = null;
  private stopping = false;
  private restart: NodeJS.Timeout | null = null;

  constructor(
    private readonly command: string[],
    private readonly env: NodeJS.ProcessEnv,
    readonly logFile: string,
  ) {}

  /** Can be called again after `stop`. */
  start(): void {
    this.stopping = false;
    const log = openSync(this.logFile, 'a');
    const child = spawn(process.execPath, this.command, {
      env: this.env,
      stdio: ['ignore', log, log],
      detached: true,
    });
    this.child = child;
    child.once('exit', () => {
      if (this.stopping) return;
      this.restarts += 1;
      this.restart = setTimeout(() => this.start(), 1_000);
    });
  }

  get pid(): number | null {
    return this.child?.pid ?? null;
  }

  /** Like a power cut. */
  kill(): void {
    this.signal('SIGKILL');
  }

  signal(name: NodeJS.Signals): void {
    this.child?.kill(name);
  }

  async stop(): Promise<void> {
    this.stopping = true;
    if (this.restart) clearTimeout(this.restart);
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    const killTimer = setTimeout(() => child.kill('SIGKILL'), 30_000);
    await exited;
    clearTimeout(killTimer);
  }
}
