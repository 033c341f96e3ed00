import { setMaxListeners } from 'node:events';
import { RetryLater } from '../errors';
import type { Clock } from './clock';
import type { Turn } from './budgetWindow';

/** Who asks for a permit. */
export interface Caller {
  signal: AbortSignal | undefined;
  /** Whether it can be told to come again: it is tried again by Temporal, and has written nothing yet. */
  canComeAgain: boolean;
  /** Whether it comes because it was told to. */
  awaited: boolean;
}

/** Where the permits of one lane come from. */
export interface PermitSource {
  /** @returns the permit's window; null where none is to be had now */
  next(awaited: boolean): Promise<number | null>;
  giveBack(window: number): void;
  /** Milliseconds until a new window begins. */
  waitMs(): number;
  /** Milliseconds until it is worth to look again. */
  lookMs(): number;
  /** When so many calls more have found a permit, as far as it can be told. */
  turn(ahead: number, awaited: boolean): Turn;
  /**
   * Notes that somebody will come again; one who was told so before, and came too early, is noted already.
   * @returns when
   */
  promise(ahead: number, awaited: boolean): Promise<Turn>;
}

interface Waiting extends Caller {
  resolve(window: number): void;
  reject(error: Error): void;
}

/** A call that would wait longer than a window is handed back, with the delay, rather than hold a worker up. */
const LONGEST_WAIT_MS = 75_000;
/** Whose turn comes within this time waits for it, however many do. */
const SOON_MS = 2_000;

/**
 * Those who wait for permits of one limit in one lane of this process, served in turn. At most so many wait at a time,
 * always enough to use what becomes free at once; the others are told when to come again.
 */
export class WaitingLine {
  private readonly waiting: Waiting[] = [];
  private serving = false;
  private alarm = new AbortController();

  /** @param most that wait here at a time; null where all do */
  constructor(
    private readonly name: string,
    private readonly source: PermitSource,
    private readonly clock: Clock,
    private readonly most: number | null,
  ) {}

  /** @returns the permit's window. @throws RetryLater where it would take too long, or the signal ended the wait */
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
      // Who was told to come now goes before those who have just come.
      const place = caller.awaited ? this.waiting.findIndex(({ awaited }) => !awaited) : -1;
      this.waiting.splice(place < 0 ? this.waiting.length : place, 0, one);
      if (caller.signal?.aborted) ended();
      if (!this.serving) void this.serve();
      // One more than may wait: it is told at once.
      else if (this.most !== null && this.waiting.length > this.most) this.wake();
    });
  }

  /** There may be more to be had than there was. */
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
        // What changes from here on is looked at before anybody rests.
        this.alarm = new AbortController();
        const window = await this.source.next(first.awaited);
        if (window === null) {
          await this.rest();
          continue;
        }
        // The first may have left meanwhile.
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

  /** Hands back those whom it would keep too long, and waits a little. */
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
      // It may have left meanwhile.
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
