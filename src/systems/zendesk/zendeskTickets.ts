import { randomUUID } from 'node:crypto';
import { sameValue, textOf } from '../../sync/values';
import type { Json, Names, RefKey, SyncRecord, Values } from '../../sync/record';
import { chunks } from '../chunks';
import type { BulkCreate } from '../bulkWrites';
import { NeedsHuman, PreconditionFailed, RecordGone, ReferenceGone } from '../errors';
import type { Request } from '../http';
import type { ChangePage, Updated } from '../port';
import { parseEach } from '../unreadable';
import { EXPORT, ticketPage } from './ticketExport';
import { parsePosition, positionText } from './ticketPosition';
import { guarded } from './commentText';
import { ticketBefore } from './ticketBefore';
import { TicketVisibility } from './ticketVisibility';
import type { People, Person } from './people';
import { RefusedParts, type Draft, type LeftOut, type Sending } from './refusedParts';
import { IDS_PER_CALL, type ZendeskCalls } from './zendeskCalls';
import type { ZendeskFields } from './zendeskFields';
import type { ZendeskGroups } from './zendeskGroups';
import { ZendeskMemberships, type Membership } from './zendeskMemberships';
import type { ZendeskOrganizations } from './zendeskOrganizations';
import { CUSTOM_FIELD } from './zendeskProperties';
import { MARKS, marksOf, ticketRecord, type KnownAccount } from './zendeskRecords';
import {
  commentsPage,
  ticketAnswer,
  ticketSchema,
  ticketsAnswer,
  type Audit,
  type Ticket,
} from './zendeskSchemas';

/** Look-ups for the ids that tickets contain. */
interface TicketSurroundings {
  people: People;
  groups: ZendeskGroups;
  fields: ZendeskFields;
  /** The id of the user that our credential belongs to. */
  ownId: () => Promise<string>;
}

/** Options for the body of a ticket. */
type About = Pick<Sending, 'again' | 'leftOut'> & { names: Names };

const NO_AGENT = 'Zendesk has no agent with this address';
export const NOT_A_MEMBER = 'Zendesk left it out: the requester does not belong to this organization';
const ASKED_AGAIN = { again: true };

export interface WrittenTicket {
  ticket: Ticket;
  audit: Audit | null;
  record: SyncRecord;
}

/** https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/ */
export class ZendeskTickets {
  private readonly refused: RefusedParts;
  readonly visibility: TicketVisibility;

  constructor(
    private readonly calls: ZendeskCalls,
    private readonly around: TicketSurroundings,
    private readonly organizations: ZendeskOrganizations,
    private readonly account: Pick<KnownAccount, 'baseUrl' | 'aiAgentTickets'>,
  ) {
    this.refused = new RefusedParts(around.people, new ZendeskMemberships(calls));
    this.visibility = new TicketVisibility((ids) => this.raw(ids));
  }

  /** Reads tickets. Deleted ones are left out. */
  async byIds(ids: readonly string[]): Promise<SyncRecord[]> {
    const records: SyncRecord[] = [];
    for (const some of chunks(ids, IDS_PER_CALL)) records.push(...(await this.records(await this.raw(some))));
    return records;
  }

  /**
   * Reads tickets again whose records were returned with an unknown or another visibility.
   */
  async outdated(ids: readonly string[]): Promise<SyncRecord[]> {
    const records: SyncRecord[] = [];
    for (const some of chunks(ids, IDS_PER_CALL)) {
      const tickets = await this.raw(some);
      records.push(...(await this.records(tickets, await this.visibility.of(tickets, false))));
    }
    return records;
  }

  async findByBackRef(backRef: RefKey): Promise<SyncRecord[]> {
    const { tickets } = await this.calls.http.get(ticketsAnswer, '/api/v2/tickets', { external_id: backRef });
    return this.records(tickets);
  }

  async create(item: BulkCreate): Promise<SyncRecord> {
    const draft = this.draftOf(item);
    const { sent, leftOut } = await this.refused.send(draft, async (sending) => {
      const { values, attempt } = sending;
      const key = item.idempotencyKey;
      const request: Request = {
        method: 'POST',
        path: '/api/v2/tickets',
        body: { ticket: await this.newTicket({ ...item, values }, sending) },
        // An idempotency key belongs to one body, so each changed body gets its own key. A refused create made nothing.
        headers: { 'idempotency-key': attempt === 0 ? key : `${key}/${attempt}` },
      };
      return this.write(request, isPublic(item));
    });
    return this.placed(sent.record, item.values, leftOut);
  }

