import { LONGEST_WAIT_MS } from '../waits';
import { type Collection, type UpdateFilter } from 'mongodb';
import { isDuplicateKey } from '../../platform/mongoErrors';
import { LANES, type Lane } from '../../sync/lane';
import type { LimitReading } from '../budget';
import type { Clock } from './clock';
import { WaitingLine, type Caller, type PermitSource } from './waitingLine';
import { keepPast, type PastDocument } from './pastWindows';
import {
  MINUTE_MS,
  allowance,
  expectedNext,
  freshWindow,
  isOver,
  lookMs,
  lotSize,
  marked,
  marksAt,
  mayCall,
  nextTurn,
  untoldEnd,
  usedByOthers,
  waitMs,
  wantedMore,
  type BucketDocument,
  type BudgetWindow,
  type Turn,
  type WindowRules,
} from './budgetWindow';

/** If a lot is used up within this time, the next one is larger. */
const BUSY_MS = 1_000;
/** The end of a window is corrected only if it differs by more than this. */
const END_TOLERANCE_MS = 100;

interface Lot {
  window: number;
  left: number;
  size: number;
  leasedAt: number;
}

export interface BucketOptions {
  /** The name of the system in messages. */
  name: string;
  /** The calls of a window that are assumed until an answer shows the limit. */
  assumed: number;
  rules: WindowRules;
  inFlight: boolean;
  /** The most callers of a lane that wait in this process; null if all wait here. */
  waiting: number | null;
  clock: Clock;
}

/** The use of a limit in its present window. */
export interface BucketUse {
  limit: number;
  left: number;
  ours: number;
  others: number;
}

/**
 * One limit of one API, for all processes together. Processes lease permits in lots from a shared document, each lot
 * with one atomic update by `_id`. Within a process, the callers of a lane are served in their order.
 */
export class Bucket {
  private state: BudgetWindow | null = null;
  private readonly lots: Record<Lane, Lot> = { interactive: noLot(), background: noLot() };
  private readonly lines: Record<Lane, WaitingLine>;
  /** The greatest use of this window that an answer has shown, and when the last answer came. */
  private seen = { window: 0, used: 0, at: 0 };
  private early = { window: 0, count: 0 };

  constructor(
    private readonly id: string,
    private readonly collection: Collection<BucketDocument>,
    private readonly past: Collection<PastDocument>,
    private readonly options: BucketOptions,
  ) {
    const { name, clock, waiting } = options;
    const [interactive, background] = LANES.map(
      (lane) => new WaitingLine(name, this.source(lane), clock, waiting),
    ) as [WaitingLine, WaitingLine];
    this.lines = { interactive, background };
  }

  /** @returns the window of the permit. @throws RetryLater if the wait would be too long, or the signal aborts it */
  take(lane: Lane, caller: Caller): Promise<number> {
    return this.lines[lane].join(caller);
  }

  /** Returns an unused permit. */
  giveBack(lane: Lane, window: number): void {
    if (this.lots[lane].window === window) this.lots[lane].left += 1;
  }

  /** Whether a permit of this window is still valid. */
  holds(window: number): boolean {
    return this.state?.window === window && mayCall(this.state, this.options.rules, this.options.clock.now());
  }

  async learn(window: number, reading: LimitReading): Promise<void> {
    const { state } = this;
    const { clock, inFlight } = this.options;
    if (!state || state.window !== window || reading.limit < 1) return;
    const now = clock.now();
    const used = reading.limit - reading.remaining;
    this.seen = {
      window,
      used: this.seen.window === window ? Math.max(used, this.seen.used) : used,
      at: now,
    };
    const endsAt = reading.resetMs === null ? state.endsAt : now + reading.resetMs;
    // A limit on concurrent work has no window of the API.
    const ends = !inFlight && endsAt < state.endsAt - END_TOLERANCE_MS;
    if (ends) state.endsAt = endsAt;
    const changed = reading.limit !== state.limit;
    state.limit = reading.limit;
    const set = { ...(changed && { limit: reading.limit }), ...(inFlight && { used }) };
    if (inFlight) this.seen.used = state.used = used;
    if (ends || Object.keys(set).length > 0)
      await this.collection.updateOne(
        { _id: this.id, window },
        { ...(Object.keys(set).length > 0 && { $set: set }), ...(ends && { $min: { endsAt } }) },
      );
    if (changed || ends) for (const lane of LANES) this.lines[lane].wake();
    if (reading.remaining === 0) await this.usedUp();
  }

