import { parseRef, refKey } from '../../sync/canonicalKey';
import type { Json, RecordRef, RefKey, SyncRecord, Values } from '../../sync/record';
import { DATA_TYPES, type DataType } from '../../sync/mapping';
import { isEmpty, textOf } from '../../sync/values';
import type { AdapterConnection, PmsAdapter } from '../pmsAdapter';
import type { BulkAnswer, BulkCreate, BulkUpdate, BulkWrites } from '../bulkWrites';
import { chunks } from '../boundedCache';
import { NeedsHuman, PreconditionFailed, RecordGone } from '../errors';
import { FILE_LIMIT_BYTES, checkFileStatus, checkSize, openFile } from '../fileRules';
import { HttpClient, type Request } from '../http';
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
import { Api, type Told } from './profileApi';
import { credentialOf } from './profileAuth';
import { Directory, type Entry } from './directory';
import { readPage } from './pages';
import { rateRules } from './rate';
import { CUSTOM, Records, type Raw } from './profileRecords';
import type { Kind, LookUp, Profile } from './profileSchema';
import { FeedStream, SinceStream, type Stream } from './profileStreams';
import { fillTree, type RequestTemplate, type Scope, type Tree } from './template';
import { Times } from './times';
import { profileWebhooks } from './profileWebhooks';

/** A PMS behind a profile: all that is particular to it is in there. */

export interface PmsConnection extends AdapterConnection {
  profile: Profile;
}

export function profileSystem(connection: PmsConnection): ProfileSystem {
  return new ProfileSystem(connection);
}

export function profileAdapter(profile: Profile): PmsAdapter {
  const { webhooks } = profile;
  return {
    name: profile.name,
    rate: rateRules(profile),
    connect: (connection) => profileSystem({ profile, ...connection }),
    ...(webhooks !== undefined && {
      webhooks: (connection: AdapterConnection & { secret: string }) =>
        profileWebhooks(profile, webhooks, connection),
    }),
  };
}

/** At most of what a look-up finds. */
const FOUND = 10;
const READ_AT_ONCE = 8;

export class ProfileSystem implements SystemPort {
  readonly side = 'pms';
  readonly exactOrder: boolean;
  readonly streams: readonly string[];
  readonly follows: Readonly<Partial<Record<string, string>>>;
  readonly histories: readonly string[];
  readonly bulk?: BulkWrites;
  private readonly profile: Profile;
  private readonly api: Api;
  private readonly kinds: ReadonlyMap<string, Records>;
  private readonly sources: ReadonlyMap<string, Stream>;
  private readonly fileLimitBytes: number;
  private own: string | null = null;

  constructor(connection: PmsConnection) {
    const { profile, baseUrl, token, readToken, user, timeoutMs, fileLimitBytes, onCall, budget } =
      connection;
    this.profile = profile;
    this.fileLimitBytes = fileLimitBytes ?? FILE_LIMIT_BYTES;
    const common = {
      side: 'pms' as const,
      name: profile.name,
      baseUrl,
      headers: {},
      credential: user === undefined ? 'PMS_TOKEN' : 'PMS_USER, PMS_TOKEN',
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(onCall && { onCall }),
    };
    const auth = credentialOf(profile.auth, { token, readToken, user: user ?? null }, common);
    const rate = budget && { rules: rateRules(profile), budget };
    const prefix = new URL(baseUrl).pathname.replace(/\/+$/, '');
    this.api = new Api(profile, new HttpClient({ ...common, auth, ...(rate && { rate }) }), prefix);
    const directories = new Map(
      Object.entries(profile.directories).map(([name, each]) => [name, new Directory(each, this.api)]),
    );
    const times = new Times(profile.dates);
    const kinds = [...profile.kinds.values()];
    this.kinds = new Map(kinds.map((kind) => [kind.name, new Records(kind, this.api, directories, times)]));
    this.exactOrder = kinds.every(({ counted }) => counted === true);
    this.histories = kinds.filter(({ within }) => within).map(({ name }) => name);
    this.sources = this.streamsOf(times);
    this.streams = [...this.sources.keys()];
    this.follows = Object.fromEntries(
      kinds.flatMap(({ name, within }) => (within && this.sources.has(name) ? [[name, within.kind]] : [])),
    );
    if (kinds.some(({ bulk }) => bulk)) this.bulk = this.bulkWrites(kinds);
  }

