import { z } from 'zod';
import type { Fields, Ticket } from './model';
import { invalid, notFound, parseRecord } from './refusal';
import { DEFAULT_FORM } from './tickets/blankTicket';

const conditionBody = z.looseObject({
  parent_field_id: z.number(),
  value: z.union([z.string(), z.boolean()]),
  child_fields: z.array(
    z.looseObject({
      id: z.number(),
      is_required: z.boolean().default(false),
      required_on_statuses: z
        .looseObject({ type: z.string(), statuses: z.array(z.string()).optional() })
        .optional(),
    }),
  ),
});
const formBody = z.looseObject({
  name: z.string().min(1).optional(),
  active: z.boolean().optional(),
  ticket_field_ids: z.array(z.number()).optional(),
  agent_conditions: z.array(conditionBody).optional(),
});

export interface TicketForm extends Fields {
  id: number;
  name: string;
  active: boolean;
  /** Empty: all fields. */
  ticket_field_ids: number[];
  agent_conditions: z.output<typeof conditionBody>[];
}

/** https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_forms/ */
export class TicketForms {
  private readonly all = new Map<number, TicketForm>();

  constructor(private readonly options: { now: () => string; newId: () => number; baseUrl: () => string }) {
    this.all.set(DEFAULT_FORM, { ...this.blank(DEFAULT_FORM, 'Default Ticket Form'), default: true });
  }

  list(fieldIds: readonly number[]): Fields[] {
    return [...this.all.values()].map((form) => this.shown(form, fieldIds));
  }

  /** @throws Refusal 404 */
  get(id: number): TicketForm {
    const form = this.all.get(id);
    if (!form) throw notFound();
    return form;
  }

  /** The form of a ticket; an unknown form has all fields. */
  of(ticket: Ticket): TicketForm {
    return this.all.get(Number(ticket['ticket_form_id'])) ?? this.blank(0, '');
  }

  has({ ticket_field_ids: ids }: TicketForm, fieldId: number): boolean {
    return ids.length === 0 || ids.includes(fieldId);
  }

  add(input: unknown): TicketForm {
    const given = parseRecord(formBody.required({ name: true }), input);
    return this.keep(this.blank(this.options.newId(), given.name), given);
  }

  change(id: number, input: unknown): TicketForm {
    return this.keep(this.get(id), parseRecord(formBody, input));
  }

  /** @throws Refusal 404; 422 for the default form */
  remove(id: number): void {
    if (this.get(id)['default'] === true)
      throw invalid('base', 'The default form cannot be deleted', 'InvalidValue');
    this.all.delete(id);
  }

  shown(form: TicketForm, fieldIds: readonly number[]): Fields {
    const ids = form.ticket_field_ids;
    return {
      url: `${this.options.baseUrl()}/ticket_forms/${form.id}.json`,
      ...form,
      ticket_field_ids: ids.length === 0 ? [...fieldIds] : ids,
    };
  }

  private keep(before: TicketForm, given: z.output<typeof formBody>): TicketForm {
    const set = Object.entries(given).filter(([key, value]) => key in before && value !== undefined);
    const form: TicketForm = { ...before, ...Object.fromEntries(set), updated_at: this.options.now() };
    this.all.set(form.id, form);
    return form;
  }

  private blank(id: number, name: string): TicketForm {
    const now = this.options.now();
    return {
      id,
      name,
      raw_name: name,
      display_name: name,
      raw_display_name: name,
      end_user_visible: true,
      position: 0,
      ticket_field_ids: [],
      active: true,
      default: false,
      in_all_brands: true,
      restricted_brand_ids: [],
      end_user_conditions: [],
      agent_conditions: [],
      created_at: now,
      updated_at: now,
    };
  }
}
