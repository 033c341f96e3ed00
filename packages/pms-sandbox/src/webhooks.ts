import { createHmac, randomUUID } from 'node:crypto';
import { z } from 'zod';
import { DeliveryFaults, DeliveryQueue, isLoopbackUrl, type Faults } from 'zendesk-sandbox/common';
import type { Change } from './model';
import { notFound, parse } from './refusal';

const webhookSchema = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).refine(isLoopbackUrl, 'expected a loopback address'),
  secret: z.string().min(8),
  kinds: z
    .array(z.enum(['customer', 'project', 'note']))
    .min(1)
    .default(['customer', 'project', 'note']),
});
type Webhook = z.output<typeof webhookSchema> & { id: string };
type Shown = Omit<Webhook, 'secret'>;

const ATTEMPTS = 4;
const FIRST_WAIT_MS = 200;
const ANSWER_WITHIN_MS = 5_000;

/** Sends changes to subscribers, in no fixed order, with a few attempts for each. */
export class Webhooks {
  private readonly subscribed = new Map<string, Webhook>();
  private readonly queue = new DeliveryQueue();
  private readonly deliveries: DeliveryFaults;

  constructor(faults: Faults) {
    this.deliveries = new DeliveryFaults(faults, this.queue.closed);
  }

  add(input: unknown): Shown {
    const webhook = { id: randomUUID(), ...parse(webhookSchema, input) };
    this.subscribed.set(webhook.id, webhook);
    return shown(webhook);
  }

  list(): Shown[] {
    return [...this.subscribed.values()].map(shown);
  }

  remove(id: string): void {
    if (!this.subscribed.delete(id)) throw notFound(id);
  }

  announce(change: Change): void {
    for (const webhook of this.subscribed.values()) {
      if (!webhook.kinds.includes(change.kind)) continue;
      this.deliveries.pass(`${change.kind}.${change.op}`, (then) =>
        this.queue.add(() => this.deliver(webhook, change), then),
      );
    }
  }

  /** Ends all deliveries, so that nothing keeps the process alive. */
  close(): void {
    this.queue.close();
    this.subscribed.clear();
  }

  private async deliver(webhook: Webhook, { record: _, actorId: __, ...body }: Change): Promise<void> {
    const payload = JSON.stringify(body);
    const timestamp = String(Math.floor(Date.now() / 1000));
    const signature = createHmac('sha256', webhook.secret).update(`${timestamp}.${payload}`).digest('hex');
    const headers = {
      'content-type': 'application/json',
      'x-pms-signature': `sha256=${signature}`,
      'x-pms-timestamp': timestamp,
      'x-pms-delivery': randomUUID(),
    };
    for (let attempt = 0; attempt < ATTEMPTS && this.subscribed.has(webhook.id); attempt += 1) {
      try {
        const signal = AbortSignal.any([AbortSignal.timeout(ANSWER_WITHIN_MS), this.queue.closed]);
        // A redirect counts as a failure, because it could lead away from loopback.
        const answer = await fetch(webhook.url, {
          method: 'POST',
          headers,
          body: payload,
          redirect: 'manual',
          signal,
        });
        await answer.body?.cancel();
        if (answer.ok) return;
      } catch {
        // The subscriber is unavailable or too slow; the next attempt may succeed.
      }
      if (attempt < ATTEMPTS - 1) await this.queue.pause(FIRST_WAIT_MS * 2 ** attempt);
    }
  }
}

function shown({ id, url, kinds }: Webhook): Shown {
  return { id, url, kinds };
}
