import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Faults } from './faults';

/** Puts a delivery on its way; `then` is called once it has arrived or was given up. */
export type Enqueue = (then?: () => void) => void;

/** What can happen to a webhook on its way: lost, late, doubled, or overtaken by the next one. */
export class DeliveryFaults {
  private readonly heldBack: (() => void)[] = [];

  constructor(
    private readonly faults: Faults,
    private readonly closed: AbortSignal,
  ) {
    // Each delivery that waits listens for the end.
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
        // It goes after the next one; where none comes, after a while.
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
