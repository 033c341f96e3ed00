import { Egress } from '../../platform/egress';
import { refKey } from '../../sync/canonicalKey';
import { textOf } from '../../sync/values';
import type { Json, RecordRef, RefKey, SyncRecord, Values } from '../../sync/record';
import type { CallBudget } from '../budget';
import { NeedsHuman, RecordGone } from '../errors';
import { HttpClient, TIMEOUT_MS, type ApiCall } from '../http';
import { FILE_LIMIT_BYTES } from '../fileRules';
import type {
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
  VisibilityMemory,
  WalkPage,
} from '../port';
import type { Grant } from '../oauth';
import { People } from './people';
import { zendeskCredential, type ZendeskAuth } from './zendeskAuth';
import { ZendeskBulk } from './zendeskBulk';
import { ZendeskCalls } from './zendeskCalls';
import { ZendeskComments } from './zendeskComments';
import { ZendeskFields } from './zendeskFields';
import { ZendeskFiles } from './zendeskFiles';
import { ZendeskGroups } from './zendeskGroups';
import { ZENDESK_RATE } from './zendeskLimits';
import { ZendeskOrganizations } from './zendeskOrganizations';
import { parseCommentId } from './zendeskRecords';
import { meAnswer } from './zendeskSchemas';
import { STREAMS, ZendeskStreams } from './zendeskStreams';
import { ZendeskTickets } from './zendeskTickets';

/** Zendesk Support. https://developer.zendesk.com/api-reference/ticketing/introduction/ */

export interface ZendeskConnection {
  /** `https://acme.zendesk.com`; the API is under `/api/v2`. */
  baseUrl: string;
  auth: ZendeskAuth;
  timeoutMs?: number;
  /** The hosts of attachments, in addition to the base URL's; see `EgressOptions.hosts`. */
  attachmentHosts?: readonly string[];
  /** Whether tickets that only an AI agent answers are in scope; by default, they are not. */
  aiAgentTickets?: boolean;
  /** The largest file to copy; 20 MB if not given. */
  fileLimitBytes?: number;
  onCall?: (call: ApiCall) => void;
  /** Called for each granted access token. */
  onGrant?: (grant: Grant) => void;
  budget?: CallBudget;
  /** The present time, to decide whether API tokens still work. */
  now?: () => Date;
}

export function zendeskSystem(connection: ZendeskConnection): SystemPort {
  return new Zendesk(connection);
}

/** The hosts that the URLs of Zendesk's attachments redirect to. */
export const ATTACHMENT_HOSTS = ['*.zdusercontent.com'];
const FILE_SILENCE_MS = 30_000;

/** Delegates the port's methods to one class for each kind of record, files, streams and bulk writes. */
class Zendesk implements SystemPort {
  readonly side = 'zendesk';
  readonly exactOrder = false;
  readonly lateMs: number;
  readonly streams = STREAMS;
  readonly follows = { comments: 'tickets' };
  readonly histories = ['comment'];
  readonly bulk: ZendeskBulk;
  private readonly http: HttpClient;
  private readonly tickets: ZendeskTickets;
  private readonly organizations: ZendeskOrganizations;
  private readonly comments: ZendeskComments;
  private readonly fields: ZendeskFields;
  private readonly files: ZendeskFiles;
  private readonly pages: ZendeskStreams;
  private own: string | null = null;
  /** The settings that hold the credential. */
  private readonly settings: string;

