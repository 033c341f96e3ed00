import { z } from 'zod';
import {
  BasicSystem,
  HttpClient,
  NeedsHuman,
  PreconditionFailed,
  RecordGone,
  refKey,
  tryParseRef,
  type AdapterConnection,
  type CreateOptions,
  type Json,
  type PmsAdapter,
  type PropertyInfo,
  type ReadResult,
  type RecordRef,
  type RefKey,
  type SyncRecord,
  type UpdateOptions,
  type Updated,
  type Values,
  type WalkPage,
} from 'zendesk-pms-sync/adapter';

/**
 * An adapter in one file, for a system that no profile can describe: every call is a POST to /rpc, and every answer is
 * 200, refusals included. It offers the least with which a PMS can be synced, and versions.
 */

/** Properties of each kind. */
const KINDS: Record<string, readonly string[]> = {
  client: ['name'],
  job: ['title', 'text'],
  remark: ['job', 'text'],
};
const PER_PAGE = 100;

const rowSchema = z.object({
  id: z.number(),
  revision: z.number(),
  made: z.string(),
  changed: z.string(),
  closed: z.boolean(),
  /** Free for whoever integrates: our back-reference. */
  tag: z.string().nullable(),
  data: z.record(z.string(), z.json()),
});
type Row = z.output<typeof rowSchema>;
const answerSchema = z.union([
  z.object({ result: z.json() }),
  z.object({ error: z.object({ code: z.enum(['gone', 'moved', 'refused']), words: z.string() }) }),
]);

class RpcSystem extends BasicSystem {
  private readonly http: HttpClient;

  constructor({ baseUrl, token, timeoutMs, onCall, budget }: AdapterConnection) {
    super();
    this.http = new HttpClient({
      side: 'pms',
      name: adapter.name,
      baseUrl,
      headers: { authorization: `Bearer ${token}` },
      credential: 'PMS_TOKEN',
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(onCall && { onCall }),
      ...(budget && adapter.rate && { rate: { rules: adapter.rate, budget } }),
    });
  }

  /** `revision` grows with every change. */
  override readonly exactOrder = true;

  /** `change` and `close` take the revision that they are based on. */
  override hasPrecondition(): boolean {
    return true;
  }

  async properties(kind: string): Promise<PropertyInfo[]> {
    return propertiesOf(kind).map((name) => ({ name, aliases: [], writable: true }));
  }

  async whoAmI(): Promise<string> {
    return this.call('whoAmI', {}, z.string());
  }

  async read(refs: RecordRef[]): Promise<ReadResult[]> {
    const found = new Map<RefKey, SyncRecord>();
    for (const kind of new Set(refs.map((ref) => ref.kind))) {
      const ids = refs.filter((ref) => ref.kind === kind).map(({ id }) => Number(id));
      for (const row of await this.call('get', { kind, ids }, z.array(rowSchema))) {
        const record = toRecord(kind, row);
        found.set(refKey(record.ref), record);
      }
    }
    return refs.map((ref) => ({ ref, record: found.get(refKey(ref)) ?? null }));
  }

  async walk(kind: string, cursor: string | null): Promise<WalkPage> {
    const after = Number(cursor ?? 0);
    const rows = await this.call('list', { kind, after, count: PER_PAGE }, z.array(rowSchema));
    const last = rows.length < PER_PAGE ? null : rows.at(-1);
    return { records: rows.map((row) => toRecord(kind, row)), cursor: last ? String(last.id) : null };
  }

  async findByBackRef(kind: string, backRef: RefKey): Promise<SyncRecord[]> {
    const rows = await this.call('tagged', { kind, tag: backRef }, z.array(rowSchema));
    return rows.map((row) => toRecord(kind, row));
  }

  override canFind(kind: string, property: string): boolean {
    return kind === 'client' && property === 'name';
  }

  override async findByProperty(kind: string, property: string, value: Json): Promise<SyncRecord[]> {
    if (!this.canFind(kind, property)) return super.findByProperty(kind, property, value);
    const rows = await this.call('named', { kind, name: value }, z.array(rowSchema));
    return rows.filter(({ closed }) => !closed).map((row) => toRecord(kind, row));
  }

  async create(kind: string, data: Values, { backRef }: CreateOptions): Promise<SyncRecord> {
    return toRecord(kind, await this.call('add', { kind, data, tag: backRef }, rowSchema));
  }

  async update({ kind, id }: RecordRef, data: Values, { version, backRef }: UpdateOptions): Promise<Updated> {
    const params = { kind, id: Number(id), data, revision: Number(version) };
    const row = await this.call('change', backRef === null ? params : { ...params, tag: backRef }, rowSchema);
    return { record: toRecord(kind, row), replaced: {} };
  }

  override async archive({ kind, id }: RecordRef, { version }: { version: string }): Promise<SyncRecord> {
    const params = { kind, id: Number(id), revision: Number(version) };
    return toRecord(kind, await this.call('close', params, rowSchema));
  }

  /** @throws what a refusal means, in the three kinds that the sync knows */
  private async call<T>(method: string, params: Record<string, Json>, result: z.ZodType<T>): Promise<T> {
    const request = { method: 'POST', path: '/rpc', body: { method, params } } as const;
    const answer = this.http.parse(answerSchema, request, (await this.http.send(request)).body);
    if ('result' in answer) return this.http.parse(result, request, answer.result);
    const { code, words } = answer.error;
    if (code === 'gone') throw new RecordGone(words);
    if (code === 'moved') throw new PreconditionFailed(words);
    throw new NeedsHuman('invalid_field', words);
  }
}

function propertiesOf(kind: string): readonly string[] {
  const names = KINDS[kind];
  if (!names)
    throw new NeedsHuman('unknown_kind', `there is no "${kind}": expected ${Object.keys(KINDS).join(', ')}`);
  return names;
}

function toRecord(kind: string, { id, revision, made, changed, closed, tag, data }: Row): SyncRecord {
  const ours = tryParseRef(tag)?.side === 'zendesk';
  const job = data['job'];
  return {
    ref: { side: 'pms', kind, id: String(id) },
    version: String(revision),
    order: revision,
    createdAt: made,
    updatedAt: changed,
    state: closed ? 'archived' : 'live',
    // What is not there is empty: the sync asks for every property.
    values: Object.fromEntries(propertiesOf(kind).map((name) => [name, data[name] ?? null])),
    backRef: ours ? tag : null,
    foreignBackRef: tag !== null && !ours,
    skip: null,
    ...(typeof job === 'string' && { parent: refKey({ side: 'pms', kind: 'job', id: job }) }),
  };
}

export const adapter: PmsAdapter = {
  name: 'RPC example',
  connect: (connection) => new RpcSystem(connection),
};
