import { LRUCache } from 'lru-cache';
import type { Limit, LimitedBy } from '../budget';
import { MINUTE_MS } from './budgetWindow';

export type OfRecord = Required<LimitedBy>;

/** Calls about one record, each in the order of time. */
interface Known {
  sent: number[];
  /** When those who were told to come again will come. */
  promised: number[];
}

const RECORDS_AT_MOST = 20_000;
/** The API counts a call when it arrives: later than it was sent. */
const ARRIVES_MS = 1_000;

/**
 * Limits of single records: so many updates of one ticket in ten minutes, for example. Each process keeps those that it
 * has called for lately, in memory; what others have used of them, a refusal tells. Beyond 20,000 records the one that
 * was not called for longest is forgotten.
 */
export class RecordLimits {
  private readonly known = new LRUCache<string, Known>({ max: RECORDS_AT_MOST });

  constructor(private readonly limits: Readonly<Record<string, Limit>>) {}

  isFree(of: OfRecord, now: number): boolean {
    return this.recent(of, now).sent.length < this.callsOf(of);
  }

  /** When the next one that finds it used up is to come again: behind those who were told so before. */
  promise(of: OfRecord, now: number): number {
    const { sent, promised } = this.recent(of, now);
    // Each call makes room for one when it leaves the window, and so will those that are yet to come.
    const leaving = [...sent, ...promised].at(-this.callsOf(of));
    const at = leaving === undefined ? now : leaving + this.windowOf(of);
    this.known.set(keyOf(of), { sent, promised: [...promised, at] });
    return at;
  }

  count(of: OfRecord, now: number): void {
    const { sent, promised } = this.recent(of, now);
    this.known.set(keyOf(of), { sent: [...sent, now], promised });
  }

  /** The API says that it is used up, and until when: others have called as often as we did not. */
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
