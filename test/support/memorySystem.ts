import { refKey } from '../../src/sync/canonicalKey';
import type { Json, RecordRef, RefKey, Side, SyncRecord, Values } from '../../src/sync/record';
import { textOf } from '../../src/sync/values';
import { AlreadyExists, PreconditionFailed, RecordGone, RetryLater } from '../../src/systems/errors';
import type { BulkAnswer, BulkWrites } from '../../src/systems/bulkWrites';
import type {
  ChangePage,
  CreateOptions,
  OpenFile,
  PropertyInfo,
  ReadResult,
  SystemPort,
  UpdateOptions,
  Updated,
  WalkPage,
} from '../../src/systems/port';

/**
 * A system in memory behind the port. It replaces a sandbox in tests that need a fault between two particular
 * instructions; all other tests use HTTP.
 */
export class MemorySystem implements SystemPort {
  /** Each edit adds one. */
  readonly exactOrder = true;
  readonly records = new Map<RefKey, SyncRecord>();
  readonly calls: string[] = [];
  lateMs = 0;
  readonly streams = ['changes'] as const;
  readonly follows = {};
  readonly histories = [];
  /** Called before and after a call is carried out; may throw. */
  fault: (when: 'before' | 'after', call: string) => void = () => undefined;
  /** Different for each instance, because ids are part of workflow ids, and test files share a Temporal server. */
  private next = Math.floor(Math.random() * 2 ** 40);
  private readonly log: RefKey[] = [];

  constructor(
    readonly side: Side,
    private readonly unique: boolean,
    /** Properties whose values are unique within a kind. */
    readonly uniqueProperties: string[] = [],
  ) {}

  uniqueBackRef(): boolean {
    return this.unique;
  }

  hasIdempotencyKeys(): boolean {
    return false;
  }

  hasPrecondition(): boolean {
    return true;
  }

  async properties(): Promise<PropertyInfo[]> {
    return [];
  }

  async whoAmI(): Promise<string> {
    return 'memory';
  }

  async ownId(): Promise<string> {
    return 'memory';
  }

  /** Takes over the records of another system. */
  restore(records: SyncRecord[]): void {
    for (const record of records) this.put(record);
  }

  /** Creates a record as a person. */
  add(kind: string, values: Values, over: Partial<SyncRecord> = {}): SyncRecord {
    const id = String(this.next);
    const at = new Date(Date.UTC(2024, 0, 1) + (this.next % 1000) * 1000).toISOString();
    this.next += 1;
    const ref: RecordRef = { side: this.side, kind, id };
    return this.put({
      ref,
      version: '1',
      order: 1,
      createdAt: at,
      updatedAt: at,
      state: 'live',
      values,
      backRef: null,
      foreignBackRef: false,
      skip: null,
      ...over,
    });
  }

  /** Edits a record as a person. */
  edit(ref: RecordRef, values: Values, over: Partial<SyncRecord> = {}): SyncRecord {
    const before = this.records.get(refKey(ref));
    if (!before) throw new Error(`${refKey(ref)} does not exist`);
    const order = before.order + 1;
    return this.put({
      ...before,
      values: { ...before.values, ...values },
      order,
      version: String(order),
      updatedAt: new Date().toISOString(),
      ...over,
    });
  }

  all(kind: string): SyncRecord[] {
    return [...this.records.values()].filter((record) => record.ref.kind === kind);
  }

  async read(refs: RecordRef[]): Promise<ReadResult[]> {
    return this.call('read', () =>
      refs.map((ref) => ({ ref, record: this.records.get(refKey(ref)) ?? null })),
    );
  }

  async findByBackRef(kind: string, backRef: RefKey): Promise<SyncRecord[]> {
    return this.call('findByBackRef', () => this.all(kind).filter((record) => record.backRef === backRef));
  }

  canFind(): boolean {
    return true;
  }

  async findByProperty(kind: string, property: string, value: Json): Promise<SyncRecord[]> {
    const same = (other: Json | undefined) =>
      textOf(other ?? null).toLowerCase() === textOf(value).toLowerCase();
    return this.call('findByProperty', () =>
      this.all(kind).filter((record) => record.state === 'live' && same(record.values[property])),
    );
  }

  async create(kind: string, values: Values, { backRef }: CreateOptions): Promise<SyncRecord> {
    return this.call('create', () => {
      if (this.unique && this.all(kind).some((record) => record.backRef === backRef)) {
        throw new AlreadyExists(`${backRef} exists`, 'backRef');
      }
      for (const property of this.uniqueProperties) {
        const value = values[property];
        if (value !== undefined && this.all(kind).some((record) => record.values[property] === value)) {
          throw new AlreadyExists(`${property} is taken`, property);
        }
      }
      return this.add(kind, values, { backRef });
    });
  }

