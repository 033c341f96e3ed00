import { setTimeout as sleep } from 'node:timers/promises';

/** The clocks of all workers must agree within a second, which NTP ensures. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Rejects if the signal aborts it. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Milliseconds from now until a time of this clock, for the delay of a retry. */
  until(at: number): number;
}

export const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) => sleep(ms, undefined, signal && { signal }),
  until: (at) => at - Date.now(),
};