  uniqueBackRef(kind: string): boolean {
    const { backRef } = this.kindOf(kind);
    return backRef !== undefined && 'at' in backRef && backRef.unique === true;
  }

  hasIdempotencyKeys(): boolean {
    return this.profile.idempotency !== undefined;
  }

  hasPrecondition(): boolean {
    return this.profile.precondition !== undefined;
  }

  async properties(kind: string): Promise<PropertyInfo[]> {
    const records = this.recordsOf(kind);
    return [
      ...records.offered().map((each) => ({ ...each, aliases: [] })),
      ...(await this.customProperties(records.kind)),
    ];
  }

  private async customProperties({ name: kind, customFields }: Kind): Promise<PropertyInfo[]> {
    const fields = customFields?.fields;
    if (!fields) return [];
    const told = await this.api.send(fields.request, {});
    return this.api.itemsOf(told, fields.items).flatMap((raw, n): PropertyInfo[] => {
      const ask = (expression: { text: string; of(data: Json): Json }) => expression.of(raw);
      if (ask(fields.kind) !== kind) return [];
      const [key, title, type] = [fields.key, fields.title, fields.type].map(ask);
      if (key == null || title == null)
        throw this.api.unexpected(told.call, `${fields.items.text}.${n}`, null, 'a key and a title');
      const options = fields.options ? ask(fields.options) : null;
      return [
        {
          name: `${CUSTOM}${textOf(key)}`,
          aliases: [`${CUSTOM}${textOf(title)}`],
          writable: true,
          custom: {
            title: textOf(title),
            type: dataTypeOf(fields.types, type ?? null),
            ...(Array.isArray(options) && { options: options.map(textOf) }),
          },
        },
      ];
    });
  }

  async whoAmI(): Promise<string> {
    return (await this.me()).name;
  }

  async ownId(): Promise<string> {
    this.own ??= (await this.me()).id;
    return this.own;
  }

  private async me(): Promise<{ id: string; name: string }> {
    const { request, id, name } = this.profile.me;
    const told = await this.api.send(request, {});
    const [found, words] = [id, name].map((each) => {
      const value = this.api.valueOf(each, told.body, told.call);
      if (value === null) throw this.api.unexpected(told.call, each.text, value, 'a value');
      return textOf(value);
    }) as [string, string];
    return { id: found, name: words };
  }

  async read(refs: RecordRef[]): Promise<ReadResult[]> {
    const found = new Map<RefKey, SyncRecord>();
    for (const name of new Set(refs.map(({ kind }) => kind))) {
      const records = this.recordsOf(name);
      const raws = await this.rawsOf(
        records,
        refs.filter(({ kind }) => kind === name),
      );
      for (const record of await this.parse(raws)) found.set(refKey(record.ref), record);
    }
    return refs.map((ref) => ({ ref, record: found.get(refKey(ref)) ?? null }));
  }

  private async rawsOf(records: Records, refs: readonly RecordRef[]): Promise<Raw[]> {
    const { kind } = records;
    if (kind.within) {
      const wanted = new Set(refs.map(({ id }) => records.scopeOf({ id }).within));
      return this.insideOf(records, [...wanted].map(textOrEmpty));
    }
    const { read } = kind;
    if (!read) throw new Error(`"${kind.name}" cannot be read`);
    if (!read.names.has('ids'))
      return (
        await atOnce(refs, async (ref) => {
          const told = await this.api.ask(read, records.scopeOf(ref));
          return told ? [this.rawOf(kind, told, null)] : [];
        })
      ).flat();
    const raws: Raw[] = [];
    for (const some of chunks(refs, this.profile.idsPerCall)) {
      const request = this.api.request(read, { ...scopeOf(kind), ids: some.map(({ id }) => id) });
      raws.push(...(await this.list(kind, request, read)));
    }
    return raws;
  }

