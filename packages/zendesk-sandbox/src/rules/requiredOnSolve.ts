import type { Field } from '../fields/fieldRegistry';
import type { TicketForm } from '../forms';
import type { Json, Ticket } from '../model';
import { Refusal } from '../refusal';
import type { Store } from '../store';

/** The ticket's property for each system field. */
const KEYS: Record<string, string> = {
  subject: 'subject',
  description: 'description',
  tickettype: 'type',
  priority: 'priority',
  group: 'group_id',
  assignee: 'assignee_id',
};
const CLASSES: Record<string, string> = {
  tickettype: 'FieldTicketType',
  tagger: 'FieldTagger',
  multiselect: 'FieldMultiselect',
  custom_status: 'FieldCustomStatus',
};

/**
 * Rule 10 [R CSA]: a ticket cannot be solved while a required field is empty, also not by the API; the whole write is
 * refused, including its comment. Required are the fields of the ticket's form with `required`, and those by the form's
 * `agent_conditions`.
 * @throws Refusal 422 that names each field
 */
export function checkSolvable(store: Store, before: Ticket, after: Ticket): void {
  if (!store.rules.requiredOnSolve || after.status !== 'solved' || before.status === 'solved') return;
  const form = store.forms.of(after);
  const missing = requiredFields(store, form, after).filter((field) => isEmpty(valueOf(field, after)));
  if (missing.length === 0) return;
  throw new Refusal(422, {
    error: 'RecordInvalid',
    description: 'Record validation errors',
    details: {
      base: missing.map(({ id, title, type }) => ({
        description: `${title}: is required when solving a ticket`,
        error: null,
        ticket_field_id: id,
        ticket_field_type: CLASSES[type] ?? `Field${type[0]?.toUpperCase()}${type.slice(1)}`,
      })),
    },
  });
}

function requiredFields(store: Store, form: TicketForm, ticket: Ticket): Field[] {
  const fields = store.ticketFields.list();
  const byCondition = form.agent_conditions
    .filter(({ parent_field_id: parent, value }) => {
      const field = fields.find(({ id }) => id === parent);
      return field && String(valueOf(field, ticket)) === String(value);
    })
    .flatMap(({ child_fields: children }) => children)
    .filter(({ is_required: required, required_on_statuses: on }) =>
      on === undefined
        ? required
        : on.type === 'ALL_STATUSES' || (on.type === 'SOME_STATUSES' && on.statuses?.includes('solved')),
    )
    .map(({ id }) => id);
  return fields.filter(
    ({ id, active, required }) =>
      active && store.forms.has(form, id) && (required || byCondition.includes(id)),
  );
}

function valueOf({ id, type, system }: Field, ticket: Ticket): unknown {
  if (system) return KEYS[type] === undefined ? true : ticket[KEYS[type]];
  return ticket.custom_fields.find((each) => each.id === id)?.value ?? null;
}

function isEmpty(value: unknown): boolean {
  return value == null || value === '' || (Array.isArray(value) && (value as Json[]).length === 0);
}
