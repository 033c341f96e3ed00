/**
 * Shares do not create processor time: if a flood in one account uses all of it, each step of the other connections
 * waits as well. Therefore, while Temporal takes longer than usual to accept a signal, each connection may signal only
 * a limited number of pairs a second: the pace. It falls while answers are slow and rises while they are fast. A
 * connection with few changes does not notice it. Changes beyond it wait in the link store as pending changes.
 */
export interface Pace {
  /** Does the work in its turn, and notes how long it took. */
  do<T>(work: () => Promise<T>): Promise<T>;
}

const TICK_MS = 200;
/** A connection without a signal in so many looks has no load. */
const LOOKS = 15;
/** Pairs a second that each connection may signal in any case. */
export const LEAST_PACE = 6;
/** Pairs that may be signalled at once after a rest. */
const BURST = 8;
/** Above this many a second, the pace limits no connection. */
const FREE = 200;
const FALL = 0.8;
const RISE = 0.5;
/**
 * An answer is slow if it takes this many times as long as usual. Connections that all have many changes may keep the
 * servers busy, but must not fill a queue there that delays a connection which has just begun.
 */
const SLOW = { busy: 4, beside: 2.5 };
/**
 * The usual time grows by this factor a tick, so that a server that has become slower counts as usual after a while.
 */
const FORGET = 1.0005;

/** Sets the pace of all connections of a process. */
export class Pacer {
  private readonly paces: SteadyPace[] = [];
  private readonly timer = setInterval(() => this.look(), TICK_MS).unref();
  private perSecond = Infinity;
  private usual = Infinity;

  /** For one more connection. */
  pace(): Pace {
    const pace = new SteadyPace();
    this.paces.push(pace);
    return pace;
  }

  stop(): void {
    clearInterval(this.timer);
    for (const pace of this.paces) pace.set(Infinity);
  }

  private look(): void {
    const took = this.paces.flatMap((pace) => pace.look());
    if (took.length === 0) return;
    const mean = took.reduce((sum, each) => sum + each, 0) / took.length;
    this.usual = Math.min(this.usual * FORGET, mean);
    const loads = this.paces.map(({ load }) => load);
    this.perSecond = nextPace(this.perSecond, {
      beside: loads.includes('light') && loads.includes('heavy'),
      took: mean,
      usual: this.usual,
      signalsPerSecond: (took.length * 1_000) / TICK_MS,
    });
    for (const pace of this.paces) pace.set(this.perSecond);
  }
}

/** What was seen of late. Times in milliseconds. */
export interface Measured {
  /** Whether a connection with many changes is beside one with few. */
  beside: boolean;
  took: number;
  usual: number;
  signalsPerSecond: number;
}

/** Pairs a second that each connection may signal from now on. Pure. */
export function nextPace(perSecond: number, { beside, took, usual, signalsPerSecond }: Measured): number {
  if (took > usual * (beside ? SLOW.beside : SLOW.busy))
    return Math.max(LEAST_PACE, FALL * Math.min(perSecond, signalsPerSecond));
  return perSecond + RISE > FREE ? Infinity : perSecond + RISE;
}

/** Begins work at most so many times a second, in the order in which it came. */
class SteadyPace implements Pace {
  private perSecond = Infinity;
  private permits = BURST;
  private permitsAt = performance.now();
  private times: number[] = [];
  /** Signals between the last looks, latest last. */
  private signals: number[] = [];
  private hadWaiting = false;
  private readonly waiting: (() => void)[] = [];
  private timer: NodeJS.Timeout | null = null;

  async do<T>(work: () => Promise<T>): Promise<T> {
    await new Promise<void>((resolve) => {
      this.waiting.push(resolve);
      this.begin();
    });
    const began = performance.now();
    try {
      return await work();
    } finally {
      this.times.push(performance.now() - began);
    }
  }

  /** @returns milliseconds that each work took since the last look */
  look(): number[] {
    const { times } = this;
    this.times = [];
    this.signals = [...this.signals, times.length].slice(-LOOKS);
    this.hadWaiting = this.waiting.length > 0;
    return times;
  }

  /** Light: without the pace, it would send no more signals. */
  get load(): 'none' | 'light' | 'heavy' {
    const signals = this.signals.reduce((sum, each) => sum + each, 0);
    if (this.hadWaiting || signals > (LEAST_PACE * LOOKS * TICK_MS) / 1_000) return 'heavy';
    return signals > 0 ? 'light' : 'none';
  }

  set(perSecond: number): void {
    this.addPermits();
    this.perSecond = perSecond;
    this.begin();
  }

  private begin(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    for (this.addPermits(); this.waiting.length > 0 && this.permits >= 1; this.addPermits()) {
      this.permits -= 1;
      this.waiting.shift()?.();
    }
    if (this.waiting.length > 0)
      this.timer = setTimeout(() => this.begin(), Math.ceil(((1 - this.permits) * 1_000) / this.perSecond));
  }

  private addPermits(): void {
    const now = performance.now();
    const earned = this.perSecond === Infinity ? BURST : ((now - this.permitsAt) * this.perSecond) / 1_000;
    this.permits = Math.min(BURST, this.permits + earned);
    this.permitsAt = now;
  }
}