  /** All records inside others. Those of one that is gone are gone, too. */
  private async insideOf(records: Records, parents: readonly string[]): Promise<Raw[]> {
    const { kind } = records;
    const lists = await atOnce(parents, async (within) => {
      const told = await this.api.ask(kind.list, { ...scopeOf(kind), within });
      if (!told) return [];
      const items = kind.list.items ?? kind.items;
      return rawsIn(kind, told, items.text, this.api.itemsOf(told, items), within);
    });
    return lists.flat();
  }

  findByBackRef(kind: string, backRef: RefKey, near: Values): Promise<SyncRecord[]> {
    const records = this.recordsOf(kind);
    const { findByBackRef, within } = records.kind;
    if (within) {
      const parent = near[within.property] ?? null;
      return parent === null ? Promise.resolve([]) : this.insideWith(records, textOf(parent), backRef);
    }
    if (!findByBackRef)
      throw new NeedsHuman('cannot_look_up', `the PMS cannot look for a ${kind} by its back-reference`);
    return this.lookUp(records, findByBackRef, { backRef }, (record) => record.backRef === backRef);
  }

  private async insideWith(records: Records, parent: string, backRef: RefKey): Promise<SyncRecord[]> {
    const all = await this.parse(await this.insideOf(records, [parent]));
    return all.filter((record) => record.backRef === backRef);
  }

  canFind(kind: string, property: string): boolean {
    return this.kindOf(kind).find[property] !== undefined;
  }

  async findByProperty(kind: string, property: string, value: Json): Promise<SyncRecord[]> {
    const records = this.recordsOf(kind);
    const lookUp = records.kind.find[property];
    if (!lookUp)
      throw new NeedsHuman('unsupported_match', `the PMS cannot look for a ${kind} by "${property}"`);
    const holds = ({ values }: SyncRecord) =>
      [values[property] ?? null].flat().some((each) => isAlike(each, value));
    const found = await this.lookUp(records, lookUp, { value: textOf(value) }, holds);
    return found.filter(({ state }) => state === 'live').slice(0, FOUND);
  }

  private async lookUp(
    records: Records,
    { request, compare, pages }: LookUp,
    scope: Scope,
    fits: (record: SyncRecord) => boolean,
  ): Promise<SyncRecord[]> {
    const { kind } = records;
    const filled = this.api.request(request, { ...scopeOf(kind), ...scope });
    const found: SyncRecord[] = [];
    let cursor: string | null = null;
    do {
      const page: { raws: Raw[]; next: string | null } = pages
        ? await this.page(kind, filled, request, cursor)
        : { raws: await this.list(kind, filled, request), next: null };
      const all = await this.parse(page.raws);
      found.push(...(compare ? all.filter(fits) : all));
      cursor = page.next;
    } while (cursor !== null);
    return found;
  }

  /** @param backRef null for what a person makes */
  async create(
    kind: string,
    values: Values,
    { idempotencyKey, backRef }: Omit<CreateOptions, 'backRef'> & { backRef: RefKey | null },
  ): Promise<SyncRecord> {
    const records = this.recordsOf(kind);
    const { create, body, within } = records.kind;
    if (!create) throw new NeedsHuman('cannot_create', `the PMS takes no new ${kind}`);
    const parent = within ? (values[within.property] ?? null) : null;
    const scope = { ...(await this.scopeOf(records, values, backRef)), within: parent, key: idempotencyKey };
    const told = await this.api.write(this.keyed(this.api.request(create, scope, body), idempotencyKey));
    const made = await this.answered(records, told, parent === null ? null : textOf(parent));
    if (made) return made;
    // What a person says inside another record is the latest there.
    const found =
      backRef !== null
        ? await this.findByBackRef(kind, backRef, values)
        : within
          ? await this.parse(await this.insideOf(records, [textOrEmpty(parent)]))
          : [];
    const latest = found.sort((a, b) => a.createdAt.localeCompare(b.createdAt)).at(-1);
    if (!latest)
      throw this.api.unexpected(
        told.call,
        records.kind.record.text,
        null,
        'the new record, here or by look-up',
      );
    return latest;
  }

