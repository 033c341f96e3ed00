import { setTimeout as sleep } from 'node:timers/promises';

/** More concurrent deliveries would only exhaust sockets. */
const IN_FLIGHT = 16;

/** Sends webhooks, a limited number at a time, until the sandbox is closed. */
export class DeliveryQueue {
  private readonly waiting: (() => Promise<void>)[] = [];
  private readonly closing = new AbortController();
  private inFlight = 0;

  /** Aborts the waits of deliveries. */
  get closed(): AbortSignal {
    return this.closing.signal;
  }

  /** @param then called once the delivery has arrived or was given up */
  add(deliver: () => Promise<void>, then: () => void = () => undefined): void {
    if (this.closed.aborted) return;
    this.waiting.push(() => deliver().then(then));
    this.deliverNext();
  }

  /** Waits between two attempts. @param ms the wait, which ends early if the sandbox is closed */
  async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.closed }).catch(() => undefined);
  }

  /** Ends all deliveries, so that nothing keeps the process alive. */
  close(): void {
    this.closing.abort();
    this.waiting.length = 0;
  }

  private deliverNext(): void {
    while (this.inFlight < IN_FLIGHT) {
      const next = this.waiting.shift();
      if (!next) return;
      this.inFlight += 1;
      void next().finally(() => {
        this.inFlight -= 1;
        this.deliverNext();
      });
    }
  }
}
