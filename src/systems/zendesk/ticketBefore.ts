import { ticketSchema, type Audit, type Ticket } from './zendeskSchemas';

/**
 * The ticket as it was before an update, by the update's audit.
 * https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_audits/
 * @returns null if the update changed no field, or if the audit cannot be read
 */
export function ticketBefore(ticket: Ticket, audit: Audit | null): Ticket | null {
  const before = new Map(
    (audit?.events ?? [])
      .filter((event) => event.type === 'Change' && typeof event['field_name'] === 'string')
      .map((event) => [event['field_name'] as string, event['previous_value'] ?? null]),
  );
  if (before.size === 0) return null;
  const fields = [...before].map(([field, value]) => [
    field,
    field.endsWith('_id') && value !== null ? Number(value) : value,
  ]);
  const earlier = ticketSchema.safeParse({
    ...ticket,
    ...Object.fromEntries(fields),
    custom_fields: ticket.custom_fields?.map((field) =>
      before.has(String(field.id)) ? { ...field, value: before.get(String(field.id)) } : field,
    ),
  });
  return earlier.success ? earlier.data : null;
}
