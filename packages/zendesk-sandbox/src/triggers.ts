import { z } from 'zod';
import type { Fields, Ticket } from './model';
import { notFound, parseRequest } from './refusal';
import type { SandboxEvent, Store } from './store';
import type { Webhooks } from './webhooks';

const triggerSchema = z.looseObject({
  title: z.string().min(1),
  active: z.boolean().default(true),
  actions: z.array(z.looseObject({ field: z.string(), value: z.unknown() })).min(1),
});
type Trigger = z.output<typeof triggerSchema> & { id: number };
const notification = z.tuple([z.string(), z.string()]);

/**
 * Business rules that call a webhook with a body of the administrator's choosing, after each creation or update of a
 * ticket; conditions are kept but not looked at.
 * https://developer.zendesk.com/api-reference/ticketing/business-rules/triggers/
 */
export class Triggers {
  private readonly all = new Map<number, Trigger>();

  constructor(
    private readonly store: Store,
    private readonly webhooks: Webhooks,
  ) {}

  add(input: unknown): Trigger {
    const trigger = { ...parseRequest(triggerSchema, input), id: this.store.newId() };
    this.all.set(trigger.id, trigger);
    return trigger;
  }

  list(): Trigger[] {
    return [...this.all.values()];
  }

  remove(id: number): void {
    if (!this.all.delete(id)) throw notFound();
  }

  announce({ type, record }: SandboxEvent): void {
    if (type !== 'ticket.created' && type !== 'ticket.updated') return;
    for (const { active, actions } of this.all.values()) {
      for (const { field, value } of active ? actions : []) {
        const parsed = notification.safeParse(value);
        if (field !== 'notification_webhook' || !parsed.success) continue;
        const [webhookId, template] = parsed.data;
        this.webhooks.announceTrigger(webhookId, this.fill(template, record as Ticket));
      }
    }
  }

  /** `{{ticket.id}}` and its like; what goes into JSON is escaped for it. */
  private fill(template: string, ticket: Ticket): string {
    const organization = this.store.organizations.get(ticket.organization_id ?? 0);
    const values: Fields = {
      ...ticket,
      title: ticket.subject,
      'organization.id': organization?.id,
      'organization.name': organization?.name,
      updated_at_with_timestamp: ticket.updated_at,
      latest_comment: this.store.comments.get(ticket.id)?.at(-1)?.body,
    };
    return template.replace(/\{\{\s*ticket\.([\w.]+)\s*\}\}/g, (_, name: string) => {
      const value = values[name] ?? '';
      const shown = typeof value === 'string' ? value : JSON.stringify(value);
      return JSON.stringify(shown).slice(1, -1);
    });
  }
}
