import { createHmac, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Change } from './model';

const webhookSchema = z.strictObject({
  url: z
    .url()
    .refine(
      (url) => ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname),
      'expected a loopback address',
    ),
  secret: z.string().min(8),
  kinds: z.array(z.enum(['customer', 'project', 'note'])).default(['customer', 'project', 'note']),
});
type Webhook = z.output<typeof webhookSchema> & { id: string };

const ATTEMPTS = 4;

/** Tells subscribers of changes: at least once, in no order, a few tries each. */
export class Webhooks {
  readonly all = new Map<string, Webhook>();

  add(input: unknown): Omit<Webhook, 'secret'> {
    const { secret, ...body } = webhookSchema.parse(input);
    const webhook = { id: randomUUID(), ...body };
    this.all.set(webhook.id, { ...webhook, secret });
    return webhook;
  }

  list(): Omit<Webhook, 'secret'>[] {
    return [...this.all.values()].map(({ id, url, kinds }) => ({ id, url, kinds }));
  }

  announce(change: Change): void {
    for (const webhook of this.all.values()) {
      if (webhook.kinds.includes(change.kind)) void this.deliver(webhook, change);
    }
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
    for (let attempt = 0; attempt < ATTEMPTS && this.all.has(webhook.id); attempt += 1) {
      try {
        const answer = await fetch(webhook.url, {
          method: 'POST',
          headers,
          body: payload,
          signal: AbortSignal.timeout(5_000),
        });
        if (answer.ok) return;
      } catch {
        // Nobody there, or too slow: the next attempt will tell.
      }
      await sleep(200 * 2 ** attempt);
    }
  }
}
