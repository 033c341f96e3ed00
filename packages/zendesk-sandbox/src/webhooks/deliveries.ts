import { createHmac, randomUUID } from 'node:crypto';
import { DeliveryFaults } from '../common/deliveryFaults';
import { DeliveryQueue } from '../common/deliveryQueue';
import type { Faults } from '../common/faults';
import type { Fields } from '../model';
import { Breaker } from './breaker';
import { ACCOUNT_ID } from './payload';

export interface DeliveryOptions {
  /** The time limit of a receiver. */
  timeoutMs: number;
  /** The pause before the first repetition; it doubles each time. */
  retryMs: number;
  clock: () => number;
}

export interface Receiver {
  id: string;
  endpoint: string;
  secret: string;
  custom_headers?: Record<string, string> | null | undefined;
}

interface Attempt {
  status: number | 'failed';
  retryAfterSeconds: number | null;
}
interface Invocation {
  id: string;
  webhookId: string;
  at: number;
  status: string;
  attempts: Fields[];
}

const LOG_KEPT_MS = 7 * 24 * 3_600_000;
const TIMEOUT_STATUS = 504;
const RETRY_AFTER_BELOW_SECONDS = 60;

/**
 * Rule 32: the number of retries. A time-out is retried up to 5 times, 409 up to 3 times, 429 and 503 only with a
 * `Retry-After` below 60 s, other failures never.
 * https://developer.zendesk.com/documentation/webhooks/creating-and-monitoring-webhooks
 */
export function retriesOf({ status, retryAfterSeconds }: Attempt): number {
  if (status === 'failed') return 5;
  if (status === 409) return 3;
  const isBriefly = retryAfterSeconds !== null && retryAfterSeconds < RETRY_AFTER_BELOW_SECONDS;
  return (status === 429 || status === 503) && isBriefly ? 3 : 0;
}

/** Delivers webhooks at least once, in no fixed order. The log keeps 7 days. */
export class Deliveries {
  private readonly breakers = new Map<string, Breaker>();
  private readonly queue = new DeliveryQueue();
  private readonly faults: DeliveryFaults;
  private log: Invocation[] = [];

  constructor(
    private readonly options: DeliveryOptions,
    faults: Faults,
  ) {
    this.faults = new DeliveryFaults(faults, this.queue.closed);
  }

  /** @param isActive asked before each attempt */
  send(receiver: Receiver, type: string, body: string, isActive: () => boolean): void {
    const invocation: Invocation = {
      id: randomUUID(),
      webhookId: receiver.id,
      at: this.options.clock(),
      status: 'pending',
      attempts: [],
    };
    const from = this.options.clock() - LOG_KEPT_MS;
    if ((this.log[0]?.at ?? from) < from) this.log = this.log.filter(({ at }) => at >= from);
    this.log.push(invocation);
    const deliver = () => this.deliver(receiver, invocation, body, isActive);
    this.faults.pass(type, (then) => this.queue.add(deliver, then));
  }

  invocations(webhookId: string): Fields[] {
    return this.log
      .filter((each) => each.webhookId === webhookId)
      .map(({ id, at, status }) => ({ id, status, created_at: new Date(at).toISOString() }));
  }

  attempts(webhookId: string, invocationId: string): Fields[] | null {
    const found = this.log.find((each) => each.webhookId === webhookId && each.id === invocationId);
    return found?.attempts ?? null;
  }

  /** Makes a single attempt and returns its result. */
  async test(receiver: Receiver, body: string): Promise<Fields> {
    const { status } = await this.attempt(receiver, randomUUID(), body);
    return { headers: [], status_code: status === 'failed' ? TIMEOUT_STATUS : status, payload: '' };
  }

  /** Ends all deliveries, so that nothing keeps the process alive. */
  close(): void {
    this.queue.close();
  }

  private async deliver(
    receiver: Receiver,
    invocation: Invocation,
    body: string,
    isActive: () => boolean,
  ): Promise<void> {
    const breaker = this.breakers.get(receiver.id) ?? new Breaker(this.options.clock);
    this.breakers.set(receiver.id, breaker);
    for (let tries = 0; isActive(); tries += 1) {
      if (breaker.isOpen()) {
        invocation.status = 'circuit broken';
        return;
      }
      const attempt = await this.attempt(receiver, invocation.id, body);
      const { status, retryAfterSeconds } = attempt;
      const isDone = status !== 'failed' && status < 300;
      breaker.count(!isDone);
      invocation.attempts.push({
        id: randomUUID(),
        status: isDone ? 'success' : 'failed',
        status_code: status === 'failed' ? TIMEOUT_STATUS : status,
        completed_at: new Date(this.options.clock()).toISOString(),
      });
      invocation.status = isDone ? 'success' : status === 403 ? 'terminated' : 'failed';
      if (isDone || tries >= retriesOf(attempt)) return;
      await this.queue.pause(
        retryAfterSeconds === null ? this.options.retryMs * 2 ** tries : retryAfterSeconds * 1000,
      );
    }
  }

  /**
   * Rule 31: signed with base64(HMAC-SHA256(secret, timestamp + raw body)).
   * https://developer.zendesk.com/documentation/webhooks/verifying/
   */
  private async attempt(receiver: Receiver, invocation: string, body: string): Promise<Attempt> {
    const timestamp = new Date(this.options.clock()).toISOString();
    const signature = createHmac('sha256', receiver.secret)
      .update(timestamp + body)
      .digest('base64');
    try {
      const answer = await fetch(receiver.endpoint, {
        method: 'POST',
        headers: {
          ...receiver.custom_headers,
          'content-type': 'application/json; charset=utf-8',
          'user-agent': 'Zendesk Webhook',
          'x-zendesk-account-id': String(ACCOUNT_ID),
          'x-zendesk-webhook-id': receiver.id,
          'x-zendesk-webhook-invocation-id': invocation,
          'x-zendesk-webhook-signature-timestamp': timestamp,
          'x-zendesk-webhook-signature': signature,
        },
        body,
        // No redirects, because they could lead away from loopback.
        redirect: 'manual',
        signal: AbortSignal.any([AbortSignal.timeout(this.options.timeoutMs), this.queue.closed]),
      });
      await answer.body?.cancel();
      const told = answer.headers.get('retry-after');
      const seconds = told === null ? NaN : Number(told);
      return { status: answer.status, retryAfterSeconds: Number.isFinite(seconds) ? seconds : null };
    } catch {
      // The receiver is unavailable or too slow.
      return { status: 'failed', retryAfterSeconds: null };
    }
  }
}
