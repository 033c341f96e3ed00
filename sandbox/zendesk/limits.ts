import { Refusal, type Fields } from './store';

const MINUTE_MS = 60_000;

/** https://developer.zendesk.com/api-reference/introduction/rate-limits/ */
export class Limits {
  private readonly windows = new Map<string, { start: number; used: number }>();
  private readonly updates = new Map<string, number[]>();

  constructor(
    private readonly perMinute: number,
    private readonly exportsPerMinute: number,
    private readonly clock: () => number,
  ) {}

  /** @returns the headers of every answer. @throws Refusal 429 */
  count(isExport: boolean): Record<string, string> {
    const account = this.take('account');
    const headers = {
      'x-rate-limit': String(this.perMinute),
      'x-rate-limit-remaining': String(Math.max(0, this.perMinute - account.used)),
      'ratelimit-limit': String(this.perMinute),
      'ratelimit-remaining': String(Math.max(0, this.perMinute - account.used)),
      'ratelimit-reset': String(account.reset),
    };
    if (account.used > this.perMinute) throw tooMany(account.reset, headers);
    if (isExport) {
      const exports = this.take('exports');
      if (exports.used > this.exportsPerMinute) throw tooMany(exports.reset, headers);
    }
    return headers;
  }

  /** One user may update one ticket 30 times in ten minutes. */
  countUpdate(userId: number, ticketId: number): void {
    const key = `${userId}/${ticketId}`;
    const now = this.clock();
    const recent = (this.updates.get(key) ?? []).filter((time) => now - time < 600_000);
    if (recent.length >= 30) throw tooMany(Math.ceil(((recent[0] ?? now) + 600_000 - now) / 1000), {});
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
  const body: Fields = {
    error: 'APIRateLimitExceeded',
    description: 'Number of allowed API requests per minute exceeded',
  };
  return new Refusal(429, body, { ...headers, 'retry-after': String(seconds) });
}
