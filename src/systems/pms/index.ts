import type { z } from 'zod';
import { refKey, tryParseRef } from '../../sync/keys';
import { textOf } from '../../sync/values';
import type { Attachment, Json, RecordRef, RefKey, SyncRecord, Values } from '../../sync/record';
import type { CallBudget } from '../budget';
import type { BulkAnswer, BulkCreate, BulkUpdate, BulkWrites } from '../bulk';
import { BoundedCache, chunks } from '../cache';
import { AlreadyExists, NeedsHuman, PreconditionFailed, RecordGone, ReferenceGone } from '../errors';
import { HttpClient, type Answer, type ApiCall, type Request } from '../http';
import { FILE_LIMIT_BYTES, checkFileStatus, checkSize, openFile } from '../files';
import type {
  AttachOptions,
  ChangePage,
  CreateOptions,
  OpenFile,
  PropertyInfo,
  ReadResult,
  SystemPort,
  UpdateOptions,
  Updated,
  WalkPage,
} from '../port';
import { PMS_RATE } from './limits';
import {
  RECORD_SCHEMAS,
  attachmentSchema,
  bulkSchema,
  changesSchema,
  errorSchema,
  fieldsSchema,
  pageOf,
  personSchema,
  type ChangesPage,
  type PmsKind,
} from './schemas';

/** The PMS behind its contract, docs/pms-openapi.yaml. */

export interface PmsConnection {
  /** Scheme and host; the API is under `/api/v1`. */
  baseUrl: string;
  token: string;
  timeoutMs?: number;
  /** Of a file that is passed on from here; 20 MB if not given. */
  fileLimitBytes?: number;
  onCall?: (call: ApiCall) => void;
  budget?: CallBudget;
}

export function pmsSystem(connection: PmsConnection): SystemPort {
  return new Pms(connection);
}

const COLLECTIONS: Record<PmsKind, string> = { customer: 'customers', project: 'projects', note: 'notes' };
/** Values that hold a person's id in the API and an e-mail address in a record. */
const PEOPLE: Record<PmsKind, Record<string, string>> = {
  customer: {},
  project: { requester: 'requesterId', assignee: 'assigneeId' },
  note: { author: 'authorId' },
};
/** Properties by which records can be listed, and the parameters that do it. */
const FILTERS: Record<PmsKind, Record<string, string>> = {
  customer: { name: 'name', domains: 'domain' },
  project: { title: 'title' },
  note: {},
};
/** Who said it, and the property that holds the name to show: the record's own where it has one, else the person's. */
const AUTHOR = {
  project: { person: 'requester', name: 'requesterName' },
  note: { person: 'author', name: 'authorName' },
} as const;
/** People who are made known to the PMS where it does not know them; others are left out. */
const CREATED_PEOPLE = new Set(['requester']);
const CUSTOM = 'customFields.';
const META = new Set([
  'id',
  'revision',
  'createdAt',
  'updatedAt',
  'archivedAt',
  'externalRef',
  'customFields',
  // Files are carried apart from values.
  'attachments',
]);
const READ_ONLY = new Set(['redacted', 'requesterName']);
const REDACTED = '[redacted]';
const REFUSALS = [400, 404, 409, 410, 412, 413, 422, 428];
const IDS_PER_CALL = 100;
const CHANGES_PER_CALL = 1000;
const LISTED_PER_CALL = 200;
const OPERATIONS_PER_CALL = 100;
const PEOPLE_CACHED = 10_000;
/** How long somebody whom the PMS does not know is taken for unknown. */
const MISSED_MS = 60_000;
const MISSED_TO_CREATE_MS = 5_000;

type PmsFile = z.output<typeof attachmentSchema>;
type Person = z.output<typeof personSchema>;
type Raw = z.output<(typeof RECORD_SCHEMAS)[PmsKind]>;

class Pms implements SystemPort {
  readonly side = 'pms';
  readonly exactOrder = true;
  readonly streams = ['changes'] as const;
  readonly follows = {};
  readonly histories = [];
  private readonly http: HttpClient;
  private readonly personById = new BoundedCache<string, Person>(PEOPLE_CACHED);
  private readonly idByEmail = new BoundedCache<string, string>(PEOPLE_CACHED);
  /** When each address was last looked for in vain, in milliseconds since the epoch. */
  private readonly missedAt = new BoundedCache<string, number>(PEOPLE_CACHED);
  private readonly asking = new Map<string, Promise<string | undefined>>();
  private own: string | null = null;