  async update(ref: RecordRef, changes: Values, { version, backRef }: UpdateOptions): Promise<Updated> {
    const records = this.recordsOf(ref.kind);
    const { update, body } = records.kind;
    if (!update) throw new NeedsHuman('cannot_update', `the PMS lets nobody change a ${ref.kind}`);
    const [values, left] = await this.keepingMarker(records, ref, changes, backRef);
    const scope = { ...(await this.scopeOf(records, values, left)), ...records.scopeOf(ref) };
    return {
      record: await this.bound(records, ref, version, { template: update, scope, body }),
      replaced: {},
    };
  }

  /** A back-reference in a text is there after an edit of the text, too. */
  private async keepingMarker(
    records: Records,
    ref: RecordRef,
    changes: Values,
    backRef: RefKey | null,
  ): Promise<[Values, RefKey | null]> {
    const { backRef: place } = records.kind;
    if (!place || !('in' in place) || (backRef === null && !(place.in in changes))) return [changes, backRef];
    const current = await this.mustRead(ref);
    const kept = records.markedProperties.map((name) => [name, current.values[name] ?? null] as const);
    return [{ ...Object.fromEntries(kept), ...changes }, backRef ?? current.backRef];
  }

  async archive(ref: RecordRef, { version }: { version: string }): Promise<SyncRecord> {
    const records = this.recordsOf(ref.kind);
    const { archive } = records.kind;
    if (!archive) throw new NeedsHuman('cannot_archive', `the PMS archives no ${ref.kind}`);
    return this.bound(records, ref, version, { template: archive, scope: records.scopeOf(ref), body: null });
  }

  async redact(ref: RecordRef, { version }: { version: string }): Promise<SyncRecord> {
    const records = this.recordsOf(ref.kind);
    const { redact } = records.kind;
    if (!redact) throw new NeedsHuman('cannot_redact', `the PMS redacts no ${ref.kind}`);
    return this.bound(records, ref, version, { template: redact, scope: records.scopeOf(ref), body: null });
  }

  /** A write that is bound to a version, as far as the profile says how. */
  private async bound(
    records: Records,
    ref: RecordRef,
    version: string,
    { template, scope, body }: { template: RequestTemplate; scope: Scope; body: Tree | null },
  ): Promise<SyncRecord> {
    const { precondition } = this.profile;
    const given: Scope = { ...scope, version };
    if (precondition?.value.names.includes('etag')) given['etag'] = await this.etagOf(records, ref, version);
    const value = precondition?.value.of(given) ?? null;
    if (precondition && 'field' in precondition && typeof given['fields'] === 'object')
      given['fields'] = { ...given['fields'], [precondition.field]: value };
    const request = this.api.request(template, given, body);
    if (precondition && 'header' in precondition && value !== null)
      request.headers = { ...request.headers, [precondition.header.toLowerCase()]: textOf(value) };
    const told = await this.api.write(request);
    return (await this.answered(records, told, records.scopeOf(ref).within)) ?? this.mustRead(ref);
  }

  /** What a record's answer is called, where it is still of the version. @throws PreconditionFailed, RecordGone */
  private async etagOf(records: Records, ref: RecordRef, version: string): Promise<string | null> {
    const { read } = records.kind;
    if (!read) throw new Error(`"${ref.kind}" cannot be read`);
    const told = await this.api.send(read, records.scopeOf(ref));
    const [record] = await this.parse([this.rawOf(records.kind, told, null)]);
    if (record?.version !== version) throw new PreconditionFailed(`${refKey(ref)} has moved on`);
    return told.header('etag');
  }

  /** The record in a write's answer; null where it says nothing of it. */
  private async answered(records: Records, told: Told, within: string | null): Promise<SyncRecord | null> {
    const { kind } = records;
    const raw = this.rawOf(kind, told, within);
    if (raw.raw === null) return null;
    const [record] = await this.parse([raw]);
    return record ?? null;
  }

  /** Removes a record for good; one that is gone already is no error. The sync never does this. */
  async remove(ref: RecordRef): Promise<void> {
    const records = this.recordsOf(ref.kind);
    const { remove } = records.kind;
    if (!remove)
      throw new NeedsHuman('cannot_remove', `the profile does not say how to remove a ${ref.kind}`);
    await this.api.ask(remove, records.scopeOf(ref));
  }

