/**
 * Bounded shares make no processor time: where one account's flood takes all that the process and its servers have, each
 * step of the others waits, too. So where Temporal takes longer to be told of a change than it does when little is going on,
 * each connection may tell so many pairs a second and no more. The pace falls while answers are slow and rises while they
 * are not; who has less to tell never notices. What is not told yet waits in the link store, as changes that were seen.
 */
export interface Pace {
  /** Does the work in its turn, and notes how long it took. */
  do<T>(work: () => Promise<T>): Promise<T>;
}

const TICK_MS = 200;
/** A connection that told nobody in so many looks has nothing to tell. */
const LOOKS = 15;
/** Pairs a second that each connection may tell in any case. */
export const LEAST_PACE = 6;
/** Pairs that may be told at once after a rest. */
const BURST = 8;
/** Above this many a second the pace bounds nobody. */
const FREE = 200;
const FALL = 0.8;
const RISE = 0.5;
/**
 * An answer is slow from so many times the usual on. Connections that all have much to tell may keep the servers busy, but
 * not have a long row of pairs wait there, which another one that begins would find in front of it.
 */
const SLOW = { busy: 4, beside: 2.5 };
/** What is usual follows slower answers by so much a tick, so that a server that moved away counts as usual in the end. */
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
      toldPerSecond: (took.length * 1_000) / TICK_MS,
    });
    for (const pace of this.paces) pace.set(this.perSecond);
  }
}

/** What was seen of late. Times in milliseconds. */
export interface Seen {
  /** Whether one that has much to tell is beside one that has little. */
  beside: boolean;
  took: number;
  usual: number;
  toldPerSecond: number;
}

/** Pairs a second that each connection may tell from now on. Pure. */
export function nextPace(perSecond: number, { beside, took, usual, toldPerSecond }: Seen): number {
  if (took > usual * (beside ? SLOW.beside : SLOW.busy))
    return Math.max(LEAST_PACE, FALL * Math.min(perSecond, toldPerSecond));
  return perSecond + RISE > FREE ? Infinity : perSecond + RISE;
}

/** Begins work at most so many times a second, in the order in which it came. */
class SteadyPace implements Pace {
  private perSecond = Infinity;
  private saved = BURST;
  private savedAt = performance.now();
  private times: number[] = [];
  /** How many were told between the last looks, latest last. */
  private told: number[] = [];
  private held = false;
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
    this.told = [...this.told, times.length].slice(-LOOKS);
    this.held = this.waiting.length > 0;
    return times;
  }

  /** Light: it would tell no more, if it could. */
  get load(): 'none' | 'light' | 'heavy' {
    const told = this.told.reduce((sum, each) => sum + each, 0);
    if (this.held || told > (LEAST_PACE * LOOKS * TICK_MS) / 1_000) return 'heavy';
    return told > 0 ? 'light' : 'none';
  }

  set(perSecond: number): void {
    this.save();
    this.perSecond = perSecond;
    this.begin();
  }

  private begin(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    for (this.save(); this.waiting.length > 0 && this.saved >= 1; this.save()) {
      this.saved -= 1;
      this.waiting.shift()?.();
    }
    if (this.waiting.length > 0)
      this.timer = setTimeout(() => this.begin(), Math.ceil(((1 - this.saved) * 1_000) / this.perSecond));
  }

  private save(): void {
    const now = performance.now();
    const earned = this.perSecond === Infinity ? BURST : ((now - this.savedAt) * this.perSecond) / 1_000;
    this.saved = Math.min(BURST, this.saved + earned);
    this.savedAt = now;
  }
}
