import type { Collection, Db } from 'mongodb';
import { SIDES, type Side } from '../../sync/record';
import type { CallBudget, Limit, LimitReading, LimitedBy, Permit, RateRules, Refusal } from '../budget';
import { currentAttempt, currentLane, currentSignal } from '../callContext';
import { RetryLater } from '../errors';
import { LONGEST_WAIT_MS } from '../waits';
import { Bucket, type BucketUse } from './bucket';
import { type BucketDocument, MINUTE_MS } from './budgetWindow';
import { SYSTEM_CLOCK, type Clock } from './clock';
import type { Caller } from './waitingLine';
import type { PastDocument } from './pastWindows';
import { RecordLimits, type OfRecord } from './recordLimits';
import { refusalMs, refusedBy } from './limitRefusal';

export interface SideRate {
  /** The name of the system in messages. */
  name: string;
  rules: RateRules;
  /** Our most calls a minute, even if the API allows more; null if there is no such bound. */
  ceiling: number | null;
  /** The share that the sync may use, at the beginning of a window, of limits that people use, too; 1 if not given. */
  share?: number;
}

/** How long to wait after a refusal without a time. */
const REFUSED_MS = 1_000;
/** The most callers that wait for a limit in one lane of a process, if they can come again. */
const WAITING_AT_MOST = 5;
const UNTOLD_CALLS = 60;

/** The state of a limit after an answer. */
export type LimitState = BucketUse & { bucket: string };

/**
 * The rate limits of both APIs, for all worker processes together. The adapters are created before the database is
 * known: until {@link open}, calls are not counted. These are the checks at the start, and the next answer shows them.
 */
export class RateBudgets {
  private readonly sides: Record<Side, SharedBudget>;

  /** @param onState called with every limit that an answer shows, for metrics */
  constructor(
    rates: Record<Side, SideRate>,
    clock: Clock = SYSTEM_CLOCK,
    onState: (side: Side, state: LimitState) => void = () => undefined,
  ) {
    const side = (each: Side) => new SharedBudget(each, rates[each], (state) => onState(each, state), clock);
    this.sides = { zendesk: side('zendesk'), pms: side('pms') };
  }

  of(side: Side): CallBudget {
    return this.sides[side];
  }

  /** @param slots the activity slots of each API and lane in this process */
  open(db: Db, slots?: number): void {
    const stored = {
      present: db.collection<BucketDocument>('budgets'),
      past: db.collection<PastDocument>('budgetWindows'),
      waiting: Math.max(1, Math.min(WAITING_AT_MOST, Math.floor((slots ?? Infinity) / 4))),
    };
    for (const side of SIDES) this.sides[side].open(stored);
  }
}

/** The present windows, and those of the last hour. */
interface Stored {
  present: Collection<BucketDocument>;
  past: Collection<PastDocument>;
  waiting: number;
}

class SharedBudget implements CallBudget {
  private stored: Stored | null = null;
  private readonly buckets = new Map<string, Bucket>();
  private readonly records: RecordLimits;

  constructor(
    private readonly side: Side,
    private readonly rate: SideRate,
    private readonly onState: (state: LimitState) => void,
    private readonly clock: Clock,
  ) {
    this.records = new RecordLimits(rate.rules.limits);
  }

  open(stored: Stored): void {
    this.stored = stored;
  }

  async take(limits: readonly LimitedBy[]): Promise<Permit> {
    const records = limits.filter(isOfRecord);
    const shared = limits.filter((limit) => !isOfRecord(limit)).map(({ bucket }) => bucket);
    for (;;) {
      this.expectFree(records);
      const windows = await this.takeShared(shared);
      const now = this.clock.now();
      // During the wait for one limit, the permit of another may have become invalid.
      const good = [...windows].every(([name, window]) => this.bucket(name)?.holds(window) ?? true);
      if (good && records.every((of) => this.records.isFree(of, now))) {
        for (const of of records) this.records.count(of, now);
        return { windows, records };
      }
      this.giveBack(windows);
    }
  }

