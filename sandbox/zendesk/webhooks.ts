import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Fields } from './store';

const webhookSchema = z.looseObject({
  name: z.string(),
  endpoint: z
    .url()
    .refine(
      (url) => ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname),
      'expected a loopback address',
    ),
  subscriptions: z.array(z.string()).default([]),
});
type Webhook = z.output<typeof webhookSchema> & { id: string; secret: string };

const ATTEMPTS = 4;
const TIMEOUT_MS = 12_000;
/** Failed deliveries in a row after which nothing more is sent for a while. */
const BREAKER = 70;

/**
 * https://developer.zendesk.com/documentation/webhooks/verifying/ — base64(HMAC-SHA256(secret, timestamp + body)).
 * At least once, in no order; a few retries on time-outs, 409, 429 and 503.
 */
export class Webhooks {
  private readonly all = new Map<string, Webhook>();
  private failures = 0;

  add(input: unknown): Fields {
    const body = webhookSchema.parse(input);
    const webhook = { ...body, id: randomUUID(), secret: randomBytes(24).toString('base64') };
    this.all.set(webhook.id, webhook);
    return this.shown(webhook);
  }

  list(): Fields[] {
    return [...this.all.values()].map((webhook) => this.shown(webhook));
  }

  secret(id: string): string | null {
    return this.all.get(id)?.secret ?? null;
  }

  remove(id: string): boolean {
    return this.all.delete(id);
  }

  announce(type: string, subject: string, detail: Fields): void {
    for (const webhook of this.all.values()) {
      if (webhook.subscriptions.includes(`zen:event-type:${type}`))
        void this.deliver(webhook, type, subject, detail);
    }
  }

  private shown({ secret: _, ...webhook }: Webhook): Fields {
    return { ...webhook, status: 'active', http_method: 'POST', request_format: 'json' };
  }

  private async deliver(webhook: Webhook, type: string, subject: string, detail: Fields): Promise<void> {
    const [, id = ''] = subject.split(':');
    const body = JSON.stringify({
      type: `zen:event-type:${type}`,
      id: randomUUID(),
      time: new Date().toISOString(),
      zendesk_event_version: '2022-11-06',
      subject: `zen:${subject}`,
      detail: { id, ...detail },
      event: {},
    });
    const timestamp = new Date().toISOString();
    const headers = {
      'content-type': 'application/json',
      'x-zendesk-webhook-id': webhook.id,
      'x-zendesk-webhook-invocation-id': randomUUID(),
      'x-zendesk-webhook-signature-timestamp': timestamp,
      'x-zendesk-webhook-signature': createHmac('sha256', webhook.secret)
        .update(timestamp + body)
        .digest('base64'),
    };
    for (
      let attempt = 0;
      attempt < ATTEMPTS && this.all.has(webhook.id) && this.failures < BREAKER;
      attempt += 1
    ) {
      try {
        const answer = await fetch(webhook.endpoint, {
          method: 'POST',
          headers,
          body,
          signal: AbortSignal.timeout(TIMEOUT_MS),
        });
        if (answer.ok || ![409, 429, 503].includes(answer.status)) {
          this.failures = 0;
          return;
        }
      } catch {
        // Nobody there, or too slow.
      }
      this.failures += 1;
      await sleep(200 * 2 ** attempt);
    }
  }
}