  private readonly fileLimitBytes: number;

  constructor({ baseUrl, token, timeoutMs, fileLimitBytes, onCall, budget }: PmsConnection) {
    this.fileLimitBytes = fileLimitBytes ?? FILE_LIMIT_BYTES;
    this.http = new HttpClient({
      side: 'pms',
      name: 'PMS',
      baseUrl,
      headers: { authorization: `Bearer ${token}` },
      credential: 'PMS_TOKEN',
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(onCall && { onCall }),
      ...(budget && { rate: { rules: PMS_RATE, budget } }),
    });
  }

  uniqueBackRef(): boolean {
    return true;
  }

  hasIdempotencyKeys(): boolean {
    return true;
  }

  hasPrecondition(): boolean {
    return true;
  }

  async properties(kind: string): Promise<PropertyInfo[]> {
    const own = pmsKind(kind);
    const people = PEOPLE[own];
    const ids = new Set(Object.values(people));
    const standard = [
      ...Object.keys(RECORD_SCHEMAS[own].shape).filter((name) => !META.has(name) && !ids.has(name)),
      ...Object.keys(people),
      ...(own === 'project' ? [AUTHOR.project.name] : []),
    ];
    const fields = await this.http.get(fieldsSchema, '/api/v1/fields');
    return [
      ...standard.map((name) => ({ name, aliases: [], writable: !READ_ONLY.has(name) })),
      ...fields.items
        .filter((field) => field.kind === kind)
        .map(({ key, title, type, options }) => ({
          name: `${CUSTOM}${key}`,
          aliases: [`${CUSTOM}${title}`],
          writable: true,
          custom: { title, type, ...(options && { options }) },
        })),
    ];
  }

  async whoAmI(): Promise<string> {
    return (await this.http.get(personSchema, '/api/v1/me')).email;
  }

  async ownId(): Promise<string> {
    this.own ??= (await this.http.get(personSchema, '/api/v1/me')).id;
    return this.own;
  }

  async read(refs: RecordRef[]): Promise<ReadResult[]> {
    const found = new Map<RefKey, SyncRecord>();
    for (const kind of new Set(refs.map((ref) => pmsKind(ref.kind)))) {
      const ids = refs.filter((ref) => ref.kind === kind).map((ref) => ref.id);
      for (const some of chunks(ids, IDS_PER_CALL)) {
        for (const record of await this.list(kind, { ids: some.join(','), archived: 'all' }))
          found.set(refKey(record.ref), record);
      }
    }
    return refs.map((ref) => ({ ref, record: found.get(refKey(ref)) ?? null }));
  }

  findByBackRef(kind: string, backRef: RefKey): Promise<SyncRecord[]> {
    return this.list(pmsKind(kind), { externalRef: backRef, archived: 'all' });
  }

  canFind(kind: string, property: string): boolean {
    return FILTERS[pmsKind(kind)][property] !== undefined;
  }

  findByProperty(kind: string, property: string, value: Json): Promise<SyncRecord[]> {
    const filter = FILTERS[pmsKind(kind)][property];
    if (filter === undefined)
      throw new NeedsHuman('unsupported_match', `the PMS cannot look for a ${kind} by "${property}"`);
    return this.list(pmsKind(kind), { [filter]: textOf(value), limit: 10 });
  }

  async create(
    kind: string,
    values: Values,
    { idempotencyKey, backRef }: CreateOptions,
  ): Promise<SyncRecord> {
    const own = pmsKind(kind);
    const body = { ...(await this.toBody(own, values)), externalRef: backRef };
    return this.write(own, {
      method: 'POST',
      path: `/api/v1/${COLLECTIONS[own]}`,
      body,
      headers: { 'idempotency-key': idempotencyKey },
    });
  }

