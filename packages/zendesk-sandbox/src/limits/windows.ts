/** The state of a limit, after the present call was counted or refused. */
export interface Counted {
  allowed: boolean;
  remaining: number;
  /** The seconds until more calls are allowed, rounded up. */
  resets: number;
}

const secondsUntil = (at: number, now: number): number => Math.max(1, Math.ceil((at - now) / 1000));

/** Counts in fixed windows. A window begins with the first call after the previous window. Refused calls do not count. */
export class FixedWindows {
  private readonly windows = new Map<string, { start: number; used: number }>();

  constructor(
    private readonly limit: number,
    private readonly windowMs: number,
    private readonly clock: () => number,
  ) {}

  look(key = ''): Counted {
    const now = this.clock();
    const window = this.windows.get(key);
    if (!window || now - window.start >= this.windowMs)
      return {
        allowed: this.limit > 0,
        remaining: this.limit,
        resets: secondsUntil(now + this.windowMs, now),
      };
    return {
      allowed: window.used < this.limit,
      remaining: Math.max(0, this.limit - window.used),
      resets: secondsUntil(window.start + this.windowMs, now),
    };
  }

  take(key = ''): Counted {
    const now = this.clock();
    const before = this.look(key);
    if (!before.allowed) return before;
    const known = this.windows.get(key);
    if (known && now - known.start < this.windowMs) known.used += 1;
    else this.windows.set(key, { start: now, used: 1 });
    return { ...this.look(key), allowed: true };
  }
}

/** Counts the calls of a sliding window that ends now. */
export class SlidingCounts {
  private readonly times = new Map<string, number[]>();

  constructor(
    private readonly limit: number,
    private readonly windowMs: number,
    private readonly clock: () => number,
  ) {}

  look(key: string): Counted {
    const now = this.clock();
    const recent = this.recent(key, now);
    const [oldest = now] = recent;
    return {
      allowed: recent.length < this.limit,
      remaining: Math.max(0, this.limit - recent.length),
      resets: secondsUntil(oldest + this.windowMs, now),
    };
  }

  take(key: string): Counted {
    const before = this.look(key);
    if (!before.allowed) return before;
    const now = this.clock();
    this.times.set(key, [...this.recent(key, now), now]);
    return { ...this.look(key), allowed: true };
  }

  private recent(key: string, now: number): number[] {
    return (this.times.get(key) ?? []).filter((time) => now - time < this.windowMs);
  }
}
