import { sameValue, textOf } from '../../sync/values';
import type { Json, RefKey, SyncRecord, Values } from '../../sync/record';
import { chunks } from '../boundedCache';
import type { BulkCreate } from '../bulkWrites';
import { NeedsHuman, ReferenceGone } from '../errors';
import type { Request } from '../http';
import type { ChangePage, Updated } from '../port';
import { BEGINNING, startTime } from './exportCursor';
import type { People } from './people';
import { IDS_PER_CALL, type ZendeskCalls } from './zendeskCalls';
import type { ZendeskGroups } from './zendeskGroups';
import type { ZendeskOrganizations } from './zendeskOrganizations';
import { CUSTOM_FIELD, marksOf, ticketRecord } from './zendeskRecords';
import {
  ticketAnswer,
  ticketExport,
  ticketSchema,
  ticketsAnswer,
  type Audit,
  type Ticket,
} from './zendeskSchemas';

/** A cursor of the ticket stream that begins at a time: `since:1700000000`. The API's own cursors hold no colon. */
export const SINCE = 'since:';

export interface WrittenTicket {
  ticket: Ticket;
  audit: Audit | null;
  record: SyncRecord;
}

/** https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/ */
export class ZendeskTickets {
  constructor(
    private readonly calls: ZendeskCalls,
    private readonly people: People,
    private readonly groups: ZendeskGroups,
    private readonly organizations: ZendeskOrganizations,
    private readonly baseUrl: string,
  ) {}

  /** Those that are gone are left out. */
  async byIds(ids: readonly string[]): Promise<SyncRecord[]> {
    const records: SyncRecord[] = [];
    for (const some of chunks(ids, IDS_PER_CALL)) {
      const query = { ids: some.join(',') };
      const { tickets } = await this.calls.http.get(ticketsAnswer, '/api/v2/tickets/show_many', query);
      records.push(...(await this.records(tickets)));
    }
    return records;
  }

  async findByBackRef(backRef: RefKey): Promise<SyncRecord[]> {
    const { tickets } = await this.calls.http.get(ticketsAnswer, '/api/v2/tickets', { external_id: backRef });
    return this.records(tickets);
  }

  async create(item: BulkCreate): Promise<SyncRecord> {
    const request: Request = {
      method: 'POST',
      path: '/api/v2/tickets',
      body: { ticket: await this.newTicket(item) },
      headers: { 'idempotency-key': item.idempotencyKey },
    };
    return (await this.write(request)).record;
  }

  /** The body of a create, alone or in bulk. */
  async newTicket({ values, idempotencyKey, backRef }: BulkCreate): Promise<Record<string, unknown>> {
    const { description, ...rest } = values;
    const words = description ?? values['subject'] ?? '(no description)';
    return {
      ...(await this.bodyOf(rest)),
      external_id: backRef,
      comment: { body: words, public: values['is_public'] !== false },
      metadata: marksOf({ idempotencyKey, backRef }),
    };
  }

  async update(
    id: string,
    changes: Values,
    externalId: { external_id?: RefKey },
    version: string,
  ): Promise<Updated> {
    const ticket = {
      ...(await this.bodyOf(changes)),
      ...externalId,
      safe_update: true,
      updated_stamp: version,
    };
    const answer = await this.write({ method: 'PUT', path: `/api/v2/tickets/${id}`, body: { ticket } });
    return { record: answer.record, replaced: await this.replacedBy(answer) };
  }

  /** https://developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports/#incremental-ticket-export-cursor-based */
  async changes(cursor: string | null): Promise<ChangePage> {
    const query: Record<string, string | number> =
      cursor === null || cursor.startsWith(SINCE)
        ? { start_time: startTime(cursor?.slice(SINCE.length) ?? null) }
        : { cursor };
    const page = await this.calls.http.get(ticketExport, '/api/v2/incremental/tickets/cursor', query);
    const records = await this.records(page.tickets);
    // An account without tickets has no cursor yet: the next poll begins at the same time.
    const next = page.after_cursor ?? cursor ?? `${SINCE}${BEGINNING}`;
    return { records, gone: [], cursor: next, more: !page.end_of_stream };
  }