  async learn(permit: Permit, readings: readonly LimitReading[], refusal?: Refusal): Promise<void> {
    for (const reading of readings) {
      const window = permit.windows.get(reading.bucket);
      const bucket = window === undefined ? null : this.bucket(reading.bucket);
      if (window !== undefined) await bucket?.learn(window, reading);
      const { limit, remaining } = reading;
      const shared =
        this.rate.rules.limits[reading.bucket] &&
        !permit.records.some(({ bucket: of }) => of === reading.bucket);
      if (shared)
        this.onState({
          ...(bucket?.use() ?? { ours: 0, others: 0 }),
          bucket: reading.bucket,
          limit,
          left: remaining,
        });
    }
    if (refusal) await this.refused(permit, readings, refusal);
  }

  private async refused(
    { windows, records }: Permit,
    readings: readonly LimitReading[],
    refusal: Refusal,
  ): Promise<void> {
    const call: LimitedBy[] = [...records, ...[...windows.keys()].map((bucket) => ({ bucket }))];
    for (const limit of refusedBy(call, readings, this.rate.rules.limits, refusal)) {
      const asked = refusalMs(limit, readings, refusal) ?? REFUSED_MS;
      const ms = Math.min(LONGEST_WAIT_MS, Math.max(0, asked));
      const now = this.clock.now();
      if (isOfRecord(limit)) this.records.fill(limit, now + ms, now);
      else await this.bucket(limit.bucket)?.block(ms);
    }
  }

  /** @throws RetryLater if the limit of a record is exhausted */
  private expectFree(records: readonly OfRecord[]): void {
    if (!this.stored) return;
    const now = this.clock.now();
    const full = records.find((of) => !this.records.isFree(of, now));
    if (!full) return;
    const at = this.records.promise(full, now);
    throw new RetryLater(
      `${this.rate.name}: no call for ${full.bucket} ${full.record} before ${new Date(at).toISOString()}`,
      {
        unknownOutcome: false,
        retryAfterMs: Math.max(1, this.clock.until(at)),
        ...(canComeAgain() && { queued: true as const }),
      },
    );
  }

  private async takeShared(names: readonly string[]): Promise<Map<string, number>> {
    const windows = new Map<string, number>();
    const caller: Caller = {
      signal: currentSignal(),
      canComeAgain: canComeAgain(),
      awaited: currentAttempt()?.awaited ?? false,
    };
    try {
      for (const name of names) {
        const window = await this.bucket(name)?.take(currentLane(), caller);
        if (window !== undefined) windows.set(name, window);
      }
    } catch (error) {
      this.giveBack(windows);
      throw error;
    }
    return windows;
  }

  private giveBack(windows: ReadonlyMap<string, number>): void {
    for (const [name, window] of windows) this.bucket(name)?.giveBack(currentLane(), window);
  }

  private bucket(name: string): Bucket | null {
    if (!this.stored) return null;
    let bucket = this.buckets.get(name);
    if (!bucket) {
      const { rules, ceiling, share = 1 } = this.rate;
      const limit: Limit = rules.limits[name] ?? { calls: UNTOLD_CALLS };
      bucket = new Bucket(`${this.side}:${name}`, this.stored.present, this.stored.past, {
        name: this.rate.name,
        assumed: limit.calls,
        rules: {
          windowMs: limit.windowMs ?? MINUTE_MS,
          ceiling: name === 'account' ? ceiling : null,
          share: limit.leavesRoom ? share : 1,
        },
        inFlight: limit.inFlight ?? false,
        waiting: limit.comesAgain ? this.stored.waiting : null,
        clock: this.clock,
      });
      this.buckets.set(name, bucket);
    }
    return bucket;
  }
}

const isOfRecord = (limit: LimitedBy): limit is OfRecord => limit.record !== undefined;

/**
 * Whether a call may come again later. If its attempt has written something, it must wait here, so as not to write
 * twice.
 */
function canComeAgain(): boolean {
  const attempt = currentAttempt();
  return attempt !== null && !attempt.wrote;
}
