import type { Readable } from 'node:stream';
import { z } from 'zod';
import { Egress, EgressRefused } from '../../platform/egress';
import { refKey } from '../../sync/canonicalKey';
import type { DataType } from '../../sync/mapping';
import { sameValue, textOf } from '../../sync/values';
import type { Json, RecordRef, RefKey, SyncRecord, Values } from '../../sync/record';
import type { CallBudget } from '../budget';
import type { BulkAnswer, BulkCreate, BulkWrites } from '../bulkWrites';
import { chunks } from '../boundedCache';
import {
  AlreadyExists,
  NeedsHuman,
  PreconditionFailed,
  RecordGone,
  ReferenceGone,
  RetryLater,
} from '../errors';
import { HttpClient, type Answer, type ApiCall, type Request } from '../http';
import { FILE_LIMIT_BYTES, checkFileStatus, checkSize, openFile } from '../fileRules';
import type {
  CustomField,
  AttachOptions,
  ChangePage,
  CreateOptions,
  OpenFile,
  PropertyInfo,
  ReadResult,
  StagedFile,
  SystemPort,
  UpdateOptions,
  Updated,
  WalkPage,
} from '../port';
import type { Grant } from '../oauth';
import { zendeskCredential, type ZendeskAuth } from './zendeskAuth';
import { ZENDESK_RATE } from './zendeskLimits';
import { OrganizationIndex, holdsValue } from './organizationIndex';
import { Jobs } from './jobs';
import { People } from './people';
import {
  CUSTOM_FIELD,
  MARKS,
  ORGANIZATION_FIELD,
  PROPERTIES,
  attachmentOf,
  commentId,
  commentRecord,
  organizationRecord,
  parseCommentId,
  ticketRecord,
} from './zendeskRecords';
import {
  attachmentAnswer,
  attachmentSchema,
  auditsPage,
  commentSchema,
  commentsPage,
  errorAnswer,
  eventExport,
  groupsAnswer,
  meAnswer,
  organizationAnswer,
  organizationExport,
  organizationFieldsAnswer,
  organizationsAnswer,
  organizationsPage,
  ticketAnswer,
  ticketExport,
  ticketFieldsAnswer,
  ticketSchema,
  ticketsAnswer,
  uploadAnswer,
  type Audit,
  type Comment,
  type Organization,
  type Ticket,
  type TicketEvent,
} from './zendeskSchemas';

/** Zendesk Support. https://developer.zendesk.com/api-reference/ticketing/introduction/ */

export interface ZendeskConnection {
  /** `https://acme.zendesk.com`; the API is under `/api/v2`. */
  baseUrl: string;
  auth: ZendeskAuth;
  timeoutMs?: number;
  /** Where attachments may come from besides the base address; see `EgressOptions.hosts`. */
  attachmentHosts?: readonly string[];
  /** Of a file that is passed on from here; 20 MB if not given. */
  fileLimitBytes?: number;
  onCall?: (call: ApiCall) => void;
  /** Told of every access token that was granted. */
  onGrant?: (grant: Grant) => void;
  budget?: CallBudget;
  /** The time by which API tokens have ended or not. */
  now?: () => Date;
}

export function zendeskSystem(connection: ZendeskConnection): SystemPort {
  return new Zendesk(connection);
}

const IDS_PER_CALL = 100;
const MATCHES_AT_MOST = 10;
const STREAMS = ['organizations', 'tickets', 'comments'] as const;
/** Time-based exports refuse a `start_time` less than a minute ago; the rest is for clocks that disagree. */
const EXPORT_AGE_SECONDS = 75;
/** The end of such an export is read again with the next poll: some records are shown late. */
const OVERLAP_SECONDS = 150;
const BEGINNING = 1;
/** 64 KB of text. https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_comments/ */
const COMMENT_LENGTH = 65_536;
/** Where the addresses of Zendesk's own attachments redirect to. */
export const ATTACHMENT_HOSTS = ['*.zdusercontent.com'];
const FILE_SILENCE_MS = 30_000;
/** A cursor of the ticket stream that begins at a time: `since:1700000000`. The API's own cursors hold no colon. */
const SINCE = 'since:';
const REFUSALS = [400, 404, 409, 422];

class Zendesk implements SystemPort {
  readonly side = 'zendesk';
  readonly exactOrder = false;
  readonly streams = STREAMS;
  readonly follows = { comments: 'tickets' };
  readonly histories = ['comment'];
  private readonly http: HttpClient;
  private readonly people: People;
  private readonly jobs: Jobs;
  private readonly organizations = new OrganizationIndex((cursor) => this.changes('organizations', cursor));
  private readonly baseUrl: string;
  private groups: ReadonlyMap<number, string> | null = null;
  private own: string | null = null;
  /** The settings that hold the credential. */
  private readonly settings: string;