  /** Whether files can be added to such a record. */
  keepsFiles(kind: string): boolean {
    return this.kindOf(kind).files !== undefined;
  }

  /** Whether a stream tells that one was edited. */
  tellsEdits(kind: string): boolean {
    return this.kindOf(kind).silentEdits !== true;
  }

  /** The property that names the record inside which one of a kind is. */
  within(kind: string): string | null {
    return this.kindOf(kind).within?.property ?? null;
  }

  /** Whether a property takes somebody's address. */
  knows(kind: string, property: string, email: string): Promise<boolean> {
    return this.recordsOf(kind).knows(property, email);
  }

  async followUp(
    ref: RecordRef,
    values: Values,
    { idempotencyKey, backRef }: CreateOptions,
  ): Promise<SyncRecord> {
    const records = this.recordsOf(ref.kind);
    const { followUp } = records.kind;
    if (!followUp)
      throw new NeedsHuman('cannot_follow_up', `nothing can be said of a ${ref.kind} in the PMS`);
    const current = await this.mustRead(ref);
    const scope = {
      ...records.scopeOf(ref),
      parent: current.parent === undefined ? null : parseRef(current.parent).id,
      text: values['text'] ?? '',
      public: values['public'] === true,
      key: idempotencyKey,
      backRef,
    };
    await this.api.write(this.keyed(this.api.request(followUp, scope), idempotencyKey));
    return this.mustRead(ref);
  }

  async openFile(ref: RecordRef, id: string): Promise<OpenFile> {
    const records = this.recordsOf(ref.kind);
    const [found] = await this.read([ref]);
    const file = found?.record?.attachments?.find((each) => each.id === id);
    const { files } = records.kind;
    if (!file || !files)
      throw new NeedsHuman('attachment_unavailable', `${refKey(ref)} has no file ${id} any more`);
    checkSize(file, this.fileLimitBytes);
    const request = this.api.request(files.read, { ...records.scopeOf(ref), file: id });
    const { status, content } = await this.api.http.download(request.path);
    if (status !== 200) content.destroy();
    checkFileStatus(status, this.api.callOf(request));
    return openFile(file, content);
  }

  async attach(
    ref: RecordRef,
    open: () => Promise<OpenFile>,
    { idempotencyKey }: AttachOptions,
  ): Promise<{ id: string; record: SyncRecord }> {
    const records = this.recordsOf(ref.kind);
    const { files } = records.kind;
    const refused = () => new NeedsHuman('attachment_refused', `the PMS keeps no files on a ${ref.kind}`);
    if (!files) throw refused();
    const file = await open();
    const scope = { ...records.scopeOf(ref), fileName: file.fileName, key: idempotencyKey };
    const request = this.keyed({ ...this.api.request(files.add, scope), file }, idempotencyKey);
    try {
      const told = await this.api.write(request);
      const id = this.api.valueOf(files.added, told.body, told.call);
      if (id === null) throw this.api.unexpected(told.call, files.added.text, id, 'an id');
      return { id: textOf(id), record: await this.mustRead(ref) };
    } catch (error) {
      if (!(error instanceof RecordGone)) throw error;
      await this.mustRead(ref);
      throw refused();
    }
  }

  async detach(ref: RecordRef, id: string): Promise<SyncRecord> {
    const records = this.recordsOf(ref.kind);
    const { files } = records.kind;
    if (!files?.remove)
      throw new NeedsHuman('cannot_detach', `no file of a ${ref.kind} can be removed in the PMS`);
    // Nothing to ask for: it may be gone already.
    await this.api.ask(files.remove, { ...records.scopeOf(ref), file: id });
    return this.mustRead(ref);
  }

  changes(stream: string, cursor: string | null): Promise<ChangePage> {
    return this.sourceOf(stream).changes(cursor);
  }

  cursorAt(stream: string, since: Date): Promise<string | null> {
    return this.sourceOf(stream).cursorAt(since);
  }

  cursorNow(stream: string): Promise<string | null> {
    return this.sourceOf(stream).cursorNow();
  }

