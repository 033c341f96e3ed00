import { Refusal } from './refusal';

const MINUTE_MS = 60_000;
const UPDATES = 30;
const UPDATE_WINDOW_MS = 10 * MINUTE_MS;

export interface LimitOptions {
  perMinute: number;
  exportsPerMinute: number;
  /** Whether a user may update one ticket only so often. */
  ticketUpdates: boolean;
}

/** https://developer.zendesk.com/api-reference/introduction/rate-limits/ */
export class Limits {
  private readonly windows = new Map<string, { start: number; used: number }>();
  private readonly updates = new Map<string, number[]>();

  constructor(
    private readonly options: LimitOptions,
    private readonly clock: () => number,
  ) {}

  /** Counts a call. @returns the headers of its answer; @throws Refusal 429 */
  count(isExport: boolean): Record<string, string> {
    const { perMinute, exportsPerMinute } = this.options;
    const account = this.take('account');
    const left = String(Math.max(0, perMinute - account.used));
    const headers: Record<string, string> = {
      'x-rate-limit': String(perMinute),
      'x-rate-limit-remaining': left,
      'ratelimit-limit': String(perMinute),
      'ratelimit-remaining': left,
      'ratelimit-reset': String(account.reset),
    };
    if (account.used > perMinute) throw tooMany(account.reset, headers);
    if (!isExport) return headers;
    const exports = this.take('exports');
    const remaining = Math.max(0, exportsPerMinute - exports.used);
    headers['zendesk-ratelimit-incremental-exports'] =
      `total=${exportsPerMinute}; remaining=${remaining}; resets=${exports.reset}`;
    if (exports.used > exportsPerMinute) throw tooMany(exports.reset, headers);
    return headers;
  }

  /** One user may update one ticket 30 times in ten minutes. */
  countUpdate(userId: number, ticketId: number): void {
    if (!this.options.ticketUpdates) return;
    const key = `${userId}/${ticketId}`;
    const now = this.clock();
    const recent = (this.updates.get(key) ?? []).filter((time) => now - time < UPDATE_WINDOW_MS);
    if (recent.length >= UPDATES)
      throw tooMany(Math.ceil(((recent[0] ?? now) + UPDATE_WINDOW_MS - now) / 1000), {});
    this.updates.set(key, [...recent, now]);
  }

  private take(name: string): { used: number; reset: number } {
    const now = this.clock();
    let window = this.windows.get(name);
    if (!window || now - window.start >= MINUTE_MS) {
      window = { start: now, used: 0 };
      this.windows.set(name, window);
    }
    window.used += 1;
    return { used: window.used, reset: Math.max(1, Math.ceil((window.start + MINUTE_MS - now) / 1000)) };
  }
}

function tooMany(seconds: number, headers: Record<string, string>): Refusal {
  const body = {
    error: 'APIRateLimitExceeded',
    description: 'Number of allowed API requests per minute exceeded',
  };
  return new Refusal(429, body, { ...headers, 'retry-after': String(seconds) });
}