  /** Blocks all calls for a time, as the API asked. */
  async block(ms: number): Promise<void> {
    const blockedUntil = this.options.clock.now() + ms;
    if (this.state) this.state.blockedUntil = Math.max(this.state.blockedUntil, blockedUntil);
    await this.collection.updateOne({ _id: this.id }, { $max: { blockedUntil } });
  }

  /** The use as far as this process knows; null before its first call. */
  use(): BucketUse | null {
    if (!this.state) return null;
    const state = this.known(this.state);
    const left = Math.max(0, state.limit - state.used);
    return { limit: state.limit, left, ours: state.ours, others: usedByOthers(state) };
  }

  private source(lane: Lane): PermitSource {
    const { rules, clock } = this.options;
    const state = () => this.known(this.state ?? freshWindow(this.options.assumed, rules, clock.now()));
    const turn = (ahead: number, awaited = false): Turn => {
      const now = state();
      // A caller that comes again as scheduled is itself among the scheduled ones.
      const expected = awaited ? { ...now, promised: { interactive: {}, background: {} } } : now;
      return nextTurn(expected, lane, rules, ahead, clock.now());
    };
    return {
      next: (awaited) => this.next(lane, awaited),
      giveBack: (window) => this.giveBack(lane, window),
      waitMs: () => waitMs(state(), clock.now()),
      lookMs: () => lookMs(state(), lane, rules, clock.now()),
      turn,
      promise: async (ahead, awaited) => {
        if (awaited) return turn(ahead + this.cameTooEarly(state().window), true);
        const promised = turn(ahead);
        const found = await this.collection.findOneAndUpdate(
          { _id: this.id },
          { $inc: { [`promised.${lane}.${promised.window}`]: 1 } },
          { returnDocument: 'after' },
        );
        if (found) this.state = complete(found);
        return promised;
      },
    };
  }

  /** The number of scheduled callers that came before their window had begun, without this one. */
  private cameTooEarly(window: number): number {
    this.early = { window, count: this.early.window === window ? this.early.count + 1 : 0 };
    return this.early.count;
  }

  private async next(lane: Lane, awaited: boolean): Promise<number | null> {
    const now = this.options.clock.now();
    const { state } = this;
    const lot = this.lots[lane];
    const good = state && lot.window === state.window && mayCall(state, this.options.rules, now);
    if (!good || lot.left === 0) await this.lease(lane, awaited);
    const { left, window } = this.lots[lane];
    if (left === 0) return null;
    this.lots[lane].left -= 1;
    return window;
  }

  /** Leases a lot for the lane, if the window has permits left for it. */
  private async lease(lane: Lane, awaited: boolean): Promise<void> {
    const { rules, clock } = this.options;
    const lot = this.lots[lane];
    lot.left = 0;
    let state = this.state ?? (await this.load());
    for (let fresh = false; ; fresh = true) {
      const now = clock.now();
      if (isOver(state, now)) state = await this.roll(state.window, now);
      if (mayCall(state, rules, now)) {
        const known = this.known(state);
        const most = allowance(known, lane, rules, now);
        const wanted = now - lot.leasedAt < BUSY_MS ? lot.size * 2 : 1;
        const size = lotSize(most - known.used, wanted);
        if (size > 0 && (await this.leased(lane, awaited, known, { most, size, now }))) return;
      }
      // The known state may be out of date: read it once.
      if (fresh) return;
      state = await this.load();
    }
  }

  private async leased(
    lane: Lane,
    awaited: boolean,
    known: BudgetWindow,
    { most, size, now }: { most: number; size: number; now: number },
  ): Promise<boolean> {
    const { window } = known;
    const came = awaited && (known.promised[lane][window] ?? 0) > 0;
    const inc: Record<string, number> = {
      used: size,
      ours: size,
      ...(came && { [`promised.${lane}.${window}`]: -1 }),
    };
    const update: UpdateFilter<BucketDocument> = {
      $inc: inc,
      // If no share is left to others, their calls need not be observed.
      ...(this.options.rules.share < 1 && {
        $max: { readAt: known.readAt, askedAt: now },
        $set: { marks: known.marks },
      }),
    };
    const found = await this.collection.findOneAndUpdate(
      { _id: this.id, window, used: { $lte: most - size }, blockedUntil: { $lte: now } },
      update,
      { returnDocument: 'after' },
    );
    if (!found) return false;
    this.state = complete(found);
    this.lots[lane] = { window, left: size, size, leasedAt: now };
    await this.countOthers(this.state);
    return true;
  }

