import type { Logger } from 'pino';
import type { ChangeCounts, ChangeCountStore } from '../links/changeCounts';
import type { HoldId } from '../sync/holds';

/** The number of slots of the window. The window moves by one slot at a time. */
const SLOTS = 12;
/**
 * Interval of writing this process's counts to the database. If the process dies, the counts since the last are lost.
 */
const FLUSH_MS = 1_000;
/** Interval of reading the counts of other workers in earlier slots. */
const EARLIER_MS = 60_000;

/**
 * The counts within the sliding window, of this process and of other workers. The counts of a process are written to
 * the database together, with at most one command a second.
 */
export class ChangeWindow {
  private pending = new Map<HoldId, number>();
  /** The slot in which the first pending change was counted. */
  private pendingSlot = 0;
  /** Counts that are being written to the database. */
  private sent: ReadonlyMap<HoldId, number> = new Map<HoldId, number>();
  private current: { slot: number; counts: ChangeCounts } | null = null;
  private earlier: { slot: number; at: number; counts: ChangeCounts } | null = null;
  private timer: NodeJS.Timeout | undefined;
  /** Commands run one after the other, so that an older answer does not replace a newer one. */
  private turn: Promise<void> = Promise.resolve();
  private readonly slotMs: number;

  constructor(
    private readonly store: ChangeCountStore,
    windowMs: number,
    private readonly around: { now: () => Date; log: Logger },
  ) {
    this.slotMs = windowMs / SLOTS;
  }

  /** The number of changes within the window, as far as this process knows. */
  of(id: HoldId): number {
    const own = this.current?.slot === this.slot() ? this.current.counts.get(id) : undefined;
    const pending = this.pendingSlot >= this.firstSlot() ? this.pending.get(id) : undefined;
    return (this.earlier?.counts.get(id) ?? 0) + (own ?? 0) + (this.sent.get(id) ?? 0) + (pending ?? 0);
  }

  add(id: HoldId, count: 1 | -1): void {
    if (this.pending.size === 0) this.pendingSlot = this.slot();
    this.pending.set(id, (this.pending.get(id) ?? 0) + count);
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.flush();
    }, FLUSH_MS).unref();
  }

  /** Reads the earlier counts, unless they are known. */
  async ensureRead(): Promise<void> {
    if (!this.isKnown()) await this.inTurn(async () => (this.isKnown() ? undefined : this.read()));
  }

  /** Stores the pending counts, and reads all counts again. */
  readAgain(): Promise<void> {
    return this.inTurn(() => this.read());
  }

  async stop(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    await this.flush();
  }

  private isKnown(): boolean {
    return this.earlier?.slot === this.slot() && performance.now() - this.earlier.at < EARLIER_MS;
  }

  private async read(): Promise<void> {
    await this.send();
    const slot = this.slot();
    const first = this.firstSlot();
    const at = performance.now();
    if (this.earlier?.slot !== slot) await this.store.dropBefore(first);
    const counts = await this.store.since(first, slot);
    this.current = { slot, counts: await this.store.since(slot) };
    this.earlier = { slot, at, counts };
  }

  private flush(): Promise<void> {
    return this.inTurn(() => this.send());
  }

  /** Runs work after all work before it. A failure concerns the caller of this work only. */
  private inTurn(work: () => Promise<void>): Promise<void> {
    const mine = this.turn.then(work);
    this.turn = mine.catch(() => undefined);
    return mine;
  }

  /** Writes the pending counts. If this fails, they stay pending. */
  private async send(): Promise<void> {
    if (this.pending.size === 0) return;
    const counts = this.pending;
    this.sent = counts;
    this.pending = new Map();
    const slot = this.pendingSlot;
    try {
      const all = await this.store.add(slot, counts);
      if (slot === this.slot()) this.current = { slot, counts: all };
    } catch (error) {
      this.pendingSlot = slot;
      for (const [id, count] of counts) this.pending.set(id, (this.pending.get(id) ?? 0) + count);
      this.around.log.warn({ err: error }, 'the counts of the brake could not be stored yet');
    } finally {
      this.sent = new Map();
    }
  }

  private firstSlot(): number {
    return this.slot() - (SLOTS - 1) * this.slotMs;
  }

  private slot(): number {
    return Math.floor(this.around.now().getTime() / this.slotMs) * this.slotMs;
  }
}
