import { refKey } from '../../sync/canonicalKey';
import type { RefKey, SyncRecord } from '../../sync/record';
import type { Probe } from './probe';
import type { Evidence } from './evidence';

/** Polls the change streams while the checks run, like the sync does. */
export class FeedReader {
  /** The last reported state of each record that the checks made. */
  private readonly reported = new Map<RefKey, SyncRecord>();
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

  /** Reads each stream from the last cursor to its present end. */
  async readOn(): Promise<void> {
    for (const [stream, cursor] of this.cursors)
      this.cursors.set(stream, await this.readFrom(stream, cursor, this.reported));
  }

  /** The reported records that contain a text in any property: finds follow-ups. */
  containing(text: string): SyncRecord[] {
    return [...this.reported.values()].filter(({ values }) => JSON.stringify(values).includes(text));
  }

  /** Polls until every change is reported or the time is over. Then reads again, from the beginning and from a time. */
  async settle(): Promise<Settled> {
    const records = [...this.probe.made.values()];
    const seconds = await this.probe.until(async () => {
      await this.readOn();
      return records.every((record) => isReported(record, this.reported));
    });
    const again = new Map<RefKey, SyncRecord>();
    for (const [stream, cursor] of this.begin) await this.readFrom(stream, cursor, again);
    const since = new Map<RefKey, SyncRecord>();
    for (const stream of this.begin.keys()) {
      const cursor = await this.probe.call(() => this.probe.port.cursorAt(stream, this.startedAt));
      await this.readFrom(stream, cursor, since);
    }
    return { seconds: seconds ?? 0, along: this.reported, again, since };
  }

  private async readFrom(
    stream: string,
    from: string | null,
    reported: Map<RefKey, SyncRecord>,
  ): Promise<string | null> {
    const { probe } = this;
    for (let cursor = from; ;) {
      const at: string | null = cursor;
      const page = await probe.call(() => probe.port.changes(stream, at));
      for (const record of page.records) {
        if (!probe.isOurs(record)) continue;
        reported.set(refKey(record.ref), record);
        probe.keep(record);
      }
      cursor = page.cursor;
      if (!page.more) return cursor;
    }
  }
}

/** The reported states of the checks' records: polled during the checks, read again from the beginning, from a time. */
export interface Settled {
  seconds: number;
  along: ReadonlyMap<RefKey, SyncRecord>;
  again: ReadonlyMap<RefKey, SyncRecord>;
  since: ReadonlyMap<RefKey, SyncRecord>;
}

/** The evidence on the feed, from the records of one kind. */
export function feedEvidence(
  reader: FeedReader,
  { along, again, since, seconds }: Settled,
  made: readonly SyncRecord[],
  kind: string,
): Pick<Evidence, 'feed' | 'feedOrder' | 'feedSince'> {
  const records = made.filter(({ ref }) => ref.kind === kind);
  const names = (some: readonly SyncRecord[]) => some.map(({ ref }) => refKey(ref));
  const reported = records.filter(({ ref }) => again.has(refKey(ref)));
  const latest = reported.filter((record) => isReported(record, again));
  const offered = reader.isOffered;
  return {
    feed: {
      offered,
      reportsOthers: [...again.values()].some(({ ref }) => ref.kind !== kind),
      records: records.length,
      missing: names(records.filter((record) => !reported.includes(record))),
      passedOver: names(latest.filter((record) => !isReported(record, along))),
      seconds,
    },
    feedOrder: {
      offered,
      records: reported.length,
      stale: names(reported.filter((record) => !latest.includes(record))),
    },
    feedSince: {
      offered,
      records: latest.length,
      missing: names(latest.filter((record) => !isReported(record, since))),
    },
  };
}

/** Whether the record's latest state was reported, not only an earlier one. */
function isReported({ ref, order }: SyncRecord, reported: ReadonlyMap<RefKey, SyncRecord>): boolean {
  return (reported.get(refKey(ref))?.order ?? -Infinity) >= order;
}