  /** @throws PreconditionFailed, RecordGone, ReferenceGone, NeedsHuman, RetryLater */
  async write(request: Request): Promise<WrittenTicket> {
    const written = await this.calls.write(request).catch((error: unknown) => this.withCause(request, error));
    const { ticket, audit } = this.calls.http.parse(ticketAnswer, request, written);
    const [record] = await this.records([ticket]);
    if (!record) throw new Error('a ticket was lost between answer and parsing');
    return { ticket, audit: audit ?? null, record };
  }

  private async records(tickets: Ticket[]): Promise<SyncRecord[]> {
    await this.people.load(
      tickets.flatMap((ticket) => [ticket.requester_id, ticket.assignee_id, ticket.submitter_id]),
    );
    const groups = await this.groups.namesFor(tickets);
    return tickets.map((ticket) => ticketRecord(ticket, this.people, groups, this.baseUrl));
  }

  private async bodyOf(values: Values): Promise<Record<string, unknown>> {
    const body: Record<string, unknown> = {};
    const customFields: { id: number; value: Json }[] = [];
    for (const [name, value] of Object.entries(values)) {
      if (name.startsWith(CUSTOM_FIELD))
        customFields.push({ id: Number(name.slice(CUSTOM_FIELD.length)), value });
      else if (name === 'organization_id') body[name] = value === null ? null : Number(value);
      else if (name === 'requester') {
        // Zendesk makes a user of an address that it does not know.
        if (value !== null) body['requester'] = { email: value, name: textOf(value) };
      } else if (name === 'assignee') {
        const person = value === null ? null : await this.people.find(textOf(value));
        // Only agents can be assigned; for anybody else the assignee stays, and the answer says so.
        if (value === null || person?.agent) body['assignee_id'] = person?.id ?? null;
      } else body[name] = value;
    }
    if (customFields.length > 0) body['custom_fields'] = customFields;
    return body;
  }

  /** An organization that is refused may be gone, or one that this requester may not have: only the first is waited for. */
  private async withCause({ body }: Request, error: unknown): Promise<never> {
    const { ticket } = (body ?? {}) as { ticket?: { organization_id?: unknown } };
    const id = ticket?.organization_id;
    if (error instanceof NeedsHuman && error.field === 'organization' && id != null) {
      const [found] = await this.organizations.byIds([textOf(id as Json)]);
      if (found?.state !== 'live') throw new ReferenceGone(error.message, 'organization_id');
    }
    throw error;
  }

  /**
   * `updated_stamp` has whole seconds, so an update can replace what was written within the same second. The answer's
   * audit says what it replaced. https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_audits/
   */
  private async replacedBy({ ticket, audit, record }: WrittenTicket): Promise<Values> {
    const changes = (audit?.events ?? []).filter(
      (event) => event.type === 'Change' && typeof event['field_name'] === 'string',
    );
    if (changes.length === 0) return {};
    const before = new Map(
      changes.map((event) => [event['field_name'] as string, event['previous_value'] ?? null]),
    );
    const earlier = ticketSchema.safeParse({
      ...ticket,
      ...Object.fromEntries(
        [...before].map(([field, value]) => [
          field,
          field.endsWith('_id') && value !== null ? Number(value) : value,
        ]),
      ),
      custom_fields: ticket.custom_fields?.map((field) =>
        before.has(String(field.id)) ? { ...field, value: before.get(String(field.id)) } : field,
      ),
    });
    if (!earlier.success) return {};
    const [held] = await this.records([earlier.data]);
    const entries = Object.entries(held?.values ?? {});
    return Object.fromEntries(entries.filter(([name, value]) => !sameValue(value, record.values[name])));
  }
}