  private readonly egress: Egress;
  private readonly fileLimitBytes: number;

  constructor(connection: ZendeskConnection) {
    const { baseUrl, timeoutMs, attachmentHosts, fileLimitBytes, onCall, onGrant, budget } = connection;
    this.baseUrl = baseUrl;
    this.fileLimitBytes = fileLimitBytes ?? FILE_LIMIT_BYTES;
    const signedIn = zendeskCredential({
      ...connection,
      onGrant: (grant) => {
        // A client that was made anew may belong to another user.
        this.own = null;
        onGrant?.(grant);
      },
    });
    this.settings = signedIn.credential;
    this.egress = new Egress({
      own: baseUrl,
      credential: signedIn.auth,
      hosts: attachmentHosts ?? ATTACHMENT_HOSTS,
      timeoutMs: timeoutMs ?? FILE_SILENCE_MS,
    });
    this.http = new HttpClient({
      side: 'zendesk',
      name: 'Zendesk',
      baseUrl,
      headers: {},
      ...signedIn,
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(onCall && { onCall }),
      ...(budget && { rate: { rules: ZENDESK_RATE, budget } }),
    });
    this.people = new People(this.http);
    this.jobs = new Jobs(this.http);
  }

  /** Organizations' external ids are unique; tickets' are not, and a comment has none. */
  uniqueBackRef(kind: string): boolean {
    return kind === 'organization';
  }

  /** https://developer.zendesk.com/api-reference/ticketing/introduction/#idempotency */
  hasIdempotencyKeys(kind: string): boolean {
    return kind === 'ticket';
  }

  /** https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#protecting-against-ticket-update-collisions */
  hasPrecondition(kind: string): boolean {
    return kind === 'ticket';
  }

