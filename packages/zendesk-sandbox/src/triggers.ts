import { z } from 'zod';
import { viaRule, type Fields, type Ticket } from './model';
import { notFound, parseRequest } from './refusal';
import type { SandboxEvent, Store } from './store';
import type { TriggerEffect } from './tickets/tickets';
import { ticketBody } from './tickets/ticketBody';
import type { Webhooks } from './webhooks/webhooks';

const conditionBody = z.looseObject({ field: z.string(), operator: z.string(), value: z.unknown() });
const triggerSchema = z.looseObject({
  title: z.string().min(1),
  active: z.boolean().default(true),
  actions: z.array(z.looseObject({ field: z.string(), value: z.unknown() })).min(1),
  conditions: z.looseObject({ all: z.array(conditionBody).default([]) }).optional(),
});
type Trigger = z.output<typeof triggerSchema> & { id: number };
const notification = z.tuple([z.string(), z.string()]);
/** The ticket property that each action's field sets. */
const SETS: Record<string, string> = {
  current_tags: 'additional_tags',
  set_tags: 'tags',
  remove_tags: 'remove_tags',
  priority: 'priority',
  status: 'status',
  type: 'type',
  assignee_id: 'assignee_id',
  group_id: 'group_id',
};

/**
 * Business rules: they call a webhook with a body of the administrator's choosing, or change the ticket, in the audit
 * of the write that set them off (rule 14). Of conditions, `update_type` is looked at, which others are not.
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

  /** The changes that the triggers make to a ticket after its creation or update. */
  effects(created: boolean): TriggerEffect[] {
    return this.fitting(created).flatMap(({ id, title, actions }) => {
      const set = actions.flatMap(({ field, value }) => {
        const key = SETS[field];
        if (key === undefined) return [];
        return [[key, key.includes('tags') ? String(value).split(/\s+/) : value] as const];
      });
      if (set.length === 0) return [];
      return [{ via: viaRule(id, title), change: parseRequest(ticketBody, Object.fromEntries(set)) }];
    });
  }

  announce({ type, record }: SandboxEvent): void {
    if (type !== 'ticket.created' && type !== 'ticket.updated') return;
    for (const { actions } of this.fitting(type === 'ticket.created')) {
      for (const { field, value } of actions) {
        const parsed = notification.safeParse(value);
        if (field !== 'notification_webhook' || !parsed.success) continue;
        const [webhookId, template] = parsed.data;
        this.webhooks.announceTrigger(webhookId, this.fill(template, record as Ticket));
      }
    }
  }

  private fitting(created: boolean): Trigger[] {
    const type = created ? 'Create' : 'Change';
    return this.list().filter(
      ({ active, conditions }) =>
        active &&
        (conditions?.all ?? []).every(({ field, value }) => field !== 'update_type' || value === type),
    );
  }

  /** Replaces placeholders such as `{{ticket.id}}`, and escapes values in JSON. */
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
