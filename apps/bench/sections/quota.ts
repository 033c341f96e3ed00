import { setTimeout as sleep } from 'node:timers/promises';
import { startBackfill } from '../../../src/workers/startBackfill';
import { Bed, callsOf, resetCalls, log, startSandboxes, total, type Call, type Servers } from '../bed';

/**
 * Calls a minute of the smallest of Zendesk's plans:
 * https://developer.zendesk.com/api-reference/introduction/rate-limits/
 */
const RATE = 200;
/** Each note becomes a comment by a separate call, so there is work for every minute. */
const NOTES = 600;

export interface Quota {
  minutes: number;
  allowed: number;
  /** Answers other than 429. */
  useful: number;
  used: number;
  rate429: number;
}

/** A backfill against a Zendesk that refuses every call above its rate, measured from its first full minute. */
export async function quota(servers: Servers, minutes: number): Promise<Quota> {
  const boxes = await startSandboxes(
    { tickets: NOTES * 10, commentsPerTicket: 0, notes: NOTES },
    { rateLimitPerMinute: RATE },
  );
  const bed = await Bed.start(servers, boxes, { ZENDESK_CALLS_PER_MINUTE: String(RATE) });
  const zendesk = async (): Promise<Call[]> =>
    (await callsOf(boxes)).filter(({ side }) => side === 'zendesk');
  try {
    await startBackfill(bed.client, bed.store, bed.name);
    bed.worker.start();
    await bed.until('the notes are being written', async () =>
      (await zendesk()).some(({ method, route }) => method === 'PUT' && route.endsWith('/tickets/:id')),
    );
    await sleep(60_000);
    await resetCalls(boxes);
    await sleep(minutes * 60_000);
    const calls = await zendesk();
    const refused = total(calls.filter(({ status }) => status === 429));
    const useful = total(calls) - refused;
    log(`${useful} of ${RATE * minutes} calls, ${refused} refused`);
    return {
      minutes,
      allowed: RATE * minutes,
      useful,
      used: useful / (RATE * minutes),
      rate429: refused / total(calls),
    };
  } finally {
    await bed.stop();
    await boxes.close();
  }
}
