import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError } from '../config/config';
import { NewerStore } from '../links/migrations/storedSchema';
import { Starts } from '../links/failedStarts';
import { MappingError } from '../sync/mappingFile';
import { SIDES } from '../sync/record';
import { NeedsHuman, RetryLater, publicMessage } from '../systems/errors';
import { serveConnection, type Backbone, type Connection, type ServedConnection } from './connection';
import type { Allowance } from './share';

/** The longest interval between attempts. If a person must correct something, all intervals have this length. */
const RETRY_MS = 30_000;
const FIRST_RETRY_MS = 2_000;

/**
 * Serves one of several connections. If the connection cannot be served, or fails, it is tried again, independently of
 * the others. The reason is in the log, and in the connection's database for `status` and the console.
 */
export class Supervised implements ServedConnection {
  readonly done: Promise<void>;
  private readonly stopping = new AbortController();
  private readonly starts: Starts;
  private readonly process = `${hostname()}:${process.pid}`;
  private served: ServedConnection | null = null;
  /** ISO time since when the connection cannot be served; null while it is served. */
  private since: string | null = null;

  constructor(
    private readonly connection: Connection,
    private readonly backbone: Backbone,
    private readonly allowance: Allowance,
  ) {
    this.starts = new Starts(backbone.mongo.db(connection.config.mongodbDatabase));
    this.done = this.serveUntilStopped();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.served?.stop();
    await this.done;
  }

  private async serveUntilStopped(): Promise<void> {
    const { signal } = this.stopping;
    let wait = FIRST_RETRY_MS;
    while (!signal.aborted) {
      try {
        await this.serve();
      } catch (error) {
        if (this.since === null) wait = FIRST_RETRY_MS;
        wait = isForPerson(error) ? RETRY_MS : Math.min(2 * wait, RETRY_MS);
        await this.report(error, wait);
        await sleep(wait, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** Serves the connection. Resolves when it was stopped. */
  private async serve(): Promise<void> {
    const { connection, starts, stopping } = this;
    const { log } = connection;
    const parts = connection.parts();
    for (const side of SIDES)
      log.info({ side, as: await parts.systems[side].whoAmI() }, 'credential accepted');
    this.served = await serveConnection(parts, connection, this.backbone, this.allowance);
    try {
      await starts.clear(this.process);
      if (this.since !== null) log.info({ since: this.since }, 'served again');
      this.since = null;
      if (stopping.signal.aborted) await this.served.stop();
      await this.served.done;
    } finally {
      this.served = null;
    }
  }

  private async report(error: unknown, wait: number): Promise<void> {
    const { log } = this.connection;
    const why = wordsOf(error);
    const now = Date.now();
    this.since ??= new Date(now).toISOString();
    const nextAttempt = new Date(now + wait).toISOString();
    if (isForPerson(error) || error instanceof RetryLater)
      log.error({ faults: why.split('\n'), nextAttempt }, 'this connection cannot be served; the others are');
    else log.error({ err: error, nextAttempt }, 'this connection cannot be served; the others are');
    try {
      await this.starts.note({ process: this.process, why, since: this.since, nextAttempt });
    } catch (failure) {
      log.warn({ err: failure }, 'the reason why this connection cannot be served could not be stored');
    }
  }
}

/** Whether a person must correct something: a credential, the mapping, a setting, the running release. */
function isForPerson(error: unknown): boolean {
  return [NeedsHuman, MappingError, ConfigError, NewerStore].some((kind) => error instanceof kind);
}

function wordsOf(error: unknown): string {
  return error instanceof NeedsHuman || error instanceof RetryLater ? error.message : publicMessage(error);
}
