import { textOf } from '../../sync/values';
import type { Json, RecordRef, RefKey, SyncRecord, Values } from '../../sync/record';
import type { AdapterConnection, PmsAdapter } from '../pmsAdapter';
import { FILE_LIMIT_BYTES } from '../fileRules';
import { HttpClient, TIMEOUT_MS } from '../http';
import { withoutSlashes } from '../route';
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
import { Api } from './profileApi';
import { credentialOf } from './profileAuth';
import { ProfileBulk } from './profileBulk';
import { Directory } from './directory';
import { readyKind } from './kindSchema';
import { ProfileFiles } from './profileFiles';
import { ProfileLookUps } from './profileLookUps';
import { profileProperties } from './profileProperties';
import { ProfileReads } from './profileReads';
import { Records } from './profileRecords';
import type { Profile } from './profileSchema';
import { streamsOf, type Stream } from './profileStreams';
import { ProfileWrites } from './profileWrites';
import { rateRules } from './rate';
import { profileWebhooks } from './profileWebhooks';

/** Implements the port for any PMS that a profile describes; this code knows no particular PMS. */

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

/** Delegates the port's methods to one class per capability: reads, look-ups, writes, files, bulk writes, streams. */
export class ProfileSystem implements SystemPort {
  readonly side = 'pms';
  readonly exactOrder: boolean;
  readonly lateMs: number;
  readonly streams: readonly string[];
  readonly follows: Readonly<Partial<Record<string, string>>>;
  readonly histories: readonly string[];
  readonly bulk?: ProfileBulk;
  private readonly profile: Profile;
  private readonly api: Api;
  private readonly reads: ProfileReads;
  private readonly lookUps: ProfileLookUps;
  private readonly writes: ProfileWrites;
  private readonly files: ProfileFiles;
  private readonly sources: ReadonlyMap<string, Stream>;
  private readonly user: string | null;
  private own: string | null = null;

  constructor(connection: PmsConnection) {
    const { profile, fileLimitBytes } = connection;
    this.profile = profile;
    this.lateMs = connection.timeoutMs ?? TIMEOUT_MS;
    this.user = connection.user ?? null;
    this.api = apiOf(connection);
    const directories = new Map(
      Object.entries(profile.directories).map(([name, each]) => [name, new Directory(each, this.api)]),
    );
    const kinds = [...profile.kinds.values()].map((kind) => readyKind(kind, profile));
    this.reads = new ProfileReads(
      this.api,
      new Map(kinds.map((kind) => [kind.name, new Records(kind, this.api, directories)])),
    );
    this.lookUps = new ProfileLookUps(this.reads);
    this.writes = new ProfileWrites(this.reads, this.lookUps);
    this.files = new ProfileFiles(this.reads, this.writes, fileLimitBytes ?? FILE_LIMIT_BYTES);
    this.exactOrder = kinds.every(({ counted }) => counted === true);
    this.histories = kinds.filter(({ within }) => within).map(({ name }) => name);
    this.sources = streamsOf(this.reads);
    this.streams = [...this.sources.keys()];
    this.follows = Object.fromEntries(
      kinds.flatMap(({ name, within }) => (within && this.sources.has(name) ? [[name, within.kind]] : [])),
    );
    if (kinds.some(({ bulk }) => bulk)) this.bulk = new ProfileBulk(kinds, this.reads, this.writes);
  }

  uniqueBackRef(kind: string): boolean {
    const { backRef } = this.reads.kindOf(kind);
    return backRef !== undefined && 'at' in backRef && backRef.unique === true;
  }

  hasIdempotencyKeys(kind: string): boolean {
    return this.reads.kindOf(kind).idempotency !== undefined;
  }

  hasPrecondition(kind: string): boolean {
    return this.reads.kindOf(kind).precondition !== undefined;
  }

  properties(kind: string): Promise<PropertyInfo[]> {
    return profileProperties(this.api, this.reads.recordsOf(kind));
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
    const answer = await this.api.fixed(this.api.request(request, { user: this.user }));
    const [ownId, displayName] = [id, name].map((each) => {
      const value = this.api.valueOf(each, answer.body, answer.call);
      if (value === null) throw this.api.unexpected(answer.call, each.text, value, 'a value');
      return textOf(value);
    }) as [string, string];
    return { id: ownId, name: displayName };
  }