  async walk(kind: string, cursor: string | null): Promise<WalkPage> {
    const records = this.recordsOf(kind);
    const listed = records.kind.within ? this.recordsOf(records.kind.within.kind) : records;
    const { list } = listed.kind;
    const page = await this.page(listed.kind, this.api.request(list, scopeOf(listed.kind)), list, cursor);
    const raws =
      listed === records
        ? page.raws
        : await this.insideOf(
            records,
            page.raws.map(({ raw }) => textOrEmpty(listed.kind.id.of(raw))),
          );
    return { records: await this.parse(raws), cursor: page.next };
  }

  private streamsOf(times: Times): Map<string, Stream> {
    const { changes, kinds } = this.profile;
    if (!changes) return new Map();
    if ('feed' in changes) {
      const parse = (raws: readonly Raw[]) => this.parse(raws);
      return new Map([['changes', new FeedStream(changes.feed, this.api, kinds, parse)]]);
    }
    return new Map(
      [...this.kinds.values()].flatMap((records): [string, Stream][] => {
        const { kind } = records;
        const listed = kind.within ? kinds.get(kind.within.kind) : kind;
        if (!listed?.changed) return [];
        const stream = new SinceStream(
          listed,
          changes.since.lagSeconds * 1000,
          this.api,
          times,
          async (page, since) => {
            if (listed === kind) {
              const raws = rawsIn(kind, page, kind.items.text, page.items, null);
              const all = await this.parse(raws);
              // A list that cannot be asked for what is new tells everything.
              return since === null
                ? all
                : all.filter(({ updatedAt }) => Date.parse(updatedAt) >= since.getTime());
            }
            const parents = page.items.map((item) => textOrEmpty(listed.id.of(item)));
            return this.parse(await this.insideOf(records, parents));
          },
        );
        return [[kind.name, stream]];
      }),
    );
  }

  private bulkWrites(kinds: readonly Kind[]): BulkWrites {
    const bulkOf = (kind: string) => this.kindOf(kind).bulk;
    return {
      most: Math.min(...kinds.flatMap(({ bulk }) => bulk?.most ?? [])),
      canCreate: (kind) => bulkOf(kind)?.create !== undefined,
      create: (kind, items) => this.operate(kind, 'create', items),
      canUpdate: (kind) => bulkOf(kind)?.update !== undefined,
      update: (kind, items) => this.operate(kind, 'update', items),
      settled: async () => undefined,
    };
  }

  private async operate(
    kindName: string,
    op: 'create' | 'update',
    items: readonly (BulkCreate | BulkUpdate)[],
  ): Promise<BulkAnswer[]> {
    const records = this.recordsOf(kindName);
    const { bulk } = records.kind;
    const tree = bulk?.[op];
    if (!bulk || !tree) throw new NeedsHuman(`cannot_${op}`, `the PMS writes no "${kindName}" in bulk`);
    await records.meet(items.map(({ values }) => values));
    // At once: who is not known yet is made known by a call of his own.
    const operations = await Promise.all(
      items.map(async (item): Promise<Json> => {
        const scope = await this.scopeOf(records, item.values, item.backRef);
        const own: Scope =
          'ref' in item
            ? { ...records.scopeOf(item.ref), version: item.version }
            : { key: item.idempotencyKey };
        return fillTree(tree, { ...scope, ...own });
      }),
    );
    const told = await this.api.write(
      this.api.request(bulk.request, { ...scopeOf(records.kind), operations }),
    );
    const results = this.api.itemsOf(told, bulk.results);
    if (results.length !== items.length)
      throw this.api.unexpected(told.call, bulk.results.text, results, `${items.length} results`);
    const answers: (BulkAnswer | null)[] = results.map((result) => {
      const status = Number(bulk.status.of(result));
      return status < 300 ? null : { error: this.api.refusal(told.call, status, result) };
    });
    const done = results.flatMap((result, n) =>
      answers[n] === null ? [{ result, at: `${bulk.results.text}.${n}` }] : [],
    );
    const made = await this.parse(
      done.map(({ result, at }) => ({
        kind: kindName,
        raw: bulk.record.of(result),
        call: told.call,
        at,
        within: null,
      })),
    );
    const next = made.values();
    return answers.map((answer) => {
      if (answer) return answer;
      const { value } = next.next();
      return value ? { record: value } : { error: new Error('a record was lost between answer and parsing') };
    });
  }

