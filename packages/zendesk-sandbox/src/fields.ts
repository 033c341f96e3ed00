import type { Fields, Json } from './model';
import { invalid } from './refusal';

/** The account's custom fields and statuses, and which values they take. */

export interface CustomField {
  id: number;
  type: string;
  title: string;
  /** Organization fields are written by key, ticket fields by id. */
  key: string | null;
  options: readonly string[];
}

const ticketField = (
  id: number,
  type: string,
  title: string,
  options: readonly string[] = [],
): CustomField => ({
  id: 360100000000 + id,
  type,
  title,
  key: null,
  options,
});
const organizationField = (
  id: number,
  type: string,
  title: string,
  key: string,
  options: readonly string[] = [],
): CustomField => ({ id: 360200000000 + id, type, title, key, options });

export const TICKET_FIELDS: readonly CustomField[] = [
  ticketField(1, 'text', 'Order number'),
  ticketField(2, 'tagger', 'Severity', ['s1', 's2', 's3', 's4']),
  ticketField(3, 'integer', 'Affected users'),
  ticketField(4, 'decimal', 'Effort'),
  ticketField(5, 'date', 'Release date'),
  ticketField(6, 'checkbox', 'Escalated'),
  ticketField(7, 'multiselect', 'Components', ['api', 'app', 'billing', 'reports']),
];
export const ORGANIZATION_FIELDS: readonly CustomField[] = [
  organizationField(1, 'text', 'Plan', 'plan'),
  organizationField(2, 'dropdown', 'Region', 'region', ['emea', 'amer', 'apac']),
  organizationField(3, 'checkbox', 'VIP', 'vip'),
  organizationField(4, 'date', 'Contract end', 'contract_end'),
  organizationField(5, 'decimal', 'Annual revenue', 'annual_revenue'),
];
const SYSTEM_FIELDS: readonly CustomField[] = [
  ticketField(101, 'subject', 'Subject'),
  ticketField(102, 'description', 'Description'),
  ticketField(103, 'status', 'Status'),
  ticketField(104, 'tickettype', 'Type'),
  ticketField(105, 'priority', 'Priority'),
  ticketField(106, 'group', 'Group'),
  ticketField(107, 'assignee', 'Assignee'),
  ticketField(108, 'custom_status', 'Ticket status'),
];

/** https://developer.zendesk.com/api-reference/ticketing/tickets/custom_ticket_statuses/ */
export const CUSTOM_STATUSES = [
  { id: 4044356, status_category: 'new', agent_label: 'New', default: true },
  { id: 4044376, status_category: 'open', agent_label: 'Open', default: true },
  { id: 4044396, status_category: 'pending', agent_label: 'Pending', default: true },
  { id: 4044416, status_category: 'hold', agent_label: 'On-hold', default: true },
  { id: 4044436, status_category: 'solved', agent_label: 'Solved', default: true },
  { id: 4044456, status_category: 'open', agent_label: 'With engineering', default: false },
].map((status) => ({ ...status, active: true, end_user_label: status.agent_label, description: '' }));

/** The custom status for a status: the one it has, where that fits. Closed tickets keep that of solved ones. */
export function customStatusOf(status: string, current: number): number {
  const category = status === 'closed' ? 'solved' : status;
  const fitting = CUSTOM_STATUSES.filter((each) => each.status_category === category);
  if (fitting.length === 0 || fitting.some(({ id }) => id === current)) return current;
  return fitting.find((each) => each.default)?.id ?? current;
}

const timestamps = { created_at: '2024-01-01T00:00:00Z', updated_at: '2024-01-01T00:00:00Z' };

/** https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_fields/ */
export function shownTicketFields(baseUrl: string, fields: readonly CustomField[]): Fields[] {
  return [...SYSTEM_FIELDS, ...fields].map(({ options, key: _, ...field }, index) => ({
    url: `${baseUrl}/ticket_fields/${field.id}.json`,
    ...field,
    raw_title: field.title,
    description: '',
    position: index,
    active: true,
    required: false,
    tag: null,
    removable: !SYSTEM_FIELDS.some(({ id }) => id === field.id),
    ...timestamps,
    ...(options.length > 0 && { custom_field_options: shownOptions(field.id, options) }),
  }));
}

/** https://developer.zendesk.com/api-reference/ticketing/organizations/organization_fields/ */
export function shownOrganizationFields(baseUrl: string, fields: readonly CustomField[]): Fields[] {
  return fields.map(({ options, ...field }, index) => ({
    url: `${baseUrl}/organization_fields/${field.id}.json`,
    ...field,
    raw_title: field.title,
    description: '',
    position: index,
    active: true,
    system: false,
    tag: null,
    ...timestamps,
    ...(options.length > 0 && { custom_field_options: shownOptions(field.id, options) }),
  }));
}

function shownOptions(fieldId: number, options: readonly string[]): Fields[] {
  return options.map((value, index) => ({
    id: fieldId * 10 + index,
    name: value.toUpperCase(),
    raw_name: value.toUpperCase(),
    value,
  }));
}

const CHECKS: Record<string, (value: Json, options: readonly string[]) => boolean> = {
  text: (value) => typeof value === 'string',
  integer: (value) =>
    (typeof value === 'number' || typeof value === 'string') && /^-?\d+$/.test(String(value)),
  decimal: (value) =>
    (typeof value === 'number' || typeof value === 'string') && /^-?\d+(\.\d+)?$/.test(String(value)),
  date: (value) =>
    typeof value === 'string' && /^\d{4}-\d\d-\d\d/.test(value) && !Number.isNaN(Date.parse(value)),
  checkbox: (value) => typeof value === 'boolean',
  tagger: (value, options) => typeof value === 'string' && options.includes(value),
  dropdown: (value, options) => typeof value === 'string' && options.includes(value),
  multiselect: (value, options) =>
    Array.isArray(value) && value.every((each) => typeof each === 'string' && options.includes(each)),
};

/** @throws Refusal 422 where the field does not take the value */
function checkValue(field: CustomField, value: Json, named: string): Json {
  // An empty value clears any field.
  if (value === null || value === '') return field.type === 'checkbox' ? false : null;
  if (!CHECKS[field.type]?.(value, field.options))
    throw invalid(named, `${field.title}: ${JSON.stringify(value)} is not valid`, 'InvalidValue');
  return value;
}

/** Values for a ticket's `custom_fields`; the API ignores fields that are not there. */
export function mergeTicketFields(
  fields: readonly CustomField[],
  before: readonly { id: number; value: Json }[],
  given: readonly { id: number; value: Json }[],
): { id: number; value: Json }[] {
  const values = new Map(before.map(({ id, value }) => [id, value]));
  for (const { id, value } of given) {
    const field = fields.find((each) => each.id === id);
    if (field) values.set(id, checkValue(field, value, 'base'));
  }
  return [...values].map(([id, value]) => ({ id, value }));
}

export function mergeOrganizationFields(
  fields: readonly CustomField[],
  before: Fields,
  given: Record<string, Json>,
): Fields {
  const known = Object.entries(given).flatMap(([key, value]) => {
    const field = fields.find((each) => each.key === key);
    return field ? [[key, checkValue(field, value, key)] as const] : [];
  });
  return { ...before, ...Object.fromEntries(known) };
}
