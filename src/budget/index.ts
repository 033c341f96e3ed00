import type { Collection, Db } from 'mongodb';
import { SIDES, type Side } from '../sync/record';
import type { CallBudget, LimitReading, Permit, RateRules } from '../systems/budget';
import { currentLane, currentSignal } from '../systems/callContext';
import { Bucket, type BucketDocument } from './bucket';
import { SYSTEM_CLOCK, type Clock } from './clock';
import type { PastDocument } from './past';

export interface SideRate {
  /** How messages call the system. */
  name: string;
  rules: RateRules;
  /** Calls a minute that we may make at most, whatever the API allows; null for no such bound. */
  ceiling: number | null;
}

/** An API that refuses without saying for how long is left alone for this long. */
const REFUSED_MS = 1_000;

/**
 * The rates of both APIs, over all worker processes. The adapters are made before the database is known: until
 * {@link open}, calls pass uncounted; these are the checks at the start, and the first answer after it tells of them.
 */
export class RateBudgets {
  private readonly sides: Record<Side, SharedBudget>;

  /** @param onReading told of every limit that an answer speaks of, for metrics */
  constructor(
    rates: Record<Side, SideRate>,
    clock: Clock = SYSTEM_CLOCK,
    onReading: (side: Side, reading: LimitReading) => void = () => undefined,
  ) {
    const side = (each: Side) =>
      new SharedBudget(each, rates[each], (reading) => onReading(each, reading), clock);
    this.sides = { zendesk: side('zendesk'), pms: side('pms') };
  }

  of(side: Side): CallBudget {
    return this.sides[side];
  }

  open(db: Db): void {
    const stored = {
      present: db.collection<BucketDocument>('budgets'),
      past: db.collection<PastDocument>('budgetWindows'),
    };
    for (const side of SIDES) this.sides[side].open(stored);
  }
}

/** Windows under way, and those of the last hour. */
interface Stored {
  present: Collection<BucketDocument>;
  past: Collection<PastDocument>;
}

class SharedBudget implements CallBudget {
  private stored: Stored | null = null;
  private readonly buckets = new Map<string, Bucket>();

  constructor(
    private readonly side: Side,
    private readonly rate: SideRate,
    private readonly onReading: (reading: LimitReading) => void,
    private readonly clock: Clock,
  ) {}

  open(stored: Stored): void {
    this.stored = stored;
  }

  async take(names: readonly string[]): Promise<Permit> {
    const permit = new Map<string, number>();
    for (const name of names) {
      const window = await this.bucket(name)?.take(currentLane(), currentSignal());
      if (window !== undefined) permit.set(name, window);
    }
    return permit;
  }

  async learn(
    permit: Permit,
    readings: readonly LimitReading[],
    retryAfterMs?: number | null,
  ): Promise<void> {
    for (const reading of readings) {
      this.onReading(reading);
      const window = permit.get(reading.bucket);
      if (window !== undefined) await this.bucket(reading.bucket)?.learn(window, reading);
    }
    if (retryAfterMs === undefined) return;
    // A refusal while calls are left is about one record or one address, which is no reason for others to wait.
    const spent = readings.filter(({ remaining }) => remaining === 0).map(({ bucket }) => bucket);
    const blocked = readings.length > 0 ? spent : [...permit.keys()];
    for (const name of blocked) await this.bucket(name)?.block(retryAfterMs ?? REFUSED_MS);
  }

  private bucket(name: string): Bucket | null {
    if (!this.stored) return null;
    let bucket = this.buckets.get(name);
    if (!bucket) {
      const { rules, ceiling } = this.rate;
      bucket = new Bucket(`${this.side}:${name}`, this.stored.present, this.stored.past, {
        name: this.rate.name,
        assumed: rules.assumed[name] ?? 60,
        ceiling: name === 'account' ? ceiling : null,
        clock: this.clock,
      });
      this.buckets.set(name, bucket);
    }
    return bucket;
  }
}