  /** The requester of a new ticket: by default, the API's own user. */
  private draftOf({ values, names = {} }: Pick<BulkCreate, 'values' | 'names'>): Draft {
    return { values, names, isNew: true, requesterId: async () => Number(await this.around.ownId()) };
  }

  /** Makes the requesters of new tickets members of the tickets' organizations. @returns the results, in the same order */
  admit(items: readonly Pick<BulkCreate, 'values' | 'names'>[]): Promise<Membership[]> {
    const drafts = items.map((item) => ({
      ...this.draftOf(item),
      organizationId: textOf(item.values['organization_id'] ?? null),
    }));
    return this.refused.admitAll(drafts);
  }

  /** The body of a create, for a single call or in bulk. */
  async newTicket(
    { values, names = {}, idempotencyKey, backRef }: BulkCreate,
    sending: Pick<Sending, 'again' | 'leftOut'> = { again: new Set(), leftOut: {} },
  ): Promise<Record<string, unknown>> {
    const { description, ...rest } = values;
    const words = description ?? values['subject'] ?? '(no description)';
    return {
      ...(await this.bodyOf(rest, { names, ...sending })),
      external_id: backRef,
      comment: { body: guarded(textOf(words)), public: isPublic({ values }) },
      metadata: marksOf({ idempotencyKey, backRef }),
    };
  }

  async update(
    id: string,
    changes: Values,
    externalId: { external_id?: RefKey },
    version: string,
    names: Names,
  ): Promise<Updated> {
    const { public: isPublic, ...others } = changes;
    if (isPublic === false) await this.hide(id);
    if (isPublic !== undefined && Object.keys(others).length === 0 && !('external_id' in externalId))
      return { record: await this.mustRead(id), replaced: {} };
    const mark = randomUUID();
    const values = await this.keepingOrganization(id, others);
    const requesterId = async () => (await this.raw([id]))[0]?.requester_id ?? null;
    const { sent, leftOut } = await this.refused.send(
      { values, names, isNew: false, requesterId },
      async (sending) => {
        const ticket = {
          ...(await this.bodyOf(sending.values, { names, ...sending })),
          ...externalId,
          metadata: { [MARKS.write]: mark },
          safe_update: true,
          updated_stamp: version,
        };
        return this.write({ method: 'PUT', path: `/api/v2/tickets/${id}`, body: { ticket } });
      },
    );
    // An update that changes nothing is answered with an older audit, maybe of a person (zendesk-rules.md rule 15).
    const isOurs = sent.audit?.metadata?.custom?.[MARKS.write] === mark;
    const replaced = isOurs ? await this.replacedBy(sent) : {};
    return { record: await this.placed(sent.record, values, leftOut), replaced };
  }

  /** Adds the current organization to a change of the requester: Zendesk would replace it by the requester's. */
  private async keepingOrganization(id: string, changes: Values): Promise<Values> {
    if ((changes['requester'] ?? null) === null || 'organization_id' in changes) return changes;
    const [ticket] = await this.raw([id]);
    const { organization_id: current = null } = ticket ?? {};
    return current === null ? changes : { ...changes, organization_id: String(current) };
  }

  /**
   * Zendesk may accept a ticket but leave its organization out if the requester is no member (zendesk-rules.md rule 17,
   * which is not certain about this). Then the requester becomes a member, and the organization is written again.
   */
  async placed(
    record: SyncRecord,
    { organization_id: organization = null }: Values,
    leftOut: LeftOut = {},
  ): Promise<SyncRecord> {
    const isMissing = organization !== null && record.values['organization_id'] !== organization;
    const placed = isMissing ? await this.placedAgain(record, textOf(organization)) : null;
    const { organization_id: reason = NOT_A_MEMBER, ...others } = leftOut;
    const left = isMissing && !placed ? { ...others, organization_id: reason } : others;
    const now = placed ?? record;
    return Object.keys(left).length > 0 ? { ...now, leftOut: left } : now;
  }

