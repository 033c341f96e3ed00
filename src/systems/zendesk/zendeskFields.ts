import type { DataType } from '../../sync/mapping';
import type { CustomField, PropertyInfo } from '../port';
import type { ZendeskCalls } from './zendeskCalls';
import { CUSTOM_FIELD, ORGANIZATION_FIELD, PROPERTIES } from './zendeskRecords';
import {
  organizationFieldsPage,
  ticketFieldsPage,
  type OrganizationField,
  type Ticket,
  type TicketField,
} from './zendeskSchemas';

/** Definitions are read again after this time. Their list has a rate limit of its own (zendesk-rules.md rule 5). */
const KEPT_MS = 5 * 60_000;
/** A ticket that names other fields than the list has the list read again, this often at most. */
const REREAD_MS = 10_000;

/**
 * The account's own fields. A field that was deactivated or deleted is none: tickets do not name it any more.
 * https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_fields/
 */
export class ZendeskFields {
  private ticket: { fields: TicketField[]; tags: ReadonlySet<string>; readAt: number } | null = null;

  constructor(private readonly calls: ZendeskCalls) {}

  /** What a kind offers to the mapping: its standard properties, and the account's own fields. Reads the list anew. */
  async properties(kind: string): Promise<PropertyInfo[]> {
    const standard = Object.entries(PROPERTIES[kind] ?? {}).map(([name, writable]) => ({
      name,
      aliases: [],
      writable,
    }));
    if (kind === 'ticket')
      return [
        ...standard,
        ...(await this.readTicketFields()).map((field) => ownProperty(CUSTOM_FIELD, String(field.id), field)),
      ];
    if (kind !== 'organization') return standard;
    const fields = await this.calls.pages(
      '/api/v2/organization_fields',
      organizationFieldsPage,
      (page): OrganizationField[] => page.organization_fields,
    );
    return [
      ...standard,
      ...fields.filter(isActive).map((field) => ownProperty(ORGANIZATION_FIELD, field.key, field)),
    ];
  }

  /**
   * The tags that belong to fields: of each option of a drop-down or multi-select, and of each checkbox that has one.
   * https://support.zendesk.com/hc/en-us/articles/4408881943194 (zendesk-rules.md rule 13)
   *
   * @param tickets about to be parsed; where they name other fields than are known, the list is read again
   */
  async tagsOfFields(tickets: readonly Ticket[]): Promise<ReadonlySet<string>> {
    const known = this.ticket;
    const age = known ? Date.now() - known.readAt : Infinity;
    if (
      !known ||
      age > KEPT_MS ||
      (age > REREAD_MS && tickets.some((ticket) => namesOthers(ticket, known.fields)))
    )
      await this.readTicketFields();
    return this.ticket?.tags ?? new Set();
  }

  /** @returns the tags of a field's options; none for a field without options */
  tagsOf(id: number): readonly string[] {
    const field = this.ticket?.fields.find((each) => each.id === id);
    return field ? tagsOf(field) : [];
  }

  /** Subject, status and the like are listed as fields, too; a record has them under their own names. */
  private async readTicketFields(): Promise<TicketField[]> {
    const listed = await this.calls.pages(
      '/api/v2/ticket_fields',
      ticketFieldsPage,
      (page): TicketField[] => page.ticket_fields,
    );
    const fields = listed.filter((field) => isActive(field) && field.removable !== false);
    this.ticket = { fields, tags: new Set(fields.flatMap(tagsOf)), readAt: Date.now() };
    return fields;
  }
}

const isActive = ({ active }: { active?: boolean | undefined }): boolean => active !== false;

/** What Zendesk's triage fills is no tag, so that a tag of the same words is a person's (zendesk-rules.md rule 13). */
function tagsOf({ custom_field_options: options, tag, key }: TicketField): string[] {
  if (key?.startsWith('standard::')) return [];
  return [...(options ?? []).map(({ value }) => value), ...(tag ? [tag] : [])];
}

/** Every ticket names all active fields, empty ones with null; one that was deleted for good names none. */
function namesOthers({ custom_fields: named, status }: Ticket, fields: readonly TicketField[]): boolean {
  if (status === 'deleted') return false;
  const ids = new Set((named ?? []).map(({ id }) => id));
  return fields.some(({ id }) => !ids.has(id)) || ids.size > fields.length;
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

function ownProperty(prefix: string, name: string, field: TicketField | OrganizationField): PropertyInfo {
  const options = field.custom_field_options?.map(({ value }) => value);
  const custom: CustomField = {
    title: field.title,
    type: FIELD_TYPES[field.type] ?? null,
    ...(options && { options }),
  };
  return { name: `${prefix}${name}`, aliases: [`${prefix}${field.title}`], writable: true, custom };
}