  /** The state, with the use that answers have shown and that is not in the document yet. */
  private known(state: BudgetWindow): BudgetWindow {
    const { window, used, at } = this.seen;
    if (window !== state.window || this.options.inFlight) return state;
    const known = { ...state, used: Math.max(state.used, used), readAt: Math.max(state.readAt, at) };
    return { ...known, marks: marked(known, this.options.rules) };
  }

  /** Stores that the API counts more calls than permits were leased: others use the same account. */
  private async countOthers(state: BudgetWindow): Promise<void> {
    const { window, used, at } = this.seen;
    if (this.options.inFlight || window !== state.window || used <= state.used) return;
    state.used = used;
    state.readAt = Math.max(state.readAt, at);
    await this.collection.updateOne({ _id: this.id, window }, { $max: { used, readAt: state.readAt } });
  }

  /** Handles an answer that shows an exhausted limit: how many more calls others wanted to make is not known. */
  private async usedUp(): Promise<void> {
    const { rules, clock } = this.options;
    if (rules.share >= 1) return;
    const state = await this.load();
    await this.countOthers(state);
    if (!wantedMore(state, rules, clock.now())) return;
    state.expected = state.limit;
    await this.collection.updateOne(
      { _id: this.id, window: state.window },
      { $max: { expected: state.limit } },
    );
  }

  /** Removes a block that is longer than any respected wait: an earlier release has stored it. */
  private async believed(found: BucketDocument): Promise<BucketDocument> {
    const { blockedUntil } = found;
    if (blockedUntil <= this.options.clock.now() + LONGEST_WAIT_MS) return found;
    await this.collection.updateOne({ _id: this.id, blockedUntil }, { $set: { blockedUntil: 0 } });
    return { ...found, blockedUntil: 0 };
  }

  private async roll(window: number, now: number): Promise<BudgetWindow> {
    const { rules } = this.options;
    const state = this.known(await this.load());
    if (state.window !== window) return this.load();
    const kept = (lane: Lane) =>
      Object.fromEntries(Object.entries(state.promised[lane]).filter(([each]) => Number(each) > window));
    const over = await this.collection.findOneAndUpdate(
      { _id: this.id, window },
      {
        $set: {
          window: window + 1,
          used: 0,
          ours: 0,
          endsAt: untoldEnd(rules, now),
          windowMs: rules.windowMs,
          expected: expectedNext(state, rules),
          readAt: now,
          askedAt: 0,
          marks: marksAt(now),
          promised: { interactive: kept('interactive'), background: kept('background') },
        },
      },
      { returnDocument: 'before' },
    );
    if (over) await keepPast(this.past, this.id, this.known(complete(over)));
    return this.load();
  }

  private async load(): Promise<BudgetWindow> {
    const found = await this.collection.findOne({ _id: this.id });
    if (found) return (this.state = complete(await this.believed(found)));
    const first = freshWindow(this.options.assumed, this.options.rules, this.options.clock.now());
    try {
      await this.collection.insertOne({ _id: this.id, ...first });
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
    }
    return this.load();
  }
}

/** Adds the fields that a document of an earlier version lacks. */
function complete(found: Partial<BudgetWindow> & BucketDocument): BudgetWindow {
  return {
    ...found,
    ours: found.ours ?? found.used,
    windowMs: found.windowMs ?? MINUTE_MS,
    expected: found.expected ?? 0,
    readAt: found.readAt ?? 0,
    askedAt: found.askedAt ?? 0,
    marks: found.marks ?? marksAt(0),
    promised: found.promised ?? { interactive: {}, background: {} },
  };
}

function noLot(): Lot {
  return { window: 0, left: 0, size: 1, leasedAt: 0 };
}
