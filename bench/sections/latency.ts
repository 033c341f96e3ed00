import { setTimeout as sleep } from 'node:timers/promises';
import { say, type Bed } from '../bed';
import { changes } from '../people';

const SHARES = [0.1, 0.5, 0.9];
const LOOK_MS = 10;
const WITHIN_MS = 120_000;

export interface Latency {
  /** Of the changes a second that the service works off when they have gathered. */
  share: number;
  perSecond: number;
  /** Milliseconds from the edit in the PMS to the write in Zendesk. */
  p50: number;
  p95: number;
  p99: number;
}

/** Edits in the PMS at a steady pace, told by webhooks. */
export async function latency(bed: Bed, sustainable: number, seconds: number): Promise<Latency[]> {
  const project = changes(bed.sandboxes).find(({ name }) => name === 'project edited');
  if (!project) throw new Error('no such change');
  await bed.receiveWebhooks();
  const results: Latency[] = [];
  for (const share of SHARES) {
    const perSecond = share * sustainable;
    const count = Math.max(20, Math.floor(perSecond * seconds));
    const open = new Map<() => boolean, number>();
    const took: number[] = [];
    const began = performance.now();
    for (let made = 0; took.length < count;) {
      const now = performance.now();
      if (now - began > seconds * 1_000 + WITHIN_MS)
        throw new Error(`${count - took.length} edits have not arrived`);
      while (made < count && now - began >= (made / perSecond) * 1_000)
        open.set(project.make((made += 1) - 1), now);
      for (const [arrived, at] of open)
        if (arrived()) {
          open.delete(arrived);
          took.push(performance.now() - at);
        }
      await sleep(LOOK_MS);
    }
    took.sort((a, b) => a - b);
    const at = (quantile: number) => Math.round(took[Math.floor(quantile * (took.length - 1))] ?? 0);
    const result = { share, perSecond, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
    say(JSON.stringify(result));
    results.push(result);
    await bed.quiet();
  }
  return results;
}