  /** @returns null if the ticket still has another organization */
  private async placedAgain(
    { ref: { id }, version: stamp }: SyncRecord,
    organization: string,
  ): Promise<SyncRecord | null> {
    const [{ requester_id: requester = null } = {}] = await this.raw([id]);
    if (requester === null || !(await this.refused.mayBelong(requester, organization))) return null;
    const ticket = { organization_id: Number(organization), safe_update: true, updated_stamp: stamp };
    try {
      const { record } = await this.write({ method: 'PUT', path: `/api/v2/tickets/${id}`, body: { ticket } });
      return record.values['organization_id'] === organization ? record : null;
    } catch (error) {
      // Zendesk refused, or a person edited the ticket meanwhile: the organization stays out.
      if (error instanceof NeedsHuman || error instanceof PreconditionFailed) return null;
      throw error;
    }
  }

  private async raw(ids: readonly string[]): Promise<Ticket[]> {
    // https://developer.zendesk.com/documentation/ticketing/using-the-zendesk-api/side_loading/
    const query = { ids: ids.join(','), include: 'comment_count' };
    return (await this.calls.http.get(ticketsAnswer, '/api/v2/tickets/show_many', query)).tickets;
  }

  /** The visibility of a ticket is that of its first comment. */
  private async hide(id: string): Promise<void> {
    const path = `/api/v2/tickets/${id}/comments`;
    const { comments } = await this.calls.http.get(commentsPage, path, {
      'page[size]': 1,
      sort: 'created_at',
    });
    const [first] = comments;
    if (!first) throw new RecordGone(`zendesk:ticket:${id} has no comment`);
    await this.calls.write({ method: 'PUT', path: `${path}/${first.id}/make_private` });
    await this.visibility.memory.learn(new Map([[id, false]]));
  }

  private async mustRead(id: string): Promise<SyncRecord> {
    const [record] = await this.byIds([id]);
    if (!record) throw new RecordGone(`zendesk:ticket:${id} is gone`);
    return record;
  }

  /**
   * https://developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports/#incremental-ticket-export-cursor-based
   */
  async changes(cursor: string | null): Promise<ChangePage> {
    const position = parsePosition(cursor);
    const page = await ticketPage(this.calls.http, position, this.account.aiAgentTickets);
    const { records: tickets, unreadable } = parseEach(
      ticketSchema,
      page.tickets,
      `Zendesk GET ${EXPORT}: tickets`,
      (id) => ({ side: 'zendesk', kind: 'ticket', id }),
    );
    await this.visibility.askOfNew(tickets);
    const records = await this.records(tickets);
    const latest = Math.max(position.since, ...records.map(({ order }) => Math.floor(order / 1000)));
    // An account without tickets has no cursor yet: the next poll begins at the same time.
    const next = { since: latest, cursor: page.after_cursor ?? position.cursor };
    return { records, unreadable, gone: [], cursor: positionText(next), more: !page.end_of_stream };
  }

  /** @throws PreconditionFailed, RecordGone, ReferenceGone, NeedsHuman, RetryLater */
  async write(request: Request, firstComment?: boolean): Promise<WrittenTicket> {
    const written = await this.calls.write(request).catch((error: unknown) => this.withCause(request, error));
    const { ticket, audit } = this.calls.http.parse(ticketAnswer, request, written);
    if (firstComment !== undefined)
      await this.visibility.noteMade(new Map([[String(ticket.id), firstComment]]));
    const [record] = await this.records([ticket]);
    if (!record) throw new Error('a ticket was lost between answer and parsing');
    return { ticket, audit: audit ?? null, record };
  }

  private async records(
    tickets: Ticket[],
    firstComments?: ReadonlyMap<string, boolean>,
  ): Promise<SyncRecord[]> {
    if (tickets.length === 0) return [];
    const { groups, fields } = this.around;
    const people = await this.around.people.load(
      tickets.flatMap((ticket) => [ticket.requester_id, ticket.assignee_id, ticket.submitter_id]),
    );
    const known = {
      people,
      groups: await groups.namesFor(tickets),
      fields: await fields.around(tickets),
      firstComments: firstComments ?? (await this.visibility.of(tickets)),
      ...this.account,
    };
    return tickets.map((ticket) => ticketRecord(ticket, known));
  }

