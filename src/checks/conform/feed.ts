import { refKey } from '../../sync/canonicalKey';
import type { RefKey, SyncRecord } from '../../sync/record';
import type { Probe } from './probe';
import type { Evidence } from './evidence';

/** Reads the change streams along with all that the kit does, as the sync's polls do. */
export class FeedReader {
  /** The last entry of each of our records. */
  private readonly told = new Map<RefKey, SyncRecord>();
  private readonly begin = new Map<string, string | null>();
  private readonly cursors = new Map<string, string | null>();
  private readonly startedAt = new Date();

  private constructor(private readonly probe: Probe) {}

  static async from(probe: Probe): Promise<FeedReader> {
    const reader = new FeedReader(probe);
    for (const stream of probe.port.streams) {
      const cursor = await probe.call(() => probe.port.cursorNow(stream));
      reader.begin.set(stream, cursor);
      reader.cursors.set(stream, cursor);
    }
    return reader;
  }

  get isOffered(): boolean {
    return this.cursors.size > 0;
  }

  /** Reads each stream from where it stood to its present end. */
  async readOn(): Promise<void> {
    for (const [stream, cursor] of this.cursors)
      this.cursors.set(stream, await this.readFrom(stream, cursor, this.told));
  }

  /** Entries that contain a text in any place: follow-ups. */
  telling(text: string): SyncRecord[] {
    return [...this.told.values()].filter(({ values }) => JSON.stringify(values).includes(text));
  }

  /** Reads on until every change was reported or the time is over; then again, from the beginning and from a time. */
  async settle(): Promise<Settled> {
    const records = [...this.probe.made.values()];
    const untold = (told: ReadonlyMap<RefKey, SyncRecord>) =>
      records.filter((record) => !isTold(record, told));
    const seconds = await this.probe.until(async () => {
      await this.readOn();
      return untold(this.told).length === 0;
    });
    const again = new Map<RefKey, SyncRecord>();
    for (const [stream, cursor] of this.begin) await this.readFrom(stream, cursor, again);
    const since = new Map<RefKey, SyncRecord>();
    for (const stream of this.begin.keys()) {
      const cursor = await this.probe.call(() => this.probe.port.cursorAt(stream, this.startedAt));
      await this.readFrom(stream, cursor, since);
    }
    return { seconds: seconds ?? 0, along: this.told, again, since };
  }

  private async readFrom(
    stream: string,
    from: string | null,
    told: Map<RefKey, SyncRecord>,
  ): Promise<string | null> {
    const { probe } = this;
    for (let cursor = from; ;) {
      const at: string | null = cursor;
      const page = await probe.call(() => probe.port.changes(stream, at));
      for (const record of page.records) {
        if (!probe.isOurs(record)) continue;
        told.set(refKey(record.ref), record);
        probe.keep(record);
      }
      cursor = page.cursor;
      if (!page.more) return cursor;
    }
  }
}

/** All entries on our records: read along, read again from the beginning, and read from a time on. */
export interface Settled {
  seconds: number;
  along: ReadonlyMap<RefKey, SyncRecord>;
  again: ReadonlyMap<RefKey, SyncRecord>;
  since: ReadonlyMap<RefKey, SyncRecord>;
}

/** What a kind's records show of the feed. */
export function feedEvidence(
  reader: FeedReader,
  { along, again, since, seconds }: Settled,
  made: readonly SyncRecord[],
  kind: string,
): Pick<Evidence, 'feed' | 'feedOrder' | 'feedSince'> {
  const records = made.filter(({ ref }) => ref.kind === kind);
  const names = (some: readonly SyncRecord[]) => some.map(({ ref }) => refKey(ref));
  const told = records.filter(({ ref }) => again.has(refKey(ref)));
  const latest = told.filter((record) => isTold(record, again));
  const offered = reader.isOffered;
  return {
    feed: {
      offered,
      tellsOthers: [...again.values()].some(({ ref }) => ref.kind !== kind),
      records: records.length,
      missing: names(records.filter((record) => !told.includes(record))),
      passedOver: names(latest.filter((record) => !isTold(record, along))),
      seconds,
    },
    feedOrder: {
      offered,
      records: told.length,
      stale: names(told.filter((record) => !latest.includes(record))),
    },
    feedSince: {
      offered,
      records: latest.length,
      missing: names(latest.filter((record) => !isTold(record, since))),
    },
  };
}

function isTold({ ref, order }: SyncRecord, told: ReadonlyMap<RefKey, SyncRecord>): boolean {
  return (told.get(refKey(ref))?.order ?? -Infinity) >= order;
}
