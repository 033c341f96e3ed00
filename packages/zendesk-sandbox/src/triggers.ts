import { z } from 'zod';
import { viaRule, type Fields, type Query, type Ticket } from './model';
import { notFound, parseRequest } from './refusal';
import type { SandboxEvent, Store } from './store';
import type { TriggerEffect } from './tickets/tickets';
import { ticketBody } from './tickets/ticketBody';
import type { Webhooks } from './webhooks/webhooks';

const condition = z.looseObject({ field: z.string(), operator: z.string(), value: z.unknown() });
const conditionList = z
  .array(condition)
  .nullish()
  .transform((given) => given ?? []);
const conditionBody = z.looseObject({ all: conditionList, any: conditionList });
const changeBody = z.looseObject({
  title: z.string().min(1).optional(),
  description: z.string().nullish(),
  active: z.boolean().optional(),
  position: z.number().optional(),
  category_id: z.string().nullish(),
  actions: z
    .array(z.looseObject({ field: z.string(), value: z.unknown() }))
    .min(1)
    .optional(),
  conditions: conditionBody.optional(),
});
type Change = z.output<typeof changeBody>;
const newBody = changeBody.required({ title: true, actions: true });

/** A trigger with every key that the documentation shows. */
interface Trigger extends Fields {
  id: number;
  title: string;
  active: boolean;
  category_id: string | null;
  actions: { field: string; value?: unknown }[];
  conditions: z.output<typeof conditionBody>;
}
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
    const { title, actions, ...rest } = parseRequest(newBody, input);
    const id = this.store.newId();
    const now = this.store.now();
    const blank = {
      url: `${this.store.baseUrl()}/triggers/${id}.json`,
      id,
      title,
      raw_title: title,
      description: null,
      active: true,
      position: this.all.size,
      category_id: null,
      conditions: { all: [], any: [] },
      actions,
      default: false,
      created_at: now,
      updated_at: now,
    };
    return this.keep(blank, rest);
  }

  /** @throws Refusal 404 */
  get(id: number): Trigger {
    const found = this.all.get(id);
    if (!found) throw notFound();
    return found;
  }

  change(id: number, input: unknown): Trigger {
    return this.keep({ ...this.get(id), updated_at: this.store.now() }, parseRequest(changeBody, input));
  }

  /** By `active` and `category_id`. */
  list({ active, category_id: category }: Query = {}): Trigger[] {
    return [...this.all.values()].filter(
      (trigger) =>
        (active === undefined || String(trigger.active) === active) &&
        (category === undefined || trigger.category_id === category),
    );
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

  private keep(before: Trigger, { title, description, active, position, ...rest }: Change): Trigger {
    const { category_id: category, actions, conditions } = rest;
    const trigger: Trigger = {
      ...before,
      ...(title !== undefined && { title, raw_title: title }),
      ...(description !== undefined && { description }),
      ...(active !== undefined && { active }),
      ...(position !== undefined && { position }),
      ...(category !== undefined && { category_id: category }),
      ...(actions && { actions }),
      ...(conditions && { conditions }),
    };
    this.all.set(trigger.id, trigger);
    return trigger;
  }

  private fitting(created: boolean): Trigger[] {
    const type = created ? 'Create' : 'Change';
    return this.list().filter(
      ({ active, conditions }) =>
        active && conditions.all.every(({ field, value }) => field !== 'update_type' || value === type),
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