  readonly bulk: BulkWrites = {
    most: 10,
    canCreate: () => true,
    create: (kind, items) => this.each(items, ({ values, ...options }) => this.create(kind, values, options)),
    canUpdate: () => true,
    update: (_kind, items) =>
      this.each(
        items,
        async ({ ref, values, ...options }) => (await this.update(ref, values, options)).record,
      ),
    settled: async () => undefined,
  };

  private async each<T>(items: readonly T[], work: (item: T) => Promise<SyncRecord>): Promise<BulkAnswer[]> {
    const answers: BulkAnswer[] = [];
    for (const item of items) {
      try {
        answers.push({ record: await work(item) });
      } catch (error) {
        // A lost answer concerns the call as a whole.
        if (!(error instanceof Error) || error instanceof RetryLater) throw error;
        answers.push({ error });
      }
    }
    return answers;
  }

  async update(ref: RecordRef, changes: Values, { version, backRef }: UpdateOptions): Promise<Updated> {
    return this.call('update', () => {
      const before = this.records.get(refKey(ref));
      if (!before) throw new RecordGone(`${refKey(ref)} is gone`);
      if (before.version !== version) throw new PreconditionFailed(`${refKey(ref)} is at ${before.version}`);
      return { record: this.edit(ref, changes, backRef === null ? {} : { backRef }), replaced: {} };
    });
  }

  async followUp(ref: RecordRef, values: Values, { idempotencyKey }: CreateOptions): Promise<SyncRecord> {
    return this.call('followUp', () => {
      const before = this.records.get(refKey(ref));
      if (!before) throw new RecordGone(`${refKey(ref)} is gone`);
      if (!this.all('followUp').some((record) => record.values['key'] === idempotencyKey)) {
        this.add('followUp', { ...values, key: idempotencyKey }, { skip: 'follow-up' });
      }
      return before;
    });
  }

  async archive(ref: RecordRef, { version }: { version: string }): Promise<SyncRecord> {
    return this.call('archive', () => {
      const before = this.records.get(refKey(ref));
      if (before?.version !== version) throw new PreconditionFailed(`${refKey(ref)} moved on`);
      return this.edit(ref, {}, { state: 'archived' });
    });
  }

  async redact(ref: RecordRef, { version }: { version: string }): Promise<SyncRecord> {
    return this.call('redact', () => {
      const before = this.records.get(refKey(ref));
      if (before?.version !== version) throw new PreconditionFailed(`${refKey(ref)} moved on`);
      return this.edit(ref, {}, { state: 'redacted' });
    });
  }

  async openFile(): Promise<OpenFile> {
    throw new Error('a system in memory has no files');
  }

  async attach(): Promise<{ id: string; record: null }> {
    throw new Error('a system in memory has no files');
  }

  async detach(): Promise<null> {
    throw new Error('a system in memory has no files');
  }

  async changes(_stream: string, cursor: string | null): Promise<ChangePage> {
    return this.call('changes', () => {
      const from = Number(cursor ?? 0);
      const refs = [...new Set(this.log.slice(from, from + 100))];
      const records = refs.flatMap((ref) => this.records.get(ref) ?? []);
      const to = Math.min(from + 100, this.log.length);
      return { records, gone: [], cursor: String(to), more: to < this.log.length };
    });
  }

  async cursorAt(): Promise<null> {
    return null;
  }

  async cursorNow(): Promise<string> {
    return String(this.log.length);
  }

  async walk(kind: string, cursor: string | null): Promise<WalkPage> {
    return this.call('walk', () => {
      const from = Number(cursor ?? 0);
      const all = this.all(kind);
      return {
        records: all.slice(from, from + 10),
        cursor: from + 10 < all.length ? String(from + 10) : null,
      };
    });
  }

  private put(record: SyncRecord): SyncRecord {
    this.records.set(refKey(record.ref), record);
    this.log.push(refKey(record.ref));
    return record;
  }

  private async call<T>(name: string, work: () => T): Promise<T> {
    this.calls.push(name);
    this.fault('before', name);
    const result = work();
    this.fault('after', name);
    return structuredClone(result);
  }
}

/** The error of a call whose answer was lost. */
export function lostAnswer(): RetryLater {
  return new RetryLater('timed out', { retryAfterMs: 10, unknownOutcome: true });
}
