import { monitorEventLoopDelay, performance, type IntervalHistogram } from 'node:perf_hooks';

/**
 * Bounded shares make no processor time: an account's flood that takes all of it makes each step of the others wait, too.
 * So where the event loop comes late while several connections have work, each may begin so many steps a second and no
 * more. The pace falls while the loop is late and rises while it is not, and whoever has less to do never notices.
 */
export interface Pace {
  /** Resolves when the next step may begin: at once, unless the process is short of time. */
  step(): Promise<void>;
}

const TICK_MS = 100;
/** What the loop may be late, of ten looks nine. */
const LATE_MS = 12;
const RESOLUTION_MS = 10;
/** A connection without a step for this long has no work. */
const IDLE_MS = 2_000;
/** Steps a second that each connection has in any case. A change takes three. */
export const LEAST_PACE = 15;
const FALL = 0.7;
const RISE = 1;
/** Steps that may be taken at once after a rest. */
const BURST = 6;
/** Above this many steps a second the pace bounds nobody. */
const FREE = 400;

/** Sets the pace of all connections of a process. */
export class Pacer {
  private readonly paces: SteadyPace[] = [];
  private readonly delays: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  private readonly timer: NodeJS.Timeout;
  private perSecond = Infinity;

  constructor() {
    this.delays.enable();
    this.timer = setInterval(() => this.look(), TICK_MS).unref();
  }

  /** For one more connection. */
  pace(): Pace {
    const pace = new SteadyPace();
    this.paces.push(pace);
    return pace;
  }

  stop(): void {
    clearInterval(this.timer);
    this.delays.disable();
    for (const pace of this.paces) pace.set(Infinity);
  }

  private look(): void {
    const late = this.delays.percentile(90) / 1e6 - RESOLUTION_MS;
    this.delays.reset();
    const now = performance.now();
    const atWork = this.paces.filter((pace) => now - pace.lastAt < IDLE_MS).length;
    const most = Math.max(...this.paces.map((pace) => pace.taken(TICK_MS)));
    this.perSecond = nextPace(this.perSecond, { late, atWork, most });
    if (process.env['PACE_DEBUG'])
      process.stderr.write(
        `pace ${late.toFixed(1)} ${atWork} ${most.toFixed(0)} ${this.perSecond.toFixed(0)}\n`,
      );
    for (const pace of this.paces) pace.set(this.perSecond);
  }
}

/** @param most steps a second that the busiest took of late */
export function nextPace(
  perSecond: number,
  { late, atWork, most }: { late: number; atWork: number; most: number },
): number {
  if (atWork < 2) return Infinity;
  if (late > LATE_MS) return Math.max(LEAST_PACE, FALL * Math.min(perSecond, most));
  return perSecond + RISE > FREE ? Infinity : perSecond + RISE;
}

/** Steps at most so many a second, in the order in which they were asked for. */
class SteadyPace implements Pace {
  lastAt = -Infinity;
  private perSecond = Infinity;
  private count = 0;
  private saved = BURST;
  private savedAt = performance.now();
  private readonly waiting: (() => void)[] = [];
  private timer: NodeJS.Timeout | null = null;

  async step(): Promise<void> {
    this.lastAt = performance.now();
    this.save();
    if (this.waiting.length === 0 && this.saved >= 1) return this.take();
    await new Promise<void>((resolve) => {
      this.waiting.push(resolve);
      this.wake();
    });
  }

  /** Steps a second since it was last asked. */
  taken(withinMs: number): number {
    const { count } = this;
    this.count = 0;
    return (count * 1_000) / withinMs;
  }

  set(perSecond: number): void {
    this.save();
    this.perSecond = perSecond;
    this.wake();
  }

  private save(): void {
    const now = performance.now();
    const earned = this.perSecond === Infinity ? BURST : ((now - this.savedAt) * this.perSecond) / 1_000;
    this.saved = Math.min(BURST, this.saved + earned);
    this.savedAt = now;
  }

  private take(): void {
    if (this.perSecond !== Infinity) this.saved -= 1;
    this.count += 1;
  }

  private wake(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    this.save();
    for (; this.waiting.length > 0 && this.saved >= 1; this.save()) {
      this.take();
      this.lastAt = performance.now();
      this.waiting.shift()?.();
    }
    if (this.waiting.length > 0)
      this.timer = setTimeout(() => this.wake(), Math.ceil(((1 - this.saved) * 1_000) / this.perSecond));
  }
}
