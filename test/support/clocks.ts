import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../src/systems/budget/clock';

/** A clock that runs a number of times as fast as the machine's. */
export function fastClock(speed: number): Clock {
  const started = Date.now();
  const now = () => started + (Date.now() - started) * speed;
  return {
    now,
    sleep: (ms, signal) => sleep(ms / speed, undefined, signal && { signal }),
    until: (at) => (at - now()) / speed,
  };
}

/** A clock that a test moves. */
export class ManualClock implements Clock {
  private readonly sleepers = new Set<{ at: number; wake: () => void }>();

  constructor(private time = Date.parse('2026-11-29T12:00:00Z')) {}

  now = (): number => this.time;

  until = (at: number): number => at - this.time;

  sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(new Error('aborted'));
      const sleeper = { at: this.time + ms, wake: resolve };
      this.sleepers.add(sleeper);
      signal?.addEventListener('abort', () => {
        this.sleepers.delete(sleeper);
        reject(new Error('aborted'));
      });
      return undefined;
    });

  /** Advances in small steps, and lets calls in progress and awakened calls finish after each. */
  async advance(ms: number, step = 500, rest: () => Promise<void> = () => sleep(2)): Promise<void> {
    await rest();
    for (let moved = 0; moved < ms; moved += step) {
      this.time += Math.min(step, ms - moved);
      const due = [...this.sleepers].filter(({ at }) => at <= this.time);
      for (const sleeper of due) {
        this.sleepers.delete(sleeper);
        sleeper.wake();
      }
      // All callers sleep, so only a step that awakens a caller changes anything.
      if (due.length > 0) await rest();
    }
  }
}