  async update(ref: RecordRef, changes: Values, { version, backRef }: UpdateOptions): Promise<Updated> {
    const own = pmsKind(ref.kind);
    const path = `/api/v1/${COLLECTIONS[own]}/${ref.id}`;
    const headers = { 'if-match': etagOf(version) };
    const body = { ...(await this.toBody(own, changes)), ...(backRef !== null && { externalRef: backRef }) };
    return { record: await this.write(own, { method: 'PATCH', path, body, headers }), replaced: {} };
  }

  /** An operation's own key does for it what the header does for a create alone; nothing needs to be waited for. */
  readonly bulk: BulkWrites = {
    most: OPERATIONS_PER_CALL,
    canCreate: () => true,
    create: (kind, items) => this.createMany(pmsKind(kind), items),
    canUpdate: () => true,
    update: (kind, items) => this.updateMany(pmsKind(kind), items),
    settled: async () => undefined,
  };

  private async createMany(kind: PmsKind, items: readonly BulkCreate[]): Promise<BulkAnswer[]> {
    await this.meet(
      kind,
      items.map(({ values }) => values),
    );
    const operations: unknown[] = [];
    for (const { values, idempotencyKey, backRef } of items) {
      const body = { ...(await this.toBody(kind, values)), externalRef: backRef };
      operations.push({ op: 'create', idempotencyKey, body });
    }
    return this.operate(kind, operations);
  }

  private async updateMany(kind: PmsKind, items: readonly BulkUpdate[]): Promise<BulkAnswer[]> {
    await this.meet(
      kind,
      items.map(({ values }) => values),
    );
    const operations: unknown[] = [];
    for (const { ref, values, version, backRef } of items) {
      const body = {
        ...(await this.toBody(kind, values)),
        ...(backRef !== null && { externalRef: backRef }),
      };
      operations.push({ op: 'update', id: ref.id, ifMatch: etagOf(version), body });
    }
    return this.operate(kind, operations);
  }

  private async operate(kind: PmsKind, operations: unknown[]): Promise<BulkAnswer[]> {
    const request: Request = {
      method: 'POST',
      path: `/api/v1/${COLLECTIONS[kind]}/bulk`,
      body: { operations },
    };
    const answer = await this.http.send(request, REFUSALS);
    if (answer.status >= 300) throw refusal(this.http, request, answer);
    const { results } = this.http.parse(bulkSchema, request, answer.body);
    const answers: BulkAnswer[] = results.map(({ status, error }) => ({
      error:
        status < 300
          ? new Error('a record was lost between answer and parsing')
          : refusal(this.http, request, { ...answer, status, body: { error } }),
    }));
    const made = results.flatMap(({ status, body }, place) => (status < 300 ? [{ place, body }] : []));
    const raws = made.map(({ body }) => ({
      kind,
      raw: this.http.parse<Raw>(RECORD_SCHEMAS[kind], request, body),
    }));
    const records = await this.toRecords(raws);
    made.forEach(({ place }, n) => {
      const record = records[n];
      if (record) answers[place] = { record };
    });
    return answers;
  }

  async followUp(ref: RecordRef, values: Values, { idempotencyKey }: CreateOptions): Promise<SyncRecord> {
    const current = await this.mustRead(ref);
    const projectId = ref.kind === 'note' ? current.values['projectId'] : ref.id;
    const visibility = values['public'] === true ? 'public' : 'internal';
    await this.write('note', {
      method: 'POST',
      path: '/api/v1/notes',
      body: { projectId, body: `Edited in Zendesk:\n\n${textOf(values['text'] ?? '')}`, visibility },
      headers: { 'idempotency-key': idempotencyKey },
    });
    return current;
  }

  async archive(ref: RecordRef, { version }: { version: string }): Promise<SyncRecord> {
    const own = pmsKind(ref.kind);
    const path = `/api/v1/${COLLECTIONS[own]}/${ref.id}/archive`;
    return this.write(own, { method: 'POST', path, headers: { 'if-match': etagOf(version) } });
  }

  /** A project has no redaction of its own: it loses the text that it was made for. */
  async redact(ref: RecordRef, { version }: { version: string }): Promise<SyncRecord> {
    const own = pmsKind(ref.kind);
    const path = `/api/v1/${COLLECTIONS[own]}/${ref.id}`;
    const headers = { 'if-match': etagOf(version) };
    if (own === 'note') return this.write(own, { method: 'POST', path: `${path}/redact`, headers });
    return this.write(own, { method: 'PATCH', path, body: { description: REDACTED }, headers });
  }

