import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { DeliveryFaults } from './common/deliveryFaults';
import type { Faults } from './common/faults';
import { isLoopbackUrl } from './common/loopback';
import type { Fields } from './model';
import { notFound, parseRequest } from './refusal';
import type { SandboxEvent } from './store';

const webhookSchema = z.looseObject({
  name: z.string().min(1),
  endpoint: z.string().refine(isLoopbackUrl, 'expected a loopback address'),
  http_method: z.literal('POST').default('POST'),
  request_format: z.literal('json').default('json'),
  status: z.enum(['active', 'inactive']).default('active'),
  subscriptions: z.array(z.string()).default([]),
});
type Webhook = z.output<typeof webhookSchema> & { id: string; secret: string; created_at: string };
const PREFIX = 'zen:event-type:';
/** The subscription of webhooks that triggers call, with a body of the administrator's. */
const BY_TRIGGER = 'conditional_ticket_events';

export interface WebhookOptions {
  /** How long a receiver may take. */
  timeoutMs: number;
  /** Before the first repetition; doubled each time. */
  retryMs: number;
  clock: () => number;
}

const RETRIES = 3;
const RETRIED_STATUSES = [409, 429, 503];
/** Failures in a row after which deliveries stop for a while. */
const BREAKER_FAILURES = 20;
const BREAKER_PAUSE_MS = 5_000;
/** More at once would only exhaust sockets. */
const IN_FLIGHT = 16;

interface Breaker {
  failures: number;
  openUntil: number;
}

/**
 * At least once, in no order; a few retries on time-outs, 409, 429 and 503, and a circuit breaker that drops what comes
 * while it is open. https://developer.zendesk.com/api-reference/webhooks/introduction
 */
export class Webhooks {
  private readonly all = new Map<string, Webhook>();
  private readonly breakers = new Map<string, Breaker>();
  private readonly waiting: (() => Promise<void>)[] = [];
  private readonly closing = new AbortController();
  private readonly deliveries: DeliveryFaults;
  private inFlight = 0;

  constructor(
    private readonly options: WebhookOptions,
    faults: Faults,
  ) {
    this.deliveries = new DeliveryFaults(faults, this.closing.signal);
  }

  add(input: unknown): Fields {
    const created = new Date(this.options.clock()).toISOString();
    const webhook = {
      ...parseRequest(webhookSchema, input),
      id: randomUUID(),
      secret: newSecret(),
      created_at: created,
    };
    this.all.set(webhook.id, webhook);
    return shown(webhook);
  }

  list(): Fields[] {
    return [...this.all.values()].map(shown);
  }

  show(id: string): Fields {
    return shown(this.get(id));
  }

  change(id: string, input: unknown): Fields {
    const webhook = this.get(id);
    Object.assign(webhook, parseRequest(webhookSchema, { ...webhook, ...(input as Fields) }), { id });
    return shown(webhook);
  }

  secret(id: string, fresh = false): Fields {
    const webhook = this.get(id);
    if (fresh) webhook.secret = newSecret();
    return { algorithm: 'SHA256', secret: webhook.secret };
  }

  remove(id: string): void {
    this.get(id);
    this.all.delete(id);
  }

  announce(event: SandboxEvent): void {
    for (const webhook of this.all.values()) {
      if (!webhook.subscriptions.includes(`${PREFIX}${event.type}`)) continue;
      this.send(webhook, event.type, JSON.stringify(this.payload(event)));
    }
  }

  /** What a trigger sends: exactly the body that its administrator wrote. */
  announceTrigger(webhookId: string, body: string): void {
    const webhook = this.all.get(webhookId);
    if (webhook?.subscriptions.includes(BY_TRIGGER)) this.send(webhook, BY_TRIGGER, body);
  }

  /** Ends all deliveries, so that nothing keeps the process alive. */
  close(): void {
    this.closing.abort();
    this.all.clear();
    this.waiting.length = 0;
  }

  private get(id: string): Webhook {
    const webhook = this.all.get(id);
    if (!webhook) throw notFound();
    return webhook;
  }

  /** https://developer.zendesk.com/api-reference/webhooks/event-types/webhook-event-types/#event-schema */
  private payload({ type, kind, record, actorId, change }: SandboxEvent): Fields {
    return {
      type: `${PREFIX}${type}`,
      account_id: 12514403,
      id: randomUUID(),
      time: new Date(this.options.clock()).toISOString(),
      zendesk_event_version: '2022-11-06',
      subject: `zen:${kind}:${record.id}`,
      detail: { ...detailOf(kind, record), ...(kind === 'ticket' && { actor_id: asId(actorId) }) },
      event: { meta: { sequence: { id: randomUUID(), position: 1 } }, ...change },
    };
  }