  async properties(kind: string): Promise<PropertyInfo[]> {
    const standard = Object.entries(PROPERTIES[kind] ?? {}).map(([name, writable]) => ({
      name,
      aliases: [],
      writable,
    }));
    if (kind === 'ticket') {
      const { ticket_fields: fields } = await this.http.get(ticketFieldsAnswer, '/api/v2/ticket_fields');
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
      const { organization_fields: fields } = await this.http.get(
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

  async whoAmI(): Promise<string> {
    return (await this.me()).email;
  }

  async ownId(): Promise<string> {
    return this.own ?? String((await this.me()).id);
  }

  private async me(): Promise<{ id: number; email: string }> {
    const path = '/api/v2/users/me';
    const { user } = await this.http.get(meAnswer, path);
    // A call that Zendesk takes as not signed in is answered 200, with an anonymous user without an id.
    if (user.id === null || !user.email)
      throw new NeedsHuman(
        'unauthorized',
        `Zendesk GET ${path}: answered for an anonymous user, so no credential arrived; check ${this.settings}, and that no proxy on the way removes the Authorization header`,
      );
    this.own = String(user.id);
    return { id: user.id, email: user.email };
  }

  async read(refs: RecordRef[]): Promise<ReadResult[]> {
    const found = new Map<RefKey, SyncRecord>();
    const keep = (records: SyncRecord[]) => {
      for (const record of records) found.set(refKey(record.ref), record);
    };
    const idsOf = (kind: string) => refs.filter((ref) => ref.kind === kind).map((ref) => ref.id);
    for (const ids of chunks(idsOf('ticket'), IDS_PER_CALL)) {
      keep(
        await this.ticketRecords(
          (await this.http.get(ticketsAnswer, '/api/v2/tickets/show_many', { ids: ids.join(',') })).tickets,
        ),
      );
    }
    for (const ids of chunks(idsOf('organization'), IDS_PER_CALL)) {
      keep(
        (
          await this.http.get(organizationsAnswer, '/api/v2/organizations/show_many', { ids: ids.join(',') })
        ).organizations.map(organizationRecord),
      );
    }
    for (const ticketId of new Set(idsOf('comment').map((id) => parseCommentId(id).ticketId)))
      keep(await this.commentsOf(ticketId));
    return refs.map((ref) => ({ ref, record: found.get(refKey(ref)) ?? null }));
  }

  async findByBackRef(kind: string, backRef: RefKey, near: Values): Promise<SyncRecord[]> {
    switch (kind) {
      case 'ticket':
        return this.ticketRecords(
          (await this.http.get(ticketsAnswer, '/api/v2/tickets', { external_id: backRef })).tickets,
        );
      case 'organization':
        return (
          await this.http.get(organizationsAnswer, '/api/v2/organizations/search', { external_id: backRef })
        ).organizations.map(organizationRecord);
      default: {
        const comments = await this.commentsOf(textOf(near['ticket_id'] ?? ''));
        return comments.filter((record) => record.backRef === backRef);
      }
    }
  }

  canFind(kind: string, property: string): boolean {
    return (
      kind === 'organization' &&
      (property in (PROPERTIES['organization'] ?? {}) || property.startsWith(ORGANIZATION_FIELD))
    );
  }

  /** Organizations by name: that look-up is exact and current. By anything else: see {@link OrganizationIndex}. */
  async findByProperty(kind: string, property: string, value: Json): Promise<SyncRecord[]> {
    if (!this.canFind(kind, property))
      throw new NeedsHuman(
        'unsupported_match',
        `Zendesk cannot look for a ${kind} by "${property}": only for organizations`,
      );
    if (property !== 'name') {
      const refs = await this.organizations.find(property, value);
      const results = await this.read(refs);
      return results
        .flatMap(({ record }) => record ?? [])
        .filter((record) => record.state === 'live' && holdsValue(record, property, value))
        .slice(0, MATCHES_AT_MOST);
    }
    const { organizations } = await this.http.get(organizationsAnswer, '/api/v2/organizations/search', {
      name: textOf(value),
    });
    return organizations.map(organizationRecord);
  }

  async create(
    kind: string,
    values: Values,
    { idempotencyKey, backRef, staged = [] }: CreateOptions,
  ): Promise<SyncRecord> {
    if (kind === 'organization') {
      const body = { organization: newOrganization({ values, backRef }) };
      return this.writeOrganization({ method: 'POST', path: '/api/v2/organizations', body });
    }
    const metadata = marksOf({ idempotencyKey, backRef });
    if (kind === 'ticket') {
      const ticket = await this.newTicket({ values, idempotencyKey, backRef });
      const request: Request = {
        method: 'POST',
        path: '/api/v2/tickets',
        body: { ticket },
        headers: { 'idempotency-key': idempotencyKey },
      };
      return (await this.writeTicket(request)).record;
    }
    const { comment, byline } = await this.commentBody(values);
    const path = `/api/v2/tickets/${textOf(values['ticket_id'] ?? '')}`;
    const marks = { ...metadata, ...(byline !== '' && { [MARKS.byline]: byline }) };
    const uploads = staged.map(({ token }) => token);
    const body = { ticket: { comment: { ...comment, uploads }, metadata: marks } };
    try {
      return await this.addComment({ method: 'PUT', path, body });
    } catch (error) {
      if (error instanceof RecordGone) throw new ReferenceGone(error.message, 'ticket_id');
      throw error;
    }
  }

  private async newTicket({ values, idempotencyKey, backRef }: BulkCreate): Promise<Record<string, unknown>> {
    const { description, ...rest } = values;
    const words = description ?? values['subject'] ?? '(no description)';
    return {
      ...(await this.ticketBody(rest)),
      external_id: backRef,
      comment: { body: words, public: values['is_public'] !== false },
      metadata: marksOf({ idempotencyKey, backRef }),
    };
  }

  /**
   * Comments cannot be made in bulk with their marks, and an update's answer does not say what it replaced: both go
   * one by one. https://developer.zendesk.com/api-reference/ticketing/ticket-management/job_statuses/
   */
  readonly bulk: BulkWrites = {
    most: IDS_PER_CALL,
    canCreate: (kind) => kind === 'ticket' || kind === 'organization',
    create: (kind, items) => this.createMany(kind, items),
    canUpdate: () => false,
    update: async () => {
      throw new NeedsHuman('unsupported', 'Zendesk records are changed one by one');
    },
    settled: () => this.jobs.settled(),
  };

  private async createMany(kind: string, items: readonly BulkCreate[]): Promise<BulkAnswer[]> {
    const name = kind === 'ticket' ? 'tickets' : 'organizations';
    const bodies: unknown[] = [];
    for (const item of items)
      bodies.push(kind === 'ticket' ? await this.newTicket(item) : newOrganization(item));
    const path = `/api/v2/${name}/create_many`;
    const results = await this.jobs.run({ method: 'POST', path, body: { [name]: bodies } }, items.length);
    const refs = results.flatMap(({ id }) => (id === null ? [] : { side: 'zendesk' as const, kind, id }));
    const read = new Map((await this.read(refs)).map(({ ref, record }) => [ref.id, record]));
    return results.map((result) => {
      if (result.id === null) return { error: result.error };
      const record = read.get(result.id);
      return record ? { record } : { error: new RecordGone(`zendesk:${kind}:${result.id} is gone`) };
    });
  }

  async update(ref: RecordRef, changes: Values, { version, backRef }: UpdateOptions): Promise<Updated> {
    const externalId = backRef === null ? {} : { external_id: backRef };
    switch (ref.kind) {
      case 'ticket': {
        const ticket = {
          ...(await this.ticketBody(changes)),
          ...externalId,
          safe_update: true,
          updated_stamp: version,
        };
        const answer = await this.writeTicket({
          method: 'PUT',
          path: `/api/v2/tickets/${ref.id}`,
          body: { ticket },
        });
        return { record: answer.record, replaced: await this.replacedBy(answer) };
      }
      case 'organization': {
        const body = { organization: { ...organizationBody(changes), ...externalId } };
        const request: Request = { method: 'PUT', path: `/api/v2/organizations/${ref.id}`, body };
        return { record: await this.writeOrganization(request), replaced: {} };
      }
      default: {
        const { ticketId, commentId: id } = parseCommentId(ref.id);
        if (Object.keys(changes).length > 0 && changes['public'] !== false) {
          throw new NeedsHuman(
            'immutable',
            `Zendesk comment ${ref.id}: it can only be made private, found a change of ${Object.keys(changes).join(', ')}`,
          );
        }
        if (changes['public'] === false)
          await this.write({
            method: 'PUT',
            path: `/api/v2/tickets/${ticketId}/comments/${id}/make_private`,
          });
        return { record: await this.mustRead(ref), replaced: {} };
      }
    }
  }

  async followUp(
    ref: RecordRef,
    values: Values,
    { idempotencyKey, backRef }: CreateOptions,
  ): Promise<SyncRecord> {
    const body = `Edited in the PMS: ${placeOf(ref)}\n\n${textOf(values['text'] ?? '')}`;
    checkLength(body);
    const audits = await this.auditsOf(ticketOf(ref));
    if (!sentBefore(audits, idempotencyKey))
      await this.say(ref, { body, public: values['public'] === true }, { idempotencyKey, backRef });
    return this.mustRead(ref);
  }

  /** A comment can be hidden from customers; that is as near as Zendesk comes to archiving it. */
  async archive(ref: RecordRef, { version }: { version: string }): Promise<SyncRecord> {
    if (ref.kind === 'comment')
      return (await this.update(ref, { public: false }, { version, backRef: null })).record;
    throw new NeedsHuman(
      'cannot_archive',
      `Zendesk cannot archive ${refKey(ref)}; expected onDelete: flag or unlink for what ends in the PMS`,
    );
  }

  /** https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_comments/#redact-ticket-comment-in-agent-workspace */
  async redact(ref: RecordRef): Promise<SyncRecord> {
    if (ref.kind !== 'comment')
      throw new NeedsHuman('cannot_redact', `Zendesk cannot redact ${refKey(ref)}: only comments`);
    const { ticketId, commentId: id } = parseCommentId(ref.id);
    const comments = await this.rawComments(ticketId);
    const comment = comments.find((each) => each.id === id);
    if (!comment) throw new RecordGone(`${refKey(ref)} is gone`);
    const html = (comment.html_body ?? '').replace(
      /^(\s*<div[^>]*>)([\s\S]*)(<\/div>\s*)$/,
      '$1<redact>$2</redact>$3',
    );
    const body = { ticket_id: Number(ticketId), html_body: html, external_attachment_urls: [] };
    const path = `/api/v2/comment_redactions/${id}`;
    await this.write({ method: 'PUT', path, body, concerns: ticketId });
    for (const file of comment.attachments) await this.detach(ref, String(file.id));
    return this.mustRead(ref);
  }

  /** The address is asked for each time: it is a key to the file, and kept nowhere. */
  async openFile(ref: RecordRef, id: string): Promise<OpenFile> {
    const request: Request = { method: 'GET', path: `/api/v2/attachments/${id}` };
    const answer = await this.http.send(request, [404]);
    if (answer.status === 404)
      throw new NeedsHuman('attachment_unavailable', `${refKey(ref)} has no file ${id} any more`);
    const { attachment } = this.http.parse(attachmentAnswer, request, answer.body);
    const file = attachmentOf(attachment);
    checkSize(file, this.fileLimitBytes);
    const content = await this.download(attachment.content_url);
    return openFile(file, content);
  }

  /** https://developer.zendesk.com/api-reference/ticketing/tickets/ticket-attachments/#upload-files */
  async stage(file: OpenFile): Promise<StagedFile> {
    const request: Request = {
      method: 'POST',
      path: '/api/v2/uploads',
      query: { filename: file.fileName },
      file,
    };
    const { upload } = this.http.parse(uploadAnswer, request, await this.write(request));
    return { token: upload.token, id: String(upload.attachment.id) };
  }

  /** A comment gets no file after it was made: the file comes with a comment of its own. */
  async attach(
    ref: RecordRef,
    open: () => Promise<OpenFile>,
    { idempotencyKey, backRef, isPublic }: AttachOptions,
  ): Promise<{ id: string; record: null }> {
    const audits = await this.auditsOf(ticketOf(ref));
    const earlier = sentBefore(audits, idempotencyKey);
    if (earlier) return { id: fileOf(earlier), record: null };
    const file = await open();
    const { token, id } = await this.stage(file);
    const body = `Attached in the PMS: ${placeOf(ref)}\n\n${file.fileName}`;
    const audit = await this.say(
      ref,
      { body, public: isPublic, uploads: [token] },
      { idempotencyKey, backRef },
    );
    return { id: audit ? fileOf(audit) : id, record: null };
  }

  /** https://developer.zendesk.com/api-reference/ticketing/tickets/ticket-attachments/#redact-comment-attachment */
  async detach(ref: RecordRef, id: string): Promise<SyncRecord> {
    const { ticketId, commentId: own } = parseCommentId(ref.id);
    const comments = await this.rawComments(ticketId);
    const holder = comments.find(({ attachments }) => attachments.some((each) => String(each.id) === id));
    await this.write({
      method: 'PUT',
      path: `/api/v2/tickets/${ticketId}/comments/${holder?.id ?? own}/attachments/${id}/redact`,
    });
    return this.mustRead(ref);
  }

  async changes(stream: string, cursor: string | null): Promise<ChangePage> {
    switch (stream) {
      case 'tickets':
        return this.ticketChanges(cursor);
      case 'organizations': {
        const page = await this.http.get(organizationExport, '/api/v2/incremental/organizations', {
          start_time: startTime(cursor),
        });
        return { records: page.organizations.map(organizationRecord), gone: [], ...position(page, cursor) };
      }
      default: {
        const query = { start_time: startTime(cursor), include: 'comment_events' };
        const page = await this.http.get(eventExport, '/api/v2/incremental/ticket_events', query);
        return { records: await this.commentsIn(page.ticket_events), gone: [], ...position(page, cursor) };
      }
    }
  }

  cursorNow(stream: string): Promise<string> {
    return this.cursorAt(stream, new Date(Date.now() - EXPORT_AGE_SECONDS * 1000));
  }

  async cursorAt(stream: string, since: Date): Promise<string> {
    const seconds = String(Math.max(BEGINNING, Math.floor(since.getTime() / 1000)));
    return stream === 'tickets' ? `${SINCE}${seconds}` : seconds;
  }

  /** Tickets and comments come from the exports, 1,000 a call; organizations, which are few, from their list. */
  async walk(kind: string, cursor: string | null, since: Date | null): Promise<WalkPage> {
    if (kind === 'organization') {
      const page = await this.http.get(organizationsPage, '/api/v2/organizations', {
        'page[size]': IDS_PER_CALL,
        ...(cursor !== null && { 'page[after]': cursor }),
      });
      const { has_more: more, after_cursor: after } = page.meta;
      return { records: page.organizations.map(organizationRecord), cursor: more ? after : null };
    }
    const stream = kind === 'ticket' ? 'tickets' : 'comments';
    const page = await this.changes(stream, cursor ?? (since && (await this.cursorAt(stream, since))));
    return { records: page.records, cursor: page.more ? page.cursor : null };
  }

  /** https://developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports/#incremental-ticket-export-cursor-based */
  private async ticketChanges(cursor: string | null): Promise<ChangePage> {
    const query: Record<string, string | number> =
      cursor === null || cursor.startsWith(SINCE)
        ? { start_time: startTime(cursor?.slice(SINCE.length) ?? null) }
        : { cursor };
    const page = await this.http.get(ticketExport, '/api/v2/incremental/tickets/cursor', query);
    const records = await this.ticketRecords(page.tickets);
    // An account without tickets has no cursor yet: the next poll begins at the same time.
    const next = page.after_cursor ?? cursor ?? `${SINCE}${BEGINNING}`;
    return { records, gone: [], cursor: next, more: !page.end_of_stream };
  }

  private async commentsIn(events: TicketEvent[]): Promise<SyncRecord[]> {
    const comments: { raw: Comment; event: TicketEvent }[] = [];
    const reread = new Set<string>();
    for (const event of events) {
      for (const child of event.child_events) {
        const type = child.event_type ?? child.type;
        if (type === 'Comment') {
          const path = `/api/v2/incremental/ticket_events (event ${event.id})`;
          comments.push({
            event,
            raw: this.http.parse(
              commentSchema,
              { method: 'GET', path },
              { created_at: event.created_at, ...child },
            ),
          });
        } else if (type === 'CommentRedactionEvent' || type === 'CommentPrivacyChange')
          reread.add(String(event.ticket_id));
      }
    }
    await this.people.load(comments.map(({ raw }) => raw.author_id));
    const records = comments.map(({ raw, event }) =>
      commentRecord(
        raw,
        event.ticket_id,
        this.people,
        event.metadata?.custom ?? {},
        event.child_events.some((child) => child.event_type === 'Create'),
      ),
    );
    // These events say that a comment changed, not what it is now.
    for (const ticketId of reread) records.push(...(await this.commentsOf(ticketId)));
    return records;
  }

  private async ticketRecords(tickets: Ticket[]): Promise<SyncRecord[]> {
    await this.people.load(
      tickets.flatMap((ticket) => [ticket.requester_id, ticket.assignee_id, ticket.submitter_id]),
    );
    const groups = await this.groupNames(tickets);
    return tickets.map((ticket) => ticketRecord(ticket, this.people, groups, this.baseUrl));
  }

  /** Groups are few; they are read again when one turns up that is not known. */
  private async groupNames(tickets: Ticket[]): Promise<ReadonlyMap<number, string>> {
    const wanted = tickets.flatMap((ticket) => ticket.group_id ?? []);
    if (this.groups === null ? wanted.length > 0 : wanted.some((id) => !this.groups?.has(id))) {
      const { groups } = await this.http.get(groupsAnswer, '/api/v2/groups');
      const names = new Map(groups.map(({ id, name }) => [id, name]));
      // A group that nobody knows would otherwise be asked for with every page.
      for (const id of wanted) if (!names.has(id)) names.set(id, '');
      this.groups = names;
    }
    return this.groups ?? new Map();
  }

  /** A comment of ours that adds to another. @returns its audit */
  private async say(
    ref: RecordRef,
    comment: { body: string; public: boolean; uploads?: string[] },
    { idempotencyKey, backRef }: Pick<CreateOptions, 'idempotencyKey' | 'backRef'>,
  ): Promise<Audit | null> {
    const of = ref.kind === 'comment' ? { [MARKS.of]: String(parseCommentId(ref.id).commentId) } : {};
    const metadata = { [MARKS.followUp]: backRef, [MARKS.idempotencyKey]: idempotencyKey, ...of };
    const path = `/api/v2/tickets/${ticketOf(ref)}`;
    return (await this.writeTicket({ method: 'PUT', path, body: { ticket: { comment, metadata } } })).audit;
  }

  /** @throws NeedsHuman where the address is none that may be fetched, or leads to nothing; RetryLater */
  private async download(address: string): Promise<Readable> {
    try {
      const path = URL.canParse(address) ? new URL(address).pathname : address;
      const answer = await this.http.within({ method: 'GET', path }, () => this.egress.open(address));
      if (answer.statusCode !== 200) answer.destroy();
      checkFileStatus(answer.statusCode ?? 0, 'the file');
      return answer;
    } catch (error) {
      if (error instanceof NeedsHuman || error instanceof RetryLater) throw error;
      if (error instanceof EgressRefused) throw new NeedsHuman('attachment_refused', error.message);
      const code = (error as NodeJS.ErrnoException).code ?? 'no answer';
      throw new RetryLater(`the file: ${code}`, { unknownOutcome: false });
    }
  }

  /** @throws RecordGone */
  private async mustRead(ref: RecordRef): Promise<SyncRecord> {
    const [found] = await this.read([ref]);
    if (!found?.record) throw new RecordGone(`${refKey(ref)} is gone`);
    return found.record;
  }

  /** A ticket that is gone has none. */
  private rawComments(ticketId: string): Promise<Comment[]> {
    return this.pages(`/api/v2/tickets/${ticketId}/comments`, commentsPage, (page) => page.comments);
  }

  /** All comments of a ticket with their marks; two calls. */
  private async commentsOf(ticketId: string): Promise<SyncRecord[]> {
    const comments = await this.rawComments(ticketId);
    const audits = new Map((await this.auditsOf(ticketId)).map((audit) => [audit.id, audit]));
    await this.people.load(comments.map((comment) => comment.author_id));
    const marksOf = (comment: Comment) => audits.get(comment.audit_id ?? -1)?.metadata?.custom ?? {};
    return comments.map((comment, place) =>
      commentRecord(
        comment,
        Number(ticketId),
        this.people,
        marksOf(comment),
        place === 0,
        comments.filter((other) => marksOf(other)[MARKS.of] === String(comment.id)),
      ),
    );
  }

  /** https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_audits/ */
  private auditsOf(ticketId: string): Promise<Audit[]> {
    return this.pages(`/api/v2/tickets/${ticketId}/audits`, auditsPage, (page) => page.audits);
  }

  private async pages<P extends { meta: { has_more: boolean; after_cursor: string | null } }, T>(
    path: string,
    schema: z.ZodType<P>,
    itemsOf: (page: P) => T[],
  ): Promise<T[]> {
    const items: T[] = [];
    let after: string | null = null;
    do {
      const request: Request = {
        method: 'GET',
        path,
        query: { 'page[size]': IDS_PER_CALL, ...(after !== null && { 'page[after]': after }) },
      };
      const answer = await this.http.send(request, [404]);
      if (answer.status === 404) return items;
      const page: P = this.http.parse(schema, request, answer.body);
      items.push(...itemsOf(page));
      after = page.meta.has_more ? page.meta.after_cursor : null;
    } while (after !== null);
    return items;
  }

  private async ticketBody(values: Values): Promise<Record<string, unknown>> {
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

  /**
   * A comment is by its author where Zendesk knows the person: agents, and customers in public. For anybody else it is
   * ours, and begins with the author's name.
   */
  private async commentBody(values: Values): Promise<{ comment: Record<string, unknown>; byline: string }> {
    const { author, author_name: name } = values;
    const isPublic = values['public'] === true;
    const person = typeof author === 'string' ? await this.people.find(author) : null;
    const known = person !== null && (person.agent || isPublic);
    const shown = textOf(name ?? author ?? '')
      .replace(/\s+/g, ' ')
      .trim();
    const byline = known || shown === '' ? '' : `${shown} wrote:\n\n`;
    const body = `${byline}${textOf(values['body'] ?? '')}`;
    checkLength(body);
    return { byline, comment: { body, public: isPublic, ...(known && { author_id: person.id }) } };
  }

  private async addComment(request: Request): Promise<SyncRecord> {
    const { ticket, audit } = await this.writeTicket(request);
    const event = audit?.events.find(
      (child) => (child.event_type ?? child.type) === 'Comment' || child.type === 'Comment',
    );
    if (!audit || event?.id === undefined) {
      throw new RetryLater(
        `Zendesk ${request.method} ${request.path}: the answer does not name the new comment`,
        { unknownOutcome: true },
      );
    }
    const parsed = commentSchema.safeParse({ created_at: audit.created_at, ...event });
    if (parsed.success) {
      await this.people.load([parsed.data.author_id]);
      return commentRecord(parsed.data, ticket.id, this.people, audit.metadata?.custom ?? {}, false);
    }
    const ref: RecordRef = { side: 'zendesk', kind: 'comment', id: commentId(ticket.id, event.id) };
    const [found] = await this.read([ref]);
    if (!found?.record)
      throw new RetryLater(`Zendesk ${request.path}: the new comment cannot be read yet`, {
        unknownOutcome: true,
      });
    return found.record;
  }

  private async writeTicket(request: Request): Promise<WrittenTicket> {
    const written = await this.write(request).catch((error: unknown) => this.withCause(request, error));
    const { ticket, audit } = this.http.parse(ticketAnswer, request, written);
    const [record] = await this.ticketRecords([ticket]);
    if (!record) throw new Error('a ticket was lost between answer and parsing');
    return { ticket, audit: audit ?? null, record };
  }

  /** An organization that is refused may be gone, or one that this requester may not have: only the first is waited for. */
  private async withCause({ body }: Request, error: unknown): Promise<never> {
    const { ticket } = (body ?? {}) as { ticket?: { organization_id?: unknown } };
    const id = ticket?.organization_id;
    if (error instanceof NeedsHuman && error.field === 'organization' && id != null) {
      const [found] = await this.read([{ side: 'zendesk', kind: 'organization', id: textOf(id as Json) }]);
      if (found?.record?.state !== 'live') throw new ReferenceGone(error.message, 'organization_id');
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
    const [held] = await this.ticketRecords([earlier.data]);
    const entries = Object.entries(held?.values ?? {});
    return Object.fromEntries(entries.filter(([name, value]) => !sameValue(value, record.values[name])));
  }

  private async writeOrganization(request: Request): Promise<SyncRecord> {
    const { organization }: { organization: Organization } = this.http.parse(
      organizationAnswer,
      request,
      await this.write(request),
    );
    return organizationRecord(organization);
  }

  /** @throws PreconditionFailed, AlreadyExists, RecordGone, NeedsHuman, RetryLater */
  private async write(request: Request): Promise<unknown> {
    const answer = await this.http.send(request, REFUSALS);
    if (answer.status < 300) return answer.body;
    throw refusal(this.http, request, answer);
  }
}

interface WrittenTicket {
  ticket: Ticket;
  audit: Audit | null;
  record: SyncRecord;
}

function ticketOf(ref: RecordRef): string {
  return ref.kind === 'comment' ? parseCommentId(ref.id).ticketId : ref.id;
}

/** What a follow-up belongs to, in words. */
function placeOf(ref: RecordRef): string {
  return ref.kind === 'comment' ? `comment ${parseCommentId(ref.id).commentId}` : 'description';
}

/** Comments know no idempotency key: an earlier attempt is found by the mark that it left. */
function sentBefore(audits: readonly Audit[], idempotencyKey: string): Audit | undefined {
  return audits.find((audit) => audit.metadata?.custom?.[MARKS.idempotencyKey] === idempotencyKey);
}

/** The file that came with an audit's comment. */
function fileOf(audit: Audit): string {
  const comment = z.looseObject({ attachments: z.array(attachmentSchema) });
  const [file] = audit.events.flatMap((event) => comment.safeParse(event).data?.attachments ?? []);
  if (!file) throw new NeedsHuman('unexpected_response', `Zendesk audit ${audit.id}: found no attachment`);
  return String(file.id);
}

function refusal(http: HttpClient, request: Request, { status, body }: Answer): Error {
  const { error, description, details } = http.parse(errorAnswer, request, body ?? {});
  const code = typeof error === 'string' ? error : (error?.message ?? '');
  const call = `Zendesk ${request.method} ${request.path}`;
  if (status === 409) return new PreconditionFailed(`${call}: ${description ?? code}`);
  if (status === 404) return new RecordGone(`${call}: not found`);
  // The first request with this key went through with another body: what it made is found by its back-reference.
  if (code === 'IdempotentRequestError')
    return new RetryLater(`${call}: the idempotency key was used before`, { unknownOutcome: true });
  const faults = Object.entries(details ?? {}).flatMap(([field, list]) =>
    list.map((fault) => ({ field, ...fault })),
  );
  const [first] = faults;
  const words = faults.map((fault) => fault.description ?? fault.field).join('; ') || (description ?? code);
  if (first?.error === 'DuplicateValue') return new AlreadyExists(`${call}: ${words}`, first.field);
  if (first?.field === 'status' && /closed/i.test(words))
    return new NeedsHuman('closed_ticket', `${call}: ${words}`, 'status');
  return new NeedsHuman('invalid_field', `${call}: ${words}`, first?.field ?? null);
}

/** @throws NeedsHuman: what Zendesk would refuse is not shortened, because nobody would see what is missing. */
function checkLength(body: string): void {
  if (body.length <= COMMENT_LENGTH) return;
  throw new NeedsHuman(
    'too_long',
    `Zendesk comment: found ${body.length} characters, expected ${COMMENT_LENGTH} at most`,
    'body',
  );
}

function marksOf({ idempotencyKey, backRef }: Pick<BulkCreate, 'idempotencyKey' | 'backRef'>) {
  return { [MARKS.backRef]: backRef, [MARKS.idempotencyKey]: idempotencyKey };
}

function newOrganization({ values, backRef }: Pick<BulkCreate, 'values' | 'backRef'>) {
  return { ...organizationBody(values), external_id: backRef };
}

function organizationBody(values: Values): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  const fields: Values = {};
  for (const [name, value] of Object.entries(values)) {
    if (name.startsWith(ORGANIZATION_FIELD)) fields[name.slice(ORGANIZATION_FIELD.length)] = value;
    else body[name] = value;
  }
  return Object.keys(fields).length > 0 ? { ...body, organization_fields: fields } : body;
}

function startTime(cursor: string | null): number {
  return Math.max(BEGINNING, Math.min(Number(cursor ?? BEGINNING), secondsAgo(EXPORT_AGE_SECONDS)));
}

function secondsAgo(seconds: number): number {
  return Math.floor(Date.now() / 1000) - seconds;
}

/**
 * Where an export by time goes on: at its last record's second, which comes again then.
 * https://developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports/#time-based-incremental-exports
 */
function position(
  page: { end_time: number | null; count: number; end_of_stream?: boolean | undefined },
  cursor: string | null,
): { cursor: string; more: boolean } {
  const start = startTime(cursor);
  const end = page.end_time ?? start;
  const latest = secondsAgo(EXPORT_AGE_SECONDS);
  const full = !(page.end_of_stream ?? page.count < 1000);
  // A full page of one second would be given for ever. What it may leave out of that second, reconcile brings.
  if (full && end <= start) return { cursor: String(end + 1), more: end < latest };
  if (full && end <= latest) return { cursor: String(end), more: true };
  // At the end, or as near to it as the API lets anybody begin.
  return { cursor: String(Math.min(end, secondsAgo(OVERLAP_SECONDS))), more: false };
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
