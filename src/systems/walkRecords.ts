import { setTimeout as sleep } from 'node:timers/promises';
import { RetryLater } from './errors';
import type { ChangePage, SystemPort, WalkPage } from './port';

/** The number of failures in a row after which a walk gives up. */
const ATTEMPTS = 10;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 60_000;

/** One page of all records of a system. */
export type WalkedPage = Pick<ChangePage, 'records' | 'gone' | 'unreadable'>;

/**
 * Reads all records of a system, page by page: every change stream from its beginning to its present end or, if there
 * are no streams, the lists of these kinds. After a rate limit or a transient failure, it waits as long as the system
 * asks, and continues.
 *
 * @throws RetryLater after too many failures in a row
 */
export async function* walk(port: SystemPort, kinds: Iterable<string>): AsyncIterable<WalkedPage> {
  // Streams that follow others come first, because they show more of these records: comments show who may see a ticket.
  for (const stream of [...port.streams].reverse()) {
    let cursor: string | null = null;
    for (;;) {
      const from: string | null = cursor;
      const page: ChangePage = await patiently(() => port.changes(stream, from));
      yield page;
      if (!page.more) break;
      cursor = page.cursor;
    }
  }
  if (port.streams.length > 0) return;
  for (const kind of kinds) {
    let cursor: string | null = null;
    do {
      const from: string | null = cursor;
      const page: WalkPage = await patiently(() => port.walk(kind, from, null));
      yield { ...page, gone: [] };
      cursor = page.cursor;
    } while (cursor !== null);
  }
}

async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof RetryLater) || attempt === ATTEMPTS) throw error;
      const backoff = Math.min(FIRST_DELAY_MS * 2 ** (attempt - 1), LONGEST_DELAY_MS);
      await sleep(Math.max(error.options.retryAfterMs ?? 0, backoff));
    }
  }
}
