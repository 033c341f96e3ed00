import { setMaxListeners } from 'node:events';
import { RetryLater } from '../errors';
import type { Clock } from './clock';
import type { Turn } from './budgetWindow';

/** A call that needs a permit. */
export interface Caller {
  signal: AbortSignal | undefined;
  /** Whether the call can be scheduled to come again: Temporal retries it, and it has written nothing yet. */
  canComeAgain: boolean;
  /** Whether the call comes again as scheduled. */
  awaited: boolean;
}

/** The source of the permits of one lane. */
export interface PermitSource {
  /** @returns the window of the permit; null if there is none now */
  next(awaited: boolean): Promise<number | null>;
  giveBack(window: number): void;
  /** Milliseconds until a new window begins. */
  waitMs(): number;
  /** Milliseconds until the next check for permits. */
  lookMs(): number;
  /** The expected time at which the next `ahead` calls have their permits. */
  turn(ahead: number, awaited: boolean): Turn;
  /**
   * Schedules a call. A call that was scheduled before and came too early is not counted again.
   * @returns the time at which it should come
   */
  promise(ahead: number, awaited: boolean): Promise<Turn>;
}

interface Waiting extends Caller {
  resolve(window: number): void;
  reject(error: Error): void;
}

/** A call that would wait longer than this fails with the delay of its retry, so that it does not block a worker. */
const LONGEST_WAIT_MS = 75_000;
/** A call whose turn comes within this time waits, even if more calls wait than allowed. */
const SOON_MS = 2_000;

/**
 * The queue of calls that wait for permits of one limit in one lane of this process. A bounded number of calls wait
 * here, enough to use permits as soon as they become free. Further calls are scheduled to come again.
 */
export class WaitingLine {
  private readonly waiting: Waiting[] = [];
  private serving = false;
  private alarm = new AbortController();

  /** @param most the most calls that wait here; null if all wait here */
  constructor(
    private readonly name: string,
    private readonly source: PermitSource,
    private readonly clock: Clock,
    private readonly most: number | null,
  ) {}

  /** @returns the window of the permit. @throws RetryLater if the wait would be too long, or the signal aborts it */
  join(caller: Caller): Promise<number> {
    return new Promise<number>((resolve, reject) => {
      const ended = () => this.leave(one);
      const one: Waiting = {
        ...caller,
        resolve: (window) => {
          caller.signal?.removeEventListener('abort', ended);
          resolve(window);
        },
        reject: (error) => {
          caller.signal?.removeEventListener('abort', ended);
          reject(error);
        },
      };
      // All calls of an activity share one signal.
      if (caller.signal) setMaxListeners(0, caller.signal);
      caller.signal?.addEventListener('abort', ended, { once: true });
      // A call that comes as scheduled goes before new calls.
      const place = caller.awaited ? this.waiting.findIndex(({ awaited }) => !awaited) : -1;
      this.waiting.splice(place < 0 ? this.waiting.length : place, 0, one);
      if (caller.signal?.aborted) ended();
      if (!this.serving) void this.serve();
      // One call more than allowed: schedule it at once.
      else if (this.most !== null && this.waiting.length > this.most) this.wake();
    });
  }

  /** Checks for permits now, because there may be new ones. */
  wake(): void {
    this.alarm.abort();
  }

  private leave(one: Waiting): void {
    const place = this.waiting.indexOf(one);
    if (place < 0) return;
    this.waiting.splice(place, 1);
    one.reject(new RetryLater(`${this.name}: the wait for its rate was ended`, { unknownOutcome: false }));
  }

  private async serve(): Promise<void> {
    this.serving = true;
    try {
      for (;;) {
        const [first] = this.waiting;
        if (!first) return;
        // A change from here on is noticed before the next wait.
        this.alarm = new AbortController();
        const window = await this.source.next(first.awaited);
        if (window === null) {
          await this.rest();
          continue;
        }
        // The first call may have left the queue meanwhile.
        const served = this.waiting.shift();
        if (served) served.resolve(window);
        else this.source.giveBack(window);
      }
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      for (const one of this.waiting.splice(0)) one.reject(failure);
    } finally {
      this.serving = false;
    }
  }

  /** Schedules calls that would wait too long, and waits until the next check. */
  private async rest(): Promise<void> {
    const wait = this.source.waitMs();
    if (wait > LONGEST_WAIT_MS) {
      const at = this.clock.now() + wait;
      for (const one of this.waiting.splice(0)) this.later(one, 'no call before', at);
      return;
    }
    if (this.most !== null) await this.handBack(this.most);
    await this.clock.sleep(this.source.lookMs(), this.alarm.signal).catch(() => undefined);
  }

  private async handBack(most: number): Promise<void> {
    const now = this.clock.now();
    const beyond = this.waiting.filter(
      ({ canComeAgain, awaited }, place) =>
        place >= most && canComeAgain && this.source.turn(place, awaited).at - now > SOON_MS,
    );
    for (const one of beyond) {
      const { at } = await this.source.promise(most, one.awaited);
      // The call may have left the queue meanwhile.
      const place = this.waiting.indexOf(one);
      if (place < 0) continue;
      this.waiting.splice(place, 1);
      this.later(one, 'its turn comes at', at);
    }
  }

  private later(one: Waiting, words: string, at: number): void {
    one.reject(
      new RetryLater(`${this.name}: ${words} ${new Date(at).toISOString()}`, {
        unknownOutcome: false,
        retryAfterMs: Math.max(1, this.clock.until(at)),
        ...(one.canComeAgain && { queued: true as const }),
      }),
    );
  }
}
