import type { DataType } from '../../sync/mapping';
import type { HttpClient } from '../http';
import type { CustomField, PropertyInfo } from '../port';
import { CUSTOM_FIELD, ORGANIZATION_FIELD, PROPERTIES } from './zendeskRecords';
import { organizationFieldsAnswer, ticketFieldsAnswer } from './zendeskSchemas';

/** What a kind offers to the mapping: its standard properties, and the account's own fields. */
export async function zendeskProperties(http: HttpClient, kind: string): Promise<PropertyInfo[]> {
  const standard = Object.entries(PROPERTIES[kind] ?? {}).map(([name, writable]) => ({
    name,
    aliases: [],
    writable,
  }));
  if (kind === 'ticket') {
    const { ticket_fields: fields } = await http.get(ticketFieldsAnswer, '/api/v2/ticket_fields');
    return [
      ...standard,
      // Subject, status and the like are listed as fields, too; a record has them under their own names.
      ...fields
        .filter(({ removable }) => removable !== false)
        .map((field) => ({
          name: `${CUSTOM_FIELD}${field.id}`,
          aliases: [`${CUSTOM_FIELD}${field.title}`],
          writable: true,
          custom: customField(field),
        })),
    ];
  }
  if (kind === 'organization') {
    const { organization_fields: fields } = await http.get(
      organizationFieldsAnswer,
      '/api/v2/organization_fields',
    );
    return [
      ...standard,
      ...fields.map((field) => ({
        name: `${ORGANIZATION_FIELD}${field.key}`,
        aliases: [`${ORGANIZATION_FIELD}${field.title}`],
        writable: true,
        custom: customField(field),
      })),
    ];
  }
  return standard;
}

/** https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_fields/#json-format, `type` */
const FIELD_TYPES: Readonly<Record<string, DataType>> = {
  text: 'string',
  regexp: 'string',
  textarea: 'text',
  integer: 'integer',
  decimal: 'decimal',
  checkbox: 'boolean',
  date: 'date',
  tagger: 'enum',
  dropdown: 'enum',
  multiselect: 'string[]',
};

function customField(field: {
  title: string;
  type: string;
  custom_field_options?: { value: string }[] | undefined;
}): CustomField {
  const options = field.custom_field_options?.map(({ value }) => value);
  return { title: field.title, type: FIELD_TYPES[field.type] ?? null, ...(options && { options }) };
}