  private async scopeOf(records: Records, values: Values, backRef: RefKey | null): Promise<Scope> {
    const fields = await records.toFields(records.marked(values, backRef), backRef);
    return { ...scopeOf(records.kind), fields, backRef };
  }

  private keyed(request: Request, key: string): Request {
    const { idempotency } = this.profile;
    return idempotency
      ? { ...request, headers: { ...request.headers, [idempotency.header.toLowerCase()]: key } }
      : request;
  }

  private async page(
    kind: Kind,
    request: Request,
    template: RequestTemplate,
    cursor: string | null,
  ): Promise<{ raws: Raw[]; next: string | null }> {
    const items = template.items ?? kind.items;
    const page = await readPage(this.api, request, { items, idOf: (item) => kind.id.of(item), cursor });
    return { raws: rawsIn(kind, page, items.text, page.items, null), next: page.next };
  }

  private async list(kind: Kind, request: Request, template: RequestTemplate): Promise<Raw[]> {
    const items = template.items ?? kind.items;
    const told = await this.api.get(request);
    return rawsIn(kind, told, items.text, this.api.itemsOf(told, items), null);
  }

  private rawOf({ name, record }: Kind, { call, body }: Told, within: string | null): Raw {
    return { kind: name, raw: this.api.valueOf(record, body, call), call, at: record.text, within };
  }

  /** Records of any kinds; all that they point to is looked up at once. */
  private async parse(raws: readonly Raw[]): Promise<SyncRecord[]> {
    const wanted = new Map<Directory, string[]>();
    for (const kind of new Set(raws.map((raw) => raw.kind))) {
      const those = raws.filter((raw) => raw.kind === kind);
      for (const [directory, ids] of this.recordsOf(kind).pointsTo(those))
        wanted.set(directory, [...(wanted.get(directory) ?? []), ...ids]);
    }
    const known = new Map<Directory, ReadonlyMap<string, Entry>>();
    for (const [directory, ids] of wanted) known.set(directory, await directory.entries(ids));
    return raws.map((raw) => this.recordsOf(raw.kind).toRecord(raw, known));
  }

  /** @throws RecordGone */
  private async mustRead(ref: RecordRef): Promise<SyncRecord> {
    const [found] = await this.read([ref]);
    if (!found?.record) throw new RecordGone(`${refKey(ref)} is gone`);
    return found.record;
  }

  private kindOf(kind: string): Kind {
    return this.recordsOf(kind).kind;
  }

  private recordsOf(kind: string): Records {
    const records = this.kinds.get(kind);
    if (records) return records;
    const known = [...this.kinds.keys()].join(', ');
    throw new NeedsHuman('unknown_kind', `the PMS has no "${kind}": expected one of ${known}`);
  }

  private sourceOf(stream: string): Stream {
    const source = this.sources.get(stream);
    if (!source) throw new Error(`the PMS has no stream "${stream}"`);
    return source;
  }
}

function scopeOf({ collection }: Kind): Scope {
  return { collection: collection ?? null };
}

function rawsIn(
  { name: kind }: Kind,
  { call }: Told,
  items: string,
  raws: readonly Json[],
  within: string | null,
): Raw[] {
  return raws.map((raw, n) => ({ kind, raw, call, at: `${items}.${n}`, within }));
}

/** A few at a time, all of them. */
async function atOnce<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const some of chunks(items, READ_AT_ONCE)) results.push(...(await Promise.all(some.map(work))));
  return results;
}

function isAlike(found: Json, sought: Json): boolean {
  return !isEmpty(found) && textOf(found).toLowerCase() === textOf(sought).toLowerCase();
}

function textOrEmpty(value: Json): string {
  return value === null ? '' : textOf(value);
}

function dataTypeOf(types: Readonly<Record<string, string>>, type: Json): DataType | null {
  const name = type === null ? '' : textOf(type);
  const found = types[name] ?? name;
  // A newer PMS may have types that no mapping can carry yet.
  return DATA_TYPES.find((each) => each === found) ?? null;
}