  private async bodyOf(values: Values, about: About): Promise<Record<string, unknown>> {
    const entries = Object.entries(values);
    const customFields = entries
      .filter(([name]) => name.startsWith(CUSTOM_FIELD))
      .map(([name, value]) => ({ id: Number(name.slice(CUSTOM_FIELD.length)), value }));
    const body: Record<string, unknown> = {};
    for (const [name, value] of entries)
      if (!name.startsWith(CUSTOM_FIELD)) Object.assign(body, await this.partOf(name, value, about));
    if (customFields.length > 0) body['custom_fields'] = customFields;
    if (Array.isArray(body['tags']))
      body['tags'] = await this.withTagsOf(customFields, body['tags'] as string[]);
    return body;
  }

  /** One property in the API's form; {} if the API would refuse it. */
  private async partOf(name: string, value: Json, about: About): Promise<Record<string, unknown>> {
    switch (name) {
      case 'public':
        // The visibility is a property of the first comment.
        return {};
      case 'organization_id':
        return { organization_id: value === null ? null : Number(value) };
      case 'requester':
        // Zendesk creates a user for an unknown address.
        return value === null
          ? {}
          : { requester: { email: value, name: about.names[textOf(value)] ?? textOf(value) } };
      case 'assignee': {
        if (value === null) return { assignee_id: null };
        const person = await this.agentOf(textOf(value), about.again.has(name));
        // Only agents can be assigned. For other people, the assignee remains unchanged.
        if (!person) about.leftOut[name] = NO_AGENT;
        return person ? { assignee_id: person.id } : {};
      }
      default:
        return { [name]: value };
    }
  }

  /** The agent with an address; null if there is none. A cached person who is no agent is looked up again. */
  private async agentOf(email: string, again: boolean): Promise<Person | null> {
    const { people } = this.around;
    const isCached = people.isCached(email);
    const person = await people.find(email, { again });
    const now =
      person && !person.agent && isCached && !again ? await people.find(email, ASKED_AGAIN) : person;
    return now?.agent ? now : null;
  }

  /**
   * The tags of a write, consistent with its custom fields: Zendesk changes a field by its tag, and a tag by its field.
   */
  private async withTagsOf(
    customFields: readonly { id: number; value: Json }[],
    tags: readonly string[],
  ): Promise<string[]> {
    if (customFields.length === 0) return [...tags];
    const tagsOf = await this.around.fields.tagsByField();
    const former = new Set(customFields.flatMap(({ id }) => tagsOf.get(id) ?? []));
    const chosen = customFields.flatMap(({ id, value }) => {
      const own = tagsOf.get(id) ?? [];
      if (value === true) return own;
      return own.filter((tag) => (Array.isArray(value) ? value.includes(tag) : value === tag));
    });
    return [...new Set([...tags.filter((tag) => !former.has(tag)), ...chosen])];
  }

  /**
   * Finds the cause of a refused organization: it does not fit the requester, or the pair must wait for it.
   */
  private async withCause({ body }: Request, error: unknown): Promise<never> {
    const { ticket } = (body ?? {}) as { ticket?: { organization_id?: unknown } };
    const id = ticket?.organization_id;
    if (error instanceof NeedsHuman && error.fields.includes('organization_id') && id != null) {
      const [found] = await this.organizations.byIds([textOf(id as Json)]);
      if (found?.state !== 'live') throw new ReferenceGone(error.message, 'organization_id');
    }
    throw error;
  }

  /**
   * `updated_stamp` has whole seconds, so an update can replace values that were written within the same second. The
   * answer's audit contains them.
   */
  private async replacedBy({ ticket, audit, record }: WrittenTicket): Promise<Values> {
    const earlier = ticketBefore(ticket, audit);
    if (!earlier) return {};
    // No audit of an update shows a change of the first comment.
    const [held] = await this.records([earlier], new Map());
    const entries = Object.entries(held?.values ?? {});
    return Object.fromEntries(entries.filter(([name, value]) => !sameValue(value, record.values[name])));
  }
}

/** Whether customers may see the ticket to create. Without a value, only agents may. */
export function isPublic({ values }: Pick<BulkCreate, 'values'>): boolean {
  return values['public'] === true;
}
