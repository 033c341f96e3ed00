import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Faults } from './faults';

/** Starts a delivery; `then` is called after it arrived or was given up. */
export type Enqueue = (then?: () => void) => void;

/** Faults of webhook deliveries: lost, late, duplicated, or overtaken by the next one. */
export class DeliveryFaults {
  private readonly heldBack: (() => void)[] = [];

  constructor(
    private readonly faults: Faults,
    private readonly closed: AbortSignal,
  ) {
    // Each waiting delivery adds a listener.
    setMaxListeners(0, closed);
  }

  /** @param event its name, which the rules match, such as `ticket.created` */
  pass(event: string, enqueue: Enqueue): void {
    const fault = this.faults.delivery(event);
    switch (fault?.kind) {
      case 'webhookLost':
        return;
      case 'webhookLate':
        void this.after(fault.delayMs, enqueue);
        return;
      case 'webhookReordered':
        // It is sent after the next delivery, or after a delay if there is none.
        this.holdBack(enqueue, fault.delayMs);
        return;
      case 'webhookDuplicate':
        enqueue();
        break;
      default:
        break;
    }
    enqueue(() => this.heldBack.splice(0).forEach((release) => release()));
  }

  private holdBack(enqueue: Enqueue, atMostMs: number): void {
    let gone = false;
    const release = () => {
      if (!gone) enqueue();
      gone = true;
    };
    this.heldBack.push(release);
    void this.after(atMostMs, release);
  }

  private async after(ms: number, work: () => void): Promise<void> {
    await sleep(ms, undefined, { signal: this.closed }).catch(() => undefined);
    if (!this.closed.aborted) work();
  }
}
