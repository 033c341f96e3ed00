import type { DataType } from '../../sync/mapping';
import { FieldList } from '../fieldList';
import type { CustomField, PropertyInfo } from '../port';
import type { ZendeskCalls } from './zendeskCalls';
import { CUSTOM_FIELD, ORGANIZATION_FIELD, PROPERTIES } from './zendeskProperties';
import {
  organizationFieldsPage,
  ticketFieldsPage,
  type OrganizationField,
  type Ticket,
  type TicketField,
} from './zendeskSchemas';

/** The account's own ticket fields, for the parsing of tickets. */
export interface KnownTicketFields {
  /**
   * The tags that belong to fields: of each option of a drop-down or multi-select, and of each checkbox with a tag.
   * https://support.zendesk.com/hc/en-us/articles/4408881943194 (zendesk-rules.md rule 13)
   */
  tags: ReadonlySet<string>;
  /** Active fields that a ticket's answer does not list: they count as empty. */
  unnamed(ticket: Ticket): readonly number[];
}

/**
 * The account's active custom fields, from their lists.
 * https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_fields/
 */
export class ZendeskFields {
  /** The list has a rate limit of its own (zendesk-rules.md rule 5). */
  private readonly ticket: FieldList<TicketField[]>;
  private readonly organization: FieldList<OrganizationField[]>;

  constructor(calls: ZendeskCalls) {
    this.ticket = new FieldList(async () => {
      const listed = await calls.pages(
        '/api/v2/ticket_fields',
        ticketFieldsPage,
        (page): TicketField[] => page.ticket_fields,
      );
      // The list also has system fields (subject, status), which are properties under their own names.
      return listed.filter((field) => isActive(field) && field.removable !== false);
    });
    this.organization = new FieldList(async () => {
      const listed = await calls.pages(
        '/api/v2/organization_fields',
        organizationFieldsPage,
        (page): OrganizationField[] => page.organization_fields,
      );
      return listed.filter(isActive);
    });
  }

  /** Increases when a list has changed. */
  get revision(): number {
    return this.ticket.revision + this.organization.revision;
  }

  /** The properties that a mapping can use for a kind: standard ones and custom fields. Reads the list again. */
  async properties(kind: string): Promise<PropertyInfo[]> {
    const standard = Object.entries(PROPERTIES[kind] ?? {}).map(([name, writable]) => ({
      name,
      aliases: [],
      writable,
      // zendesk-rules.md rule 46.
      ...(kind === 'organization' && name === 'name' && { unique: true as const }),
      ...(kind === 'ticket' && CHOICES[name] && { options: [...CHOICES[name]] }),
      ...(name === 'public' && { options: ['true', 'false'] }),
    }));
    if (kind === 'ticket') {
      const fields = await this.ticket.fresh();
      const reserved = [...tagSetOf(fields)];
      return [
        ...standard.map((each) => (each.name === 'tags' ? { ...each, reserved } : each)),
        ...fields.map((field) => ownProperty(CUSTOM_FIELD, String(field.id), field)),
      ];
    }
    if (kind !== 'organization') return standard;
    const fields = await this.organization.fresh();
    return [...standard, ...fields.map((field) => ownProperty(ORGANIZATION_FIELD, field.key, field))];
  }

  /**
   * @param tickets just read; if they list other fields than the cached list, the list is read again. A ticket lists all
   * active fields, empty ones with null. So a field that no ticket lists counts as empty only if a list that was read
   * after the tickets still has it.
   */
  async around(tickets: readonly Ticket[]): Promise<KnownTicketFields> {
    const live = tickets.filter(({ status }) => status !== 'deleted');
    const isConfirmed = live.some(namesOthers(await this.ticket.current())) && (await this.ticket.doubted());
    const fields = await this.ticket.current();
    const named = new Set(live.flatMap(idsOf));
    return {
      tags: tagSetOf(fields),
      unnamed: (ticket) => {
        const own = new Set(idsOf(ticket));
        return fields.map(({ id }) => id).filter((id) => !own.has(id) && (isConfirmed || named.has(id)));
      },
    };
  }

  /** @returns the tags of the fields' options, by field id; fields without options are absent */
  async tagsByField(): Promise<ReadonlyMap<number, readonly string[]>> {
    return new Map((await this.ticket.current()).map((field) => [field.id, tagsOf(field)]));
  }
}

/** https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#json-format */
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  status: ['new', 'open', 'pending', 'hold', 'solved', 'closed'],
  priority: ['low', 'normal', 'high', 'urgent'],
  type: ['question', 'incident', 'problem', 'task'],
};

const isActive = ({ active }: { active?: boolean | undefined }): boolean => active !== false;

const idsOf = ({ custom_fields: named }: Ticket): number[] => (named ?? []).map(({ id }) => id);

/** As tickets have them: Zendesk writes every tag in lower case. */
function tagSetOf(fields: readonly TicketField[]): ReadonlySet<string> {
  return new Set(fields.flatMap(tagsOf).map((tag) => tag.toLowerCase()));
}

/** Fields of Zendesk's intelligent triage add no tags; an equal tag is a person's (zendesk-rules.md rule 13). */
function tagsOf({ custom_field_options: options, tag, key }: TicketField): string[] {
  if (key?.startsWith('standard::')) return [];
  return [...(options ?? []).map(({ value }) => value), ...(tag ? [tag] : [])];
}

/** Every ticket names all active fields; empty ones are null. A permanently deleted ticket names none. */
function namesOthers(fields: readonly TicketField[]): (ticket: Ticket) => boolean {
  return (ticket) => {
    if (ticket.status === 'deleted') return false;
    const ids = new Set(idsOf(ticket));
    return fields.some(({ id }) => !ids.has(id)) || ids.size > fields.length;
  };
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