  async openFile(ref: RecordRef, id: string): Promise<OpenFile> {
    const [found] = await this.read([ref]);
    const file = found?.record?.attachments?.find((each) => each.id === id);
    if (!file) throw new NeedsHuman('attachment_unavailable', `${refKey(ref)} has no file ${id} any more`);
    checkSize(file, this.fileLimitBytes);
    const path = filePath(id);
    const { status, content } = await this.http.download(path);
    if (status !== 200) content.destroy();
    checkFileStatus(status, `PMS GET ${path}`);
    return openFile(file, content);
  }

  async attach(
    ref: RecordRef,
    open: () => Promise<OpenFile>,
    { idempotencyKey }: AttachOptions,
  ): Promise<{ id: string; record: SyncRecord }> {
    const own = pmsKind(ref.kind);
    const file = await open();
    const request: Request = {
      method: 'POST',
      path: `/api/v1/${COLLECTIONS[own]}/${ref.id}/attachments`,
      query: { fileName: file.fileName },
      file,
      headers: { 'idempotency-key': idempotencyKey },
    };
    const answer = await this.http.send(request, REFUSALS);
    if (answer.status === 404) {
      await this.mustRead(ref);
      throw new NeedsHuman('attachment_refused', `the PMS keeps no files on a ${own}`);
    }
    if (answer.status >= 300) throw refusal(this.http, request, answer);
    const { id } = this.http.parse(attachmentSchema, request, answer.body);
    return { id, record: await this.mustRead(ref) };
  }

  async detach(ref: RecordRef, id: string): Promise<SyncRecord> {
    const request: Request = { method: 'DELETE', path: filePath(id) };
    const answer = await this.http.send(request, REFUSALS);
    if (answer.status >= 300 && answer.status !== 404 && answer.status !== 410)
      throw refusal(this.http, request, answer);
    return this.mustRead(ref);
  }

  async changes(_stream: string, cursor: string | null): Promise<ChangePage> {
    const query = { limit: CHANGES_PER_CALL, ...(cursor !== null && { cursor }) };
    const page = await this.http.get(changesSchema, '/api/v1/changes', query);
    // Later entries of a page replace earlier ones: only what a record is now matters.
    const latest = new Map(page.items.map((item) => [`${item.kind}:${item.id}`, item]));
    const live: { kind: PmsKind; raw: Raw }[] = [];
    const gone: RecordRef[] = [];
    for (const { kind, id, op, record } of latest.values()) {
      if (op === 'deleted') gone.push({ side: 'pms', kind, id });
      else
        live.push({
          kind,
          raw: this.http.parse<Raw>(RECORD_SCHEMAS[kind], { method: 'GET', path: '/api/v1/changes' }, record),
        });
    }
    return { records: await this.toRecords(live), gone, cursor: page.nextCursor, more: page.hasMore };
  }

  /** @throws RecordGone */
  private async mustRead(ref: RecordRef): Promise<SyncRecord> {
    const [found] = await this.read([ref]);
    if (!found?.record) throw new RecordGone(`${refKey(ref)} is gone`);
    return found.record;
  }

  /** The feed knows no times but its entries' own: it is read from the beginning up to the first that is new enough. */
  async cursorAt(_stream: string, since: Date): Promise<string | null> {
    let cursor: string | null = null;
    for (;;) {
      const query: Record<string, string | number> =
        cursor === null ? { limit: CHANGES_PER_CALL } : { limit: CHANGES_PER_CALL, cursor };
      const page: ChangesPage = await this.http.get(changesSchema, '/api/v1/changes', query);
      if (!page.hasMore || page.items.some((item) => Date.parse(item.at) >= since.getTime())) return cursor;
      cursor = page.nextCursor;
    }
  }

  async cursorNow(): Promise<string> {
    return (await this.http.get(changesSchema, '/api/v1/changes', { cursor: 'now' })).nextCursor;
  }