  constructor(connection: ZendeskConnection) {
    const { baseUrl, timeoutMs, attachmentHosts, fileLimitBytes, onCall, onGrant, budget } = connection;
    this.lateMs = timeoutMs ?? TIMEOUT_MS;
    const signedIn = zendeskCredential({
      ...connection,
      onGrant: (grant) => {
        // A recreated OAuth client may belong to another user.
        this.own = null;
        onGrant?.(grant);
      },
    });
    this.settings = signedIn.credential;
    const egress = new Egress({
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
    const calls = new ZendeskCalls(this.http);
    const people = new People(this.http);
    const groups = new ZendeskGroups(calls);
    this.fields = new ZendeskFields(calls);
    this.organizations = new ZendeskOrganizations(calls);
    this.tickets = new ZendeskTickets(
      calls,
      { people, groups, fields: this.fields, ownId: () => this.ownId() },
      this.organizations,
      {
        baseUrl,
        aiAgentTickets: connection.aiAgentTickets === true,
      },
    );
    this.comments = new ZendeskComments(calls, people, this.tickets);
    this.files = new ZendeskFiles(calls, this.comments, egress, fileLimitBytes ?? FILE_LIMIT_BYTES);
    this.pages = new ZendeskStreams(this.tickets, this.organizations, this.comments);
    this.bulk = new ZendeskBulk(this.http, this.tickets, (refs) => this.read(refs));
  }

  rememberIn(memory: VisibilityMemory): void {
    this.tickets.visibility.memory = memory;
  }

  /** The external ids of organizations are unique; those of tickets are not, and comments have none. */
  uniqueBackRef(kind: string): boolean {
    return kind === 'organization';
  }

  /** https://developer.zendesk.com/api-reference/ticketing/introduction/#idempotency */
  hasIdempotencyKeys(kind: string): boolean {
    return kind === 'ticket';
  }

  /**
   * https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#protecting-against-ticket-update-collisions
   */
  hasPrecondition(kind: string): boolean {
    return kind === 'ticket';
  }

  get fieldsRevision(): number {
    return this.fields.revision;
  }

  properties(kind: string): Promise<PropertyInfo[]> {
    return this.fields.properties(kind);
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
    // If Zendesk treats the call as not signed in, it answers 200, with an anonymous user without an id.
    if (user.id === null || !user.email)
      throw new NeedsHuman(
        'unauthorized',
        `Zendesk GET ${path}: answered for an anonymous user, so no credential arrived; check ${this.settings}, and that no proxy on the way removes the Authorization header`,
      );
    this.own = String(user.id);
    return { id: user.id, email: user.email };
  }

  async read(refs: RecordRef[]): Promise<ReadResult[]> {
    const idsOf = (kind: string) => refs.filter((ref) => ref.kind === kind).map((ref) => ref.id);
    const records: SyncRecord[] = [];
    // Comments come first, because they show who may see their tickets.
    for (const ticketId of new Set(idsOf('comment').map((id) => parseCommentId(id).ticketId)))
      records.push(...(await this.comments.ofTicket(ticketId)));
    records.push(
      ...(await this.tickets.byIds(idsOf('ticket'))),
      ...(await this.organizations.byIds(idsOf('organization'))),
    );
    const found = new Map(records.map((record) => [refKey(record.ref), record]));
    return refs.map((ref) => ({ ref, record: found.get(refKey(ref)) ?? null }));
  }

  async findByBackRef(kind: string, backRef: RefKey, near: Values): Promise<SyncRecord[]> {
    if (kind === 'ticket') return this.tickets.findByBackRef(backRef);
    if (kind === 'organization') return this.organizations.findByBackRef(backRef);
    const comments = await this.comments.ofTicket(textOf(near['ticket_id'] ?? ''));
    return comments.filter((record) => record.backRef === backRef);
  }

  canFind(kind: string, property: string): boolean {
    return kind === 'organization' && this.organizations.canFindBy(property);
  }

  async findByProperty(kind: string, property: string, value: Json): Promise<SyncRecord[]> {
    if (!this.canFind(kind, property))
      throw new NeedsHuman(
        'unsupported_match',
        `Zendesk cannot look for a ${kind} by "${property}": only for organizations`,
      );
    return this.organizations.findByProperty(property, value);
  }

  create(kind: string, values: Values, options: CreateOptions): Promise<SyncRecord> {
    const { idempotencyKey, backRef, names } = options;
    if (kind === 'organization') return this.organizations.create({ values, backRef });
    if (kind === 'ticket')
      return this.tickets.create({ values, idempotencyKey, backRef, ...(names && { names }) });
    return this.comments.create(values, options);
  }

  async update(ref: RecordRef, changes: Values, options: UpdateOptions): Promise<Updated> {
    const { version, backRef, names = {} } = options;
    const externalId = backRef === null ? {} : { external_id: backRef };
    if (ref.kind === 'ticket') return this.tickets.update(ref.id, changes, externalId, version, names);
    if (ref.kind === 'organization')
      return { record: await this.organizations.update(ref.id, changes, externalId), replaced: {} };
    await this.comments.makePrivate(ref, changes);
    return { record: await this.mustRead(ref), replaced: {} };
  }

  async followUp(ref: RecordRef, values: Values, options: CreateOptions): Promise<SyncRecord> {
    await this.comments.followUp(ref, values, options);
    return this.mustRead(ref);
  }

  /** Archives a comment by hiding it from customers: Zendesk cannot archive comments in another way. */
  async archive(ref: RecordRef, { version }: { version: string }): Promise<SyncRecord> {
    if (ref.kind === 'comment')
      return (await this.update(ref, { public: false }, { version, backRef: null })).record;
    throw new NeedsHuman(
      'cannot_archive',
      `Zendesk cannot archive ${refKey(ref)}; expected onDelete: flag or unlink for what ends in the PMS`,
    );
  }

  async redact(ref: RecordRef): Promise<SyncRecord> {
    if (ref.kind !== 'comment')
      throw new NeedsHuman('cannot_redact', `Zendesk cannot redact ${refKey(ref)}: only comments`);
    const { attachments } = await this.comments.redact(ref);
    for (const file of attachments) await this.files.detach(ref, String(file.id));
    return this.mustRead(ref);
  }

  openFile(ref: RecordRef, id: string): Promise<OpenFile> {
    return this.files.open(ref, id);
  }

  stage(file: OpenFile): Promise<StagedFile> {
    return this.files.stage(file);
  }

  attach(
    ref: RecordRef,
    open: () => Promise<OpenFile>,
    options: AttachOptions,
  ): Promise<{ id: string; record: null }> {
    return this.files.attach(ref, open, options);
  }

  async detach(ref: RecordRef, id: string): Promise<SyncRecord> {
    await this.files.detach(ref, id);
    return this.mustRead(ref);
  }

  changes(stream: string, cursor: string | null): Promise<ChangePage> {
    return this.pages.changes(stream, cursor);
  }

  async cursorNow(stream: string): Promise<string> {
    return this.pages.cursorNow(stream);
  }

  async cursorAt(stream: string, since: Date): Promise<string> {
    return this.pages.cursorAt(stream, since);
  }

  walk(kind: string, cursor: string | null, since: Date | null): Promise<WalkPage> {
    return this.pages.walk(kind, cursor, since);
  }

  /** @throws RecordGone */
  private async mustRead(ref: RecordRef): Promise<SyncRecord> {
    const [found] = await this.read([ref]);
    if (!found?.record) throw new RecordGone(`${refKey(ref)} is gone`);
    return found.record;
  }
}