  private send(webhook: Webhook, type: string, body: string): void {
    if (webhook.status !== 'active') return;
    const invocation = randomUUID();
    this.deliveries.pass(type, (then) => this.enqueue(() => this.deliver(webhook, invocation, body), then));
  }

  private enqueue(deliver: () => Promise<void>, then: () => void = () => undefined): void {
    if (this.closing.signal.aborted) return;
    this.waiting.push(() => deliver().then(then));
    this.deliverNext();
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

  private async deliver(webhook: Webhook, invocation: string, body: string): Promise<void> {
    const breaker = this.breakers.get(webhook.id) ?? { failures: 0, openUntil: 0 };
    this.breakers.set(webhook.id, breaker);
    for (let attempt = 0; attempt <= RETRIES && this.all.has(webhook.id); attempt += 1) {
      if (Date.now() < breaker.openUntil) return;
      const { done, retryAfterMs } = await this.attempt(webhook, invocation, body);
      if (done) {
        breaker.failures = 0;
        return;
      }
      breaker.failures += 1;
      if (breaker.failures >= BREAKER_FAILURES) {
        breaker.failures = 0;
        breaker.openUntil = Date.now() + BREAKER_PAUSE_MS;
      }
      if (attempt < RETRIES) await this.pause(retryAfterMs ?? this.options.retryMs * 2 ** attempt);
    }
  }

  /** https://developer.zendesk.com/documentation/webhooks/verifying/ — base64(HMAC-SHA256(secret, timestamp + body)) */
  private async attempt(
    webhook: Webhook,
    invocation: string,
    body: string,
  ): Promise<{ done: boolean; retryAfterMs?: number }> {
    const timestamp = new Date(this.options.clock()).toISOString();
    const signature = createHmac('sha256', webhook.secret)
      .update(timestamp + body)
      .digest('base64');
    try {
      const answer = await fetch(webhook.endpoint, {
        method: 'POST',
        headers: {
          'content-type': 'application/json; charset=utf-8',
          'user-agent': 'Zendesk Webhook',
          'x-zendesk-account-id': '12514403',
          'x-zendesk-webhook-id': webhook.id,
          'x-zendesk-webhook-invocation-id': invocation,
          'x-zendesk-webhook-signature-timestamp': timestamp,
          'x-zendesk-webhook-signature': signature,
        },
        body,
        // A redirect could lead away from loopback.
        redirect: 'manual',
        signal: AbortSignal.any([AbortSignal.timeout(this.options.timeoutMs), this.closing.signal]),
      });
      await answer.body?.cancel();
      const seconds = Number(answer.headers.get('retry-after') ?? NaN);
      return {
        done: !RETRIED_STATUSES.includes(answer.status),
        ...(Number.isFinite(seconds) && { retryAfterMs: seconds * 1000 }),
      };
    } catch {
      // Nobody there, or too slow.
      return { done: false };
    }
  }

  private async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.closing.signal }).catch(() => undefined);
  }
}

function shown({ secret: _, ...webhook }: Webhook): Fields {
  return webhook;
}

const newSecret = () => randomBytes(24).toString('base64');
const asId = (id: unknown): string | null => (typeof id === 'number' ? String(id) : null);

/** Ids are strings here, and texts are left out that the events do not carry. */
function detailOf(kind: SandboxEvent['kind'], record: Fields & { id: number }): Fields {
  const { id, created_at, updated_at, external_id } = record;
  const common = { id: String(id), created_at, updated_at, external_id };
  if (kind === 'organization') {
    const { name, shared_comments, shared_tickets, group_id } = record;
    return { ...common, name, shared_comments, shared_tickets, group_id: asId(group_id) };
  }
  if (kind === 'user') {
    const { email, role, organization_id } = record;
    return { ...common, email, role, organization_id: asId(organization_id) };
  }
  const { subject, description, status, priority, type, tags, is_public, via } = record;
  const ids = ['assignee_id', 'brand_id', 'group_id', 'organization_id', 'requester_id', 'submitter_id'];
  return {
    ...common,
    subject,
    description,
    // Events name statuses in capitals.
    status: String(status).toUpperCase(),
    priority,
    type,
    tags,
    is_public,
    custom_status: asId(record['custom_status_id']),
    form_id: asId(record['ticket_form_id']),
    via: { channel: (via as { channel?: unknown } | null)?.channel ?? null },
    ...Object.fromEntries(ids.map((key) => [key, asId(record[key])])),
  };
}
