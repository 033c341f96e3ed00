import { setTimeout as sleep } from 'node:timers/promises';
import { parseRef, refKey } from '../../sync/canonicalKey';
import type { RecordRef, RefKey, SyncRecord, Values } from '../../sync/record';
import { chunks } from '../../systems/chunks';
import { NeedsHuman, PreconditionFailed, RecordGone, RetryLater } from '../../systems/errors';
import type { SystemPort } from '../../systems/port';
import { patiently } from '../verify/publicApi';
import type { Patience } from '../verify/watch';
import type { Subject } from './subjects';

const READ_AT_ONCE = 100;
const WRITES_AT_ONCE = 4;

/** How the records that the checks made were removed. */
export interface Cleanup {
  made: number;
  removed: number;
  archived: number;
  /** Records that still exist, with the reason. */
  leftBehind: string[];
}

/** Removes records for good. The port has no such method. */
export interface Removal {
  can(kind: string): boolean;
  /** A missing record is no error. */
  remove(ref: RecordRef): Promise<void>;
}

/** The port as the checks use it: waits when the rate limit is reached, and remembers the records that it made. */
export class Probe {
  /** All created records, as the system last returned them. */
  readonly made = new Map<RefKey, SyncRecord>();
  /** The creates that were sent. If an answer was lost, the clean-up finds the record by its back-reference. */
  private readonly sent: { kind: string; backRef: RefKey; values: Values }[] = [];
  private number = 0;

  constructor(
    readonly port: SystemPort,
    /** Part of every text and back-reference that the checks write. */
    readonly tag: string,
    readonly patience: Patience,
    private readonly cleaning: {
      removal?: Removal;
      onRecord?: (made: number, removed: number) => void;
    } = {},
  ) {}

  /** A text that no other record contains. */
  words(): string {
    return `${this.tag} ${(this.number += 1)}`;
  }

  /** A new back-reference. */
  backRef(subject: Subject): RefKey {
    return subject.backRef(`${this.tag}-${(this.number += 1)}`);
  }

  /** One call, repeated if the rate limit is reached. @throws the port's error; the signal's reason after a stop */
  async call<T>(work: () => Promise<T>): Promise<T> {
    this.patience.signal.throwIfAborted();
    return patiently(work);
  }

  async create(
    subject: Subject,
    {
      values = subject.values(this.words()),
      backRef = this.backRef(subject),
      key = backRef,
    }: { values?: Values; backRef?: RefKey; key?: string } = {},
  ): Promise<SyncRecord> {
    this.sent.push({ kind: subject.kind, backRef, values });
    const made = await this.call(() =>
      this.port.create(subject.kind, values, { idempotencyKey: key, backRef }),
    );
    return this.keep(made);
  }

  /** Creates many records, in bulk if the system supports it. */
  async createMany(subject: Subject, count: number): Promise<SyncRecord[]> {
    const { bulk } = this.port;
    if (!bulk?.canCreate(subject.kind))
      return this.each([...Array(count).keys()], () => this.create(subject));
    const items = [...Array(count).keys()].map(() => {
      const backRef = this.backRef(subject);
      return { values: subject.values(this.words()), idempotencyKey: backRef, backRef };
    });
    for (const { backRef, values } of items) this.sent.push({ kind: subject.kind, backRef, values });
    const made: SyncRecord[] = [];
    for (const some of chunks(items, bulk.most)) {
      for (const answer of await this.call(() => bulk.create(subject.kind, some))) {
        if ('error' in answer) throw answer.error;
        made.push(this.keep(answer.record));
      }
    }
    return made;
  }

  /** @param version the version that the change is based on; the latest by default */
  async update(
    { ref }: SyncRecord,
    changes: Values,
    {
      version = this.latest(ref).version,
      backRef = null,
    }: { version?: string; backRef?: RefKey | null } = {},
  ): Promise<SyncRecord> {
    if (backRef !== null) this.sent.push({ kind: ref.kind, backRef, values: {} });
    return this.keep((await this.call(() => this.port.update(ref, changes, { version, backRef }))).record);
  }

  async archive({ ref }: SyncRecord, version = this.latest(ref).version): Promise<SyncRecord> {
    return this.keep(await this.call(() => this.port.archive(ref, { version })));
  }

  async read({ ref }: Pick<SyncRecord, 'ref'>): Promise<SyncRecord | null> {
    const [found] = await this.call(() => this.port.read([ref]));
    return found?.record ?? null;
  }