  async walk(kind: string, cursor: string | null): Promise<WalkPage> {
    const own = pmsKind(kind);
    const query = { archived: 'all', limit: LISTED_PER_CALL, ...(cursor !== null && { cursor }) };
    const schema = pageOf<z.ZodType<Raw>>(RECORD_SCHEMAS[own]);
    const page = await this.http.get(schema, `/api/v1/${COLLECTIONS[own]}`, query);
    return {
      records: await this.toRecords(page.items.map((raw) => ({ kind: own, raw }))),
      cursor: page.nextCursor,
    };
  }

  private async list(kind: PmsKind, query: Record<string, string | number>): Promise<SyncRecord[]> {
    const page = await this.http.get(
      pageOf<z.ZodType<Raw>>(RECORD_SCHEMAS[kind]),
      `/api/v1/${COLLECTIONS[kind]}`,
      query,
    );
    return this.toRecords(page.items.map((raw) => ({ kind, raw })));
  }

  /** Sends a write and reads its answer. @throws PreconditionFailed, AlreadyExists, RecordGone, NeedsHuman, RetryLater */
  private async write(kind: PmsKind, request: Request): Promise<SyncRecord> {
    const answer = await this.http.send(request, REFUSALS);
    if (answer.status >= 300) throw refusal(this.http, request, answer);
    const raw = this.http.parse<Raw>(RECORD_SCHEMAS[kind], request, answer.body);
    const [record] = await this.toRecords([{ kind, raw }]);
    if (!record) throw new Error('a record was lost between answer and parsing');
    return record;
  }

  private async toRecords(items: { kind: PmsKind; raw: Raw }[]): Promise<SyncRecord[]> {
    const people = items.flatMap(({ kind, raw }) => Object.values(PEOPLE[kind]).map((field) => raw[field]));
    const persons = await this.peopleOf(people.filter((id) => typeof id === 'string'));
    return items.map(({ kind, raw }) => {
      const values: Values = {};
      const ids = new Set(Object.values(PEOPLE[kind]));
      for (const [name, value] of Object.entries(raw))
        if (!META.has(name) && !ids.has(name)) values[name] = value as Json;
      for (const [name, field] of Object.entries(PEOPLE[kind])) {
        const person = persons.get(raw[field] as string);
        values[name] = person?.email ?? null;
        if (kind !== 'customer' && name === AUTHOR[kind].person)
          values[AUTHOR[kind].name] ??= person?.name ?? null;
      }
      const custom = 'customFields' in raw ? (raw.customFields as Values) : {};
      for (const [name, value] of Object.entries(custom)) values[`${CUSTOM}${name}`] = value;
      const back = tryParseRef(raw.externalRef);
      return {
        ref: { side: 'pms', kind, id: raw.id },
        version: String(raw.revision),
        order: raw.revision,
        createdAt: raw.createdAt,
        updatedAt: raw.updatedAt,
        state: raw['redacted'] === true ? 'redacted' : raw.archivedAt === null ? 'live' : 'archived',
        values,
        backRef: back?.side === 'zendesk' ? raw.externalRef : null,
        foreignBackRef: raw.externalRef !== null && back?.side !== 'zendesk',
        skip: null,
        ...parentOf(kind, raw),
        ...('attachments' in raw && { attachments: (raw.attachments as PmsFile[]).map(attachmentOf) }),
      };
    });
  }

  private async peopleOf(ids: string[]): Promise<Map<string, Person>> {
    const unknown = [...new Set(ids)].filter((id) => this.personById.get(id) === undefined);
    for (const some of chunks(unknown, IDS_PER_CALL)) {
      const page = await this.http.get(pageOf(personSchema), '/api/v1/people', { ids: some.join(',') });
      for (const person of page.items) this.remember(person);
    }
    return new Map(
      ids
        .map((id) => [id, this.personById.get(id)] as const)
        .filter((entry): entry is [string, Person] => entry[1] !== undefined),
    );
  }

