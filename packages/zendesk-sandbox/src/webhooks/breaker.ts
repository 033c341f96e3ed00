const WINDOW_MS = 5 * 60_000;
const PAUSE_MS = 5_000;
const REQUESTS_AT_LEAST = 100;
const ERRORS_AT_MOST = 1_000;
const SHARE = 0.7;

/**
 * Rule 32: 70 % errors or more, or over 1,000 errors, within 5 minutes, never below 100 requests, stop a webhook for
 * 5 s. https://developer.zendesk.com/documentation/webhooks/creating-and-monitoring-webhooks
 */
export class Breaker {
  private calls: { at: number; failed: boolean }[] = [];
  private openUntil = 0;

  constructor(private readonly clock: () => number) {}

  isOpen(): boolean {
    return this.clock() < this.openUntil;
  }

  count(failed: boolean): void {
    const now = this.clock();
    this.calls.push({ at: now, failed });
    if ((this.calls[0]?.at ?? now) < now - WINDOW_MS)
      this.calls = this.calls.filter(({ at }) => at >= now - WINDOW_MS);
    if (!failed || this.calls.length < REQUESTS_AT_LEAST) return;
    const errors = this.calls.filter((call) => call.failed).length;
    if (errors <= ERRORS_AT_MOST && errors / this.calls.length < SHARE) return;
    this.openUntil = now + PAUSE_MS;
    this.calls = [];
  }
}
