import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Faults } from '../common/faults';
import { isLoopbackUrl } from '../common/loopback';
import { omit, type Fields } from '../model';
import { invalid, notFound, parseRequest } from '../refusal';
import type { SandboxEvent } from '../store';
import { Deliveries, type DeliveryOptions } from './deliveries';
import { EVENT_TYPES } from './eventTypes';
import { PREFIX, payloadOf } from './payload';

const webhookSchema = z.looseObject({
  name: z.string().min(1),
  description: z.string().nullable().default(null),
  endpoint: z.string().refine(isLoopbackUrl, 'expected a loopback address'),
  // Event subscriptions require these two values.
  http_method: z.literal('POST').default('POST'),
  request_format: z.literal('json').default('json'),
  status: z.enum(['active', 'inactive']).default('active'),
  subscriptions: z.array(z.string()).default([]),
  custom_headers: z.record(z.string(), z.string()).nullish(),
});
type Webhook = z.output<typeof webhookSchema> & {
  id: string;
  secret: string;
  created_at: string;
  created_by: string;
};
/** The subscription of webhooks that triggers call, with a body that the administrator defined. */
const BY_TRIGGER = 'conditional_ticket_events';
const ULID_LETTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** Rule 33 [R ZP]. https://developer.zendesk.com/api-reference/webhooks/webhooks-api/webhooks/ */
export class Webhooks {
  private readonly all = new Map<string, Webhook>();
  private readonly deliveries: Deliveries;

  constructor(
    private readonly options: DeliveryOptions,
    faults: Faults,
  ) {
    this.deliveries = new Deliveries(options, faults);
  }

  add(input: unknown, actorId: number): Fields {
    const given = parseRequest(webhookSchema, input);
    kindOf(given.subscriptions);
    const now = new Date(this.options.clock()).toISOString();
    const webhook: Webhook = {
      ...given,
      id: ulid(),
      secret: newSecret(),
      created_at: now,
      created_by: String(actorId),
    };
    this.all.set(webhook.id, webhook);
    return shown(webhook);
  }

  list(nameContains = ''): Fields[] {
    return [...this.all.values()].filter(({ name }) => name.includes(nameContains)).map(shown);
  }

  show(id: string): Fields {
    return shown(this.get(id));
  }

  change(id: string, input: unknown): void {
    const webhook = this.get(id);
    const changed = parseRequest(webhookSchema, { ...webhook, ...(input as Fields) });
    if (kindOf(changed.subscriptions) !== kindOf(webhook.subscriptions))
      throw invalid('subscriptions', 'The kind of a webhook cannot be changed', 'InvalidValue');
    Object.assign(webhook, changed, { id });
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

  invocations(id: string): Fields[] {
    return this.deliveries.invocations(this.get(id).id);
  }

  attempts(id: string, invocationId: string): Fields[] {
    const found = this.deliveries.attempts(this.get(id).id, invocationId);
    if (!found) throw notFound();
    return found;
  }

  /** Sends a test to an existing webhook, to a described one, or to an existing one with the described changes. */
  async test(id: string | undefined, input: unknown): Promise<Fields> {
    const known = id === undefined ? {} : this.get(id);
    const webhook = parseRequest(webhookSchema, { name: 'test', ...known, ...(input as Fields) });
    const receiver = { id: id ?? ulid(), secret: newSecret(), ...known, ...webhook };
    return this.deliveries.test(receiver, JSON.stringify({ test: true }, null, 2));
  }

  /** Sends an event to its subscribers. Changes without an event type are not sent (rule 28). The body is indented. */
  announce(event: SandboxEvent): void {
    if (!EVENT_TYPES.has(event.type)) return;
    for (const webhook of this.all.values()) {
      if (!webhook.subscriptions.includes(`${PREFIX}${event.type}`)) continue;
      const time = new Date(this.options.clock()).toISOString();
      this.send(webhook, event.type, JSON.stringify(payloadOf(event, time), null, 2));
    }
  }

  /** Sends a trigger's webhook, with exactly the body that the administrator defined. */
  announceTrigger(webhookId: string, body: string): void {
    const webhook = this.all.get(webhookId);
    if (webhook?.subscriptions.includes(BY_TRIGGER)) this.send(webhook, BY_TRIGGER, body);
  }

  close(): void {
    this.deliveries.close();
    this.all.clear();
  }

  private get(id: string): Webhook {
    const webhook = this.all.get(id);
    if (!webhook) throw notFound();
    return webhook;
  }

  private send(webhook: Webhook, type: string, body: string): void {
    if (webhook.status !== 'active') return;
    this.deliveries.send(webhook, type, body, () => this.all.has(webhook.id));
  }
}

/** A webhook serves either events or triggers [D Z:webhooks/webhooks-api/webhooks]. */
function kindOf(subscriptions: readonly string[]): 'events' | 'triggers' {
  const isByTrigger = subscriptions.includes(BY_TRIGGER);
  if (isByTrigger && subscriptions.length > 1)
    throw invalid('subscriptions', 'A webhook serves events or triggers, not both', 'InvalidValue');
  return isByTrigger ? 'triggers' : 'events';
}

const shown = (webhook: Webhook): Fields => omit(webhook, 'secret');
const newSecret = () => randomBytes(24).toString('base64');
const ulid = () => `01${[...randomBytes(24)].map((byte) => ULID_LETTERS[byte % 32]).join('')}`;