  read(refs: RecordRef[]): Promise<ReadResult[]> {
    return this.reads.read(refs);
  }

  findByBackRef(kind: string, backRef: RefKey, near: Values): Promise<SyncRecord[]> {
    return this.lookUps.findByBackRef(kind, backRef, near);
  }

  canFind(kind: string, property: string): boolean {
    return this.reads.kindOf(kind).find[property] !== undefined;
  }

  findByProperty(kind: string, property: string, value: Json): Promise<SyncRecord[]> {
    return this.lookUps.findByProperty(kind, property, value);
  }

  /** @param options `backRef` is null for a record that a check creates like a person, not like the sync */
  create(
    kind: string,
    values: Values,
    options: Omit<CreateOptions, 'backRef'> & { backRef: RefKey | null },
  ): Promise<SyncRecord> {
    return this.writes.create(kind, values, options);
  }

  update(ref: RecordRef, changes: Values, options: UpdateOptions): Promise<Updated> {
    return this.writes.update(ref, changes, options);
  }

  archive(ref: RecordRef, options: { version: string }): Promise<SyncRecord> {
    return this.writes.archive(ref, options);
  }

  redact(ref: RecordRef, options: { version: string }): Promise<SyncRecord> {
    return this.writes.redact(ref, options);
  }

  /** Removes a record for good; a missing record is no error. Only checks call this, never the sync. */
  remove(ref: RecordRef): Promise<void> {
    return this.writes.remove(ref);
  }

  /** Whether {@link remove} supports a kind. */
  canRemove(kind: string): boolean {
    return this.writes.canRemove(kind);
  }

  followUp(ref: RecordRef, values: Values, options: CreateOptions): Promise<SyncRecord> {
    return this.writes.followUp(ref, values, options);
  }

  /** Whether files can be added to records of a kind. */
  keepsFiles(kind: string): boolean {
    return this.reads.kindOf(kind).files !== undefined;
  }

  /** Whether a change stream reports edits of records of a kind. */
  tellsEdits(kind: string): boolean {
    return this.reads.kindOf(kind).silentEdits !== true;
  }

  /** The property that holds the containing record's id; null for kinds that are not inside others. */
  within(kind: string): string | null {
    return this.reads.kindOf(kind).within?.property ?? null;
  }

  /** Whether a property accepts an e-mail address. Creates the person if the profile allows it. */
  knows(kind: string, property: string, email: string): Promise<boolean> {
    return this.reads.recordsOf(kind).knows(property, email);
  }

  openFile(ref: RecordRef, id: string): Promise<OpenFile> {
    return this.files.open(ref, id);
  }

  attach(
    ref: RecordRef,
    open: () => Promise<OpenFile>,
    options: AttachOptions,
  ): Promise<{ id: string; record: SyncRecord }> {
    return this.files.attach(ref, open, options);
  }

  detach(ref: RecordRef, id: string): Promise<SyncRecord> {
    return this.files.detach(ref, id);
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

  walk(kind: string, cursor: string | null): Promise<WalkPage> {
    return this.reads.walk(kind, cursor);
  }

  private sourceOf(stream: string): Stream {
    const source = this.sources.get(stream);
    if (!source) throw new Error(`the PMS has no stream "${stream}"`);
    return source;
  }
}

function apiOf(connection: PmsConnection): Api {
  const { profile, baseUrl, token, readToken, user, readRefreshToken, timeoutMs, onCall, budget } =
    connection;
  const common = {
    side: 'pms' as const,
    name: profile.name,
    baseUrl,
    headers: profile.headers,
    credential: user === undefined ? 'PMS_TOKEN' : 'PMS_USER, PMS_TOKEN',
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(onCall && { onCall }),
  };
  const auth = credentialOf(profile.auth, { token, readToken, readRefreshToken, user: user ?? null }, common);
  const rate = budget && { rules: rateRules(profile), budget };
  const prefix = withoutSlashes(new URL(baseUrl).pathname);
  return new Api(profile, new HttpClient({ ...common, auth, ...(rate && { rate }) }), prefix);
}
