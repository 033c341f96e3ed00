import { LRUCache } from 'lru-cache';
import type { Limit, LimitedBy } from '../budget';
import { MINUTE_MS } from './budgetWindow';

export type OfRecord = Required<LimitedBy>;

/** Calls about one record, in the order of time. */
interface Known {
  sent: number[];
  /** The times at which scheduled calls will come. */
  promised: number[];
}

const RECORDS_AT_MOST = 20_000;
/** The API counts a call when it arrives, which is later than it was sent. */
const ARRIVES_MS = 1_000;

/**
 * The limits of single records, e.g. updates of a ticket in ten minutes. Each process keeps the limits of its recent
 * records in memory; a refusal shows that others have used such a limit, too. At most 20,000 records are kept (LRU).
 */
export class RecordLimits {
  private readonly known = new LRUCache<string, Known>({ max: RECORDS_AT_MOST });

  constructor(private readonly limits: Readonly<Record<string, Limit>>) {}

  isFree(of: OfRecord, now: number): boolean {
    return this.recent(of, now).sent.length < this.callsOf(of);
  }

  /** Schedules a call after the limit is exhausted, behind the calls that are scheduled already. */
  promise(of: OfRecord, now: number): number {
    const { sent, promised } = this.recent(of, now);
    // Each call that leaves the window makes room for another one, and so will the scheduled calls.
    const leaving = [...sent, ...promised].at(-this.callsOf(of));
    const at = leaving === undefined ? now : leaving + this.windowOf(of);
    this.known.set(keyOf(of), { sent, promised: [...promised, at] });
    return at;
  }

  count(of: OfRecord, now: number): void {
    const { sent, promised } = this.recent(of, now);
    this.known.set(keyOf(of), { sent: [...sent, now], promised });
  }

  /** Learns from a refusal that the limit is exhausted, and until when: the remaining calls were made by others. */
  fill(of: OfRecord, until: number, now: number): void {
    const { sent, promised } = this.recent(of, now);
    const missing = this.callsOf(of) - sent.length;
    const oldest = until - this.windowOf(of);
    const others = Array.from(
      { length: Math.max(0, missing) },
      (_, n) => oldest + (Math.max(0, now - oldest) * n) / missing,
    );
    this.known.set(keyOf(of), { sent: [...sent, ...others].sort((a, b) => a - b), promised });
  }

  private callsOf({ bucket }: LimitedBy): number {
    return Math.max(1, this.limits[bucket]?.calls ?? Infinity);
  }

  private windowOf({ bucket }: LimitedBy): number {
    return (this.limits[bucket]?.windowMs ?? MINUTE_MS) + ARRIVES_MS;
  }

  private recent(of: OfRecord, now: number): Known {
    const { sent = [], promised = [] } = this.known.get(keyOf(of)) ?? {};
    const since = now - this.windowOf(of);
    return { sent: sent.filter((time) => time > since), promised: promised.filter((time) => time > now) };
  }
}

const keyOf = ({ bucket, record }: OfRecord): string => `${bucket}/${record}`;
