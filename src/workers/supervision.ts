import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError } from '../config/config';
import { NewerStore } from '../links/migrations/storedSchema';
import { Starts } from '../links/failedStarts';
import { MappingError } from '../sync/mappingFile';
import { SIDES } from '../sync/record';
import { NeedsHuman, RetryLater, publicMessage } from '../systems/errors';
import { serveConnection, type Backbone, type Connection, type Served } from './connection';
import type { Allowance } from './share';

/** Interval of attempts while a person must correct something, and, after some faster attempts, for other failures. */
const RETRY_MS = 30_000;
const FIRST_RETRY_MS = 2_000;

/**
 * One connection of several: served while it can be, and tried again while it cannot, whatever the others do. Why it
 * cannot is in the log, and in its database for `status` and the console.
 */
export class Supervised implements Served {
  readonly done: Promise<void>;
  private readonly stopping = new AbortController();
  private readonly starts: Starts;
  private readonly process = `${hostname()}:${process.pid}`;
  private served: Served | null = null;
  /** Since when it cannot be served; null while it is. */
  private since: string | null = null;

  constructor(
    private readonly connection: Connection,
    private readonly backbone: Backbone,
    private readonly allowance: Allowance,
  ) {
    this.starts = new Starts(backbone.mongo.db(connection.config.mongodbDatabase));
    this.done = this.keep();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.served?.stop();
    await this.done;
  }

  private async keep(): Promise<void> {
    const { signal } = this.stopping;
    let wait = FIRST_RETRY_MS;
    while (!signal.aborted) {
      try {
        await this.serve();
      } catch (error) {
        if (this.since === null) wait = FIRST_RETRY_MS;
        wait = isForPerson(error) ? RETRY_MS : Math.min(2 * wait, RETRY_MS);
        await this.tell(error, wait);
        await sleep(wait, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** Resolves once it was stopped. */
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

  private async tell(error: unknown, wait: number): Promise<void> {
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
      log.warn({ err: failure }, 'why it cannot be served could not be kept');
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
