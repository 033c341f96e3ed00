import { MongoServerError, type Collection } from 'mongodb';
import type { Lane } from '../sync/lane';
import type { LimitReading } from '../systems/budget';
import { RetryLater } from '../systems/errors';
import type { Clock } from './clock';
import { keepPast, type PastDocument } from './past';
import {
  UNTOLD_WINDOW_MS,
  WINDOW_MS,
  allowance,
  isOver,
  lotSize,
  mayCall,
  waitMs,
  type BudgetWindow,
} from './window';

export type BucketDocument = BudgetWindow & { _id: string };

/** A call that would wait longer than a window is handed back, with the delay, rather than hold a worker up. */
const LONGEST_WAIT_MS = WINDOW_MS + 15_000;
/** How often somebody who waits looks whether there is more to be had. */
const LOOK_AGAIN_MS = 1_000;
/** Lots grow while they are used up within this time. */
const BUSY_MS = 1_000;
/** By less than this the end of a window is not corrected. */
const END_TOLERANCE_MS = 100;
const DUPLICATE_KEY = 11000;

interface Lot {
  window: number;
  left: number;
  size: number;
  leasedAt: number;
}

/**
 * One limit of one API, over all processes: permits are leased in lots from a document that all share, each lease one
 * atomic update by `_id`. Within a process, callers of a lane are served in turn.
 */
export class Bucket {
  private state: BudgetWindow | null = null;
  private readonly lots: Record<Lane, Lot> = { interactive: noLot(), background: noLot() };
  private readonly queues: Record<Lane, Promise<unknown>> = {
    interactive: Promise.resolve(),
    background: Promise.resolve(),
  };
  /** What answers of this window said at most of its use. */
  private seen = { window: 0, used: 0 };

  constructor(
    private readonly id: string,
    private readonly collection: Collection<BucketDocument>,
    private readonly past: Collection<PastDocument>,
    private readonly options: { name: string; assumed: number; ceiling: number | null; clock: Clock },
  ) {}

  /** @returns the permit's window. @throws RetryLater where it would take too long, or the signal ended the wait */
  take(lane: Lane, signal: AbortSignal | undefined): Promise<number> {
    const turn = this.queues[lane].then(() => this.next(lane, signal));
    this.queues[lane] = turn.catch(() => undefined);
    return turn;
  }

  async learn(window: number, reading: LimitReading): Promise<void> {
    const { state } = this;
    if (!state || state.window !== window) return;
    const used = reading.limit - reading.remaining;
    this.seen = { window, used: this.seen.window === window ? Math.max(used, this.seen.used) : used };
    const endsAt = reading.resetMs === null ? state.endsAt : this.options.clock.now() + reading.resetMs;
    const ends = endsAt < state.endsAt - END_TOLERANCE_MS;
    if (!ends && reading.limit === state.limit) return;
    if (ends) state.endsAt = endsAt;
    state.limit = reading.limit;
    await this.collection.updateOne(
      { _id: this.id, window },
      { $set: { limit: reading.limit }, ...(ends && { $min: { endsAt } }) },
    );
  }

  /** Everybody stops calling: the API said so. */
  async block(retryAfterMs: number): Promise<void> {
    const blockedUntil = this.options.clock.now() + retryAfterMs;
    if (this.state) this.state.blockedUntil = Math.max(this.state.blockedUntil, blockedUntil);
    await this.collection.updateOne({ _id: this.id }, { $max: { blockedUntil } });
  }

  private async next(lane: Lane, signal: AbortSignal | undefined): Promise<number> {
    for (;;) {
      const lot = this.lots[lane];
      if (
        this.state &&
        lot.left > 0 &&
        lot.window === this.state.window &&
        mayCall(this.state, this.options.clock.now())
      ) {
        lot.left -= 1;
        return lot.window;
      }
      const state = await this.lease(lane);
      if (this.lots[lane].left > 0) continue;
      const now = this.options.clock.now();
      const wait = waitMs(state, now);
      if (wait > LONGEST_WAIT_MS) {
        throw new RetryLater(`${this.options.name}: no call before ${new Date(now + wait).toISOString()}`, {
          unknownOutcome: false,
          retryAfterMs: wait,
        });
      }
      try {
        await this.options.clock.sleep(Math.min(Math.max(wait, 1), LOOK_AGAIN_MS), signal);
      } catch {
        throw new RetryLater(`${this.options.name}: the wait for its rate was ended`, {
          unknownOutcome: false,
        });
      }
    }
  }

  /** Fills the lane's lot if the window has anything left for it. @returns the state that decided */
  private async lease(lane: Lane): Promise<BudgetWindow> {
    const lot = this.lots[lane];
    lot.left = 0;
    let state = this.state ?? (await this.load());
    for (let fresh = false; ; fresh = true) {
      const now = this.options.clock.now();
      if (isOver(state, now)) state = await this.roll(state, now);
      if (mayCall(state, now)) {
        const most = allowance(state, lane, this.options.ceiling, now);
        const wanted = now - lot.leasedAt < BUSY_MS ? lot.size * 2 : 1;
        const size = lotSize(most - state.used, wanted);
        const leased =
          size > 0 &&
          (await this.collection.findOneAndUpdate(
            { _id: this.id, window: state.window, used: { $lte: most - size }, blockedUntil: { $lte: now } },
            { $inc: { used: size } },
            { returnDocument: 'after' },
          ));
        if (leased) {
          this.state = leased;
          this.lots[lane] = { window: leased.window, left: size, size, leasedAt: now };
          return this.countOthers(leased);
        }
      }
      // What this process knows may be old: look once.
      if (fresh) return state;
      state = await this.load();
    }
  }

  /** The API counts more than was handed out: somebody else uses the same account. */
  private async countOthers(state: BudgetWindow): Promise<BudgetWindow> {
    const { window, used } = this.seen;
    if (window !== state.window || used <= state.used) return state;
    state.used = used;
    await this.collection.updateOne({ _id: this.id, window }, { $max: { used } });
    return state;
  }

  private async roll(state: BudgetWindow, now: number): Promise<BudgetWindow> {
    const over = await this.collection.findOneAndUpdate(
      { _id: this.id, window: state.window },
      { $set: { window: state.window + 1, used: 0, endsAt: now + UNTOLD_WINDOW_MS } },
      { returnDocument: 'before' },
    );
    if (over) await keepPast(this.past, this.id, over);
    return this.load();
  }

  private async load(): Promise<BudgetWindow> {
    const found = await this.collection.findOne({ _id: this.id });
    if (found) return (this.state = found);
    const now = this.options.clock.now();
    const first = {
      window: 1,
      limit: this.options.assumed,
      used: 0,
      endsAt: now + UNTOLD_WINDOW_MS,
      blockedUntil: 0,
    };
    try {
      await this.collection.insertOne({ _id: this.id, ...first });
    } catch (error) {
      if (!(error instanceof MongoServerError) || error.code !== DUPLICATE_KEY) throw error;
    }
    return this.load();
  }
}

function noLot(): Lot {
  return { window: 0, left: 0, size: 1, leasedAt: 0 };
}
