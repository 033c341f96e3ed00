import { log, type Bed } from '../bed';
import { editAtPace } from '../pace';

const SHARES = [0.1, 0.5, 0.9];
const WITHIN_MS = 120_000;

export interface Latency {
  /** Shares of the rate at which the service processes accumulated changes. */
  share: number;
  perSecond: number;
  /** Milliseconds from the edit in the PMS to the write in Zendesk. */
  p50: number;
  p95: number;
  p99: number;
}

/** Edits in the PMS at a steady pace, reported by webhooks. */
export async function latency(bed: Bed, sustainable: number, seconds: number): Promise<Latency[]> {
  await bed.receiveWebhooks();
  const results: Latency[] = [];
  for (const share of SHARES) {
    const perSecond = share * sustainable;
    const count = Math.max(20, Math.floor(perSecond * seconds));
    const at = await editAtPace(bed.sandboxes, { count, perSecond, seconds, withinMs: WITHIN_MS });
    const result = { share, perSecond, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
    log(JSON.stringify(result));
    results.push(result);
    await bed.quiet();
  }
  return results;
}
