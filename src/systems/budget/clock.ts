import { setTimeout as sleep } from 'node:timers/promises';

/** The workers' clocks must agree within a second, as machines that keep time by NTP do. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Rejects when the signal ends it. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Milliseconds, as whoever tries again counts them, until a time of this clock. */
  until(at: number): number;
}

export const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) => sleep(ms, undefined, signal && { signal }),
  until: (at) => at - Date.now(),
};