  private async toBody(kind: PmsKind, values: Values): Promise<Record<string, unknown>> {
    const body: Record<string, unknown> = {};
    const custom: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(values)) {
      const personField = PEOPLE[kind][name];
      if (name.startsWith(CUSTOM)) custom[name.slice(CUSTOM.length)] = value;
      else if (personField !== undefined) {
        const id = value === null ? null : await this.personId(textOf(value), CREATED_PEOPLE.has(name));
        if (id !== undefined) body[personField] = id;
      } else body[name] = value;
    }
    if (Object.keys(custom).length > 0) body['customFields'] = custom;
    return body;
  }

  /** Looks up at once all people that values speak of and nobody here knows yet; who is not found is asked for alone. */
  private async meet(kind: PmsKind, values: readonly Values[]): Promise<void> {
    const emails = values.flatMap((each) =>
      Object.keys(PEOPLE[kind]).flatMap((name) => {
        const email = each[name];
        const isUnknown = typeof email === 'string' && this.idByEmail.get(email) === undefined;
        return isUnknown && !this.missed(email, CREATED_PEOPLE.has(name)) ? [email] : [];
      }),
    );
    for (const some of chunks([...new Set(emails)], IDS_PER_CALL)) {
      // One alone is as well asked for by itself.
      if (some.length < 2) continue;
      const page = await this.http.get(pageOf(personSchema), '/api/v1/people', { emails: some.join(',') });
      for (const person of page.items) this.remember(person);
      const found = new Set(page.items.map(({ email }) => email));
      for (const email of some) if (!found.has(email)) this.missedAt.set(email, Date.now());
    }
  }

  /** Asked once for all who ask at the same time. @returns undefined where nobody has the address */
  private async personId(email: string, create: boolean): Promise<string | undefined> {
    const known = this.idByEmail.get(email);
    if (known !== undefined) return known;
    const question = `${create} ${email}`;
    const asked = this.asking.get(question) ?? this.askFor(email, create);
    this.asking.set(question, asked);
    try {
      return await asked;
    } finally {
      this.asking.delete(question);
    }
  }

  private async askFor(email: string, create: boolean): Promise<string | undefined> {
    if (!this.missed(email, create)) {
      const [found] = (await this.http.get(pageOf(personSchema), '/api/v1/people', { email })).items;
      if (found) return this.remember(found);
      this.missedAt.set(email, Date.now());
    }
    if (!create) return undefined;
    const request: Request = {
      method: 'POST',
      path: '/api/v1/people',
      body: { email, name: email, role: 'client' },
    };
    const person = this.http.parse(personSchema, request, (await this.http.send(request)).body);
    return this.remember(person);
  }

  /** Whether nobody has an address, as far as is known; who would be made is looked for again at once. */
  private missed(email: string, create: boolean): boolean {
    const at = this.missedAt.get(email) ?? 0;
    return Date.now() - at < (create ? MISSED_TO_CREATE_MS : MISSED_MS);
  }

  private remember(person: Person): string {
    this.personById.set(person.id, person);
    this.idByEmail.set(person.email, person.id);
    return person.id;
  }
}

function refusal(http: HttpClient, request: Request, { status, body }: Answer): Error {
  const { error } = http.parse(errorSchema, request, body);
  const what = `PMS ${request.method} ${request.path}: ${error.message}`;
  if (status === 412) return new PreconditionFailed(what);
  if (status === 404 || status === 410) return new RecordGone(what);
  if (status === 409) return new AlreadyExists(what, error.field ?? 'externalRef');
  // The first request with this key went through with another body: what it made is found by its back-reference.
  if (error.code === 'idempotency_key_reuse') return new AlreadyExists(what, 'externalRef');
  if (error.code === 'unknown_reference' && error.field != null) return new ReferenceGone(what, error.field);
  return new NeedsHuman('invalid_field', what, error.field ?? null);
}

function attachmentOf({ id, fileName, contentType, size }: PmsFile): Attachment {
  return { id, fileName, contentType, size, redacted: false };
}

function filePath(id: string): string {
  return `/api/v1/attachments/${encodeURIComponent(id)}`;
}

function parentOf(kind: PmsKind, raw: Raw): Pick<SyncRecord, 'parent'> {
  const id = kind === 'note' ? raw['projectId'] : kind === 'project' ? raw['parentId'] : null;
  return typeof id === 'string' ? { parent: refKey({ side: 'pms', kind: 'project', id }) } : {};
}

function etagOf(version: string): string {
  return `"r${version}"`;
}

function pmsKind(kind: string): PmsKind {
  if (kind in RECORD_SCHEMAS) return kind as PmsKind;
  throw new NeedsHuman('unknown_kind', `the PMS has no "${kind}": expected customer, project or note`);
}