  /** Whether the checks made a record. The tag recognizes follow-ups, as their creation returns no reference. */
  isOurs({ ref, values }: SyncRecord): boolean {
    return this.made.has(refKey(ref)) || JSON.stringify(values).includes(this.tag);
  }

  /** Remembers the latest state of a record that the checks made. */
  keep(record: SyncRecord): SyncRecord {
    const known = this.made.get(refKey(record.ref));
    if (!known || known.order <= record.order) this.made.set(refKey(record.ref), record);
    if (!known) this.cleaning.onRecord?.(this.made.size, 0);
    return record;
  }

  latest(ref: RecordRef): SyncRecord {
    const known = this.made.get(refKey(ref));
    if (!known) throw new Error(`${refKey(ref)} is none of ours`);
    return known;
  }

  /** Processes all items, a few at a time. */
  async each<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
    const results: R[] = [];
    for (const some of chunks([...items], WRITES_AT_ONCE))
      results.push(...(await Promise.all(some.map(work))));
    return results;
  }

  /** Polls a condition until it is true. @returns the seconds that it took; null after the timeout */
  async until(isSo: () => Promise<boolean>): Promise<number | null> {
    const started = Date.now();
    const { timeoutMs, lookMs, signal } = this.patience;
    for (;;) {
      if (await isSo()) return (Date.now() - started) / 1000;
      if (Date.now() - started >= timeoutMs) return null;
      await sleep(lookMs, undefined, { signal });
    }
  }

  /** Removes all records that the checks made, latest first, or archives them. Runs also after a stop. */
  async remove(): Promise<Cleanup> {
    const leftBehind: string[] = [];
    for (const { kind, backRef, values } of this.sent) {
      if ([...this.made.values()].some((record) => record.backRef === backRef)) continue;
      const attempt = patiently(() => this.port.findByBackRef(kind, backRef, values));
      for (const record of await attempt.catch(() => [])) if (record.backRef === backRef) this.keep(record);
    }
    const refs = [...this.made.keys()].reverse().map(parseRef);
    const counts = { removed: 0, archived: 0 };
    for (const some of chunks(refs, READ_AT_ONCE)) {
      await this.each(await this.stateOf(some), async ({ ref, record }) => {
        const end = await this.end(ref, record);
        if (end === 'removed' || end === 'archived') counts[end] += 1;
        else leftBehind.push(`${refKey(ref)}: ${end.why}`);
        this.cleaning.onRecord?.(refs.length, counts.removed + counts.archived);
      });
    }
    return { made: refs.length, ...counts, leftBehind };
  }

  private async stateOf(refs: RecordRef[]): Promise<{ ref: RecordRef; record: SyncRecord | null }[]> {
    try {
      return await patiently(() => this.port.read(refs));
    } catch (error) {
      if (!(error instanceof RetryLater) && !(error instanceof NeedsHuman)) throw error;
      return refs.map((ref) => ({ ref, record: this.latest(ref) }));
    }
  }

  /** Removes or archives one record. @returns `why` if the record still exists */
  private async end(
    ref: RecordRef,
    record: SyncRecord | null,
  ): Promise<'removed' | 'archived' | { why: string }> {
    const { removal } = this.cleaning;
    if (!record) return 'removed';
    const why = removal?.can(ref.kind) ? await this.attempt(() => removal.remove(ref)) : null;
    if (removal?.can(ref.kind) && why === null) {
      const [after] = await this.stateOf([ref]);
      if (!after?.record || after.record.state === 'deleted') return 'removed';
      return { why: 'removed without effect' };
    }
    if (record.state === 'archived' || record.state === 'deleted') return 'archived';
    let state: SyncRecord['state'] = record.state;
    const refused = await this.attempt(async () => {
      state = (await this.port.archive(ref, record)).state;
    });
    if (refused === null && state !== 'live') return 'archived';
    return { why: why ?? refused ?? 'archived without effect' };
  }

  /** @returns the refusal as text; null if the work succeeded or the record does not exist */
  private async attempt(work: () => Promise<void>): Promise<string | null> {
    try {
      await patiently(work);
      return null;
    } catch (error) {
      if (error instanceof RecordGone) return null;
      if (error instanceof PreconditionFailed || error instanceof RetryLater || error instanceof NeedsHuman)
        return error.message;
      throw error;
    }
  }
}
