import type { Json, Values } from '../../sync/record';
import { textOf } from '../../sync/values';

/** Builds request bodies for Zendesk from values under the mapping's property names. */

export const TICKET_FIELD = 'custom_fields.';
export const ORGANIZATION_FIELD = 'organization_fields.';

type Groups = readonly { id: number; name: string }[];

/** @param groups the account's groups, to find a group's id by its name */
export function ticketBody(values: Values, groups: Groups): Record<string, unknown> {
  const entries = Object.entries(values);
  const fields = entries
    .filter(([name]) => name.startsWith(TICKET_FIELD))
    .map(([name, value]) => ({ id: Number(name.slice(TICKET_FIELD.length)), value }));
  const parts = entries
    .filter(([name]) => !name.startsWith(TICKET_FIELD))
    .map(([name, value]) => ticketPart(name, value, groups));
  return { ...Object.fromEntries(parts), ...(fields.length > 0 && { custom_fields: fields }) };
}

/** One property in the API's form. */
function ticketPart(name: string, value: Json, groups: Groups): [name: string, value: unknown] {
  switch (name) {
    case 'organization_id':
      return [name, value === null ? null : Number(value)];
    case 'requester':
      return [name, { email: value, name: textOf(value) }];
    case 'assignee':
      return value === null ? ['assignee_id', null] : ['assignee_email', value];
    case 'group':
      return ['group_id', groups.find((each) => each.name === value)?.id ?? null];
    default:
      return [name, value];
  }
}

export function organizationBody(values: Values): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  const fields: Values = {};
  for (const [name, value] of Object.entries(values)) {
    if (name.startsWith(ORGANIZATION_FIELD)) fields[name.slice(ORGANIZATION_FIELD.length)] = value;
    else body[name] = value;
  }
  return Object.keys(fields).length > 0 ? { ...body, organization_fields: fields } : body;
}
