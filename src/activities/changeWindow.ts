import type { Logger } from 'pino';
import type { ChangeCounts, ChangeCountStore } from '../links/changeCounts';
import type { HoldId } from '../sync/holds';

/** The window is counted in so many slots: what is older falls out a slot at a time. */
const SLOTS = 12;
/** So long what was counted here is unknown to other workers; lost where a process dies. */
const FLUSH_MS = 1_000;
/** What others counted in earlier slots is read again after so long. */
const EARLIER_MS = 60_000;

/**
 * What was counted within the window, here and by other workers. Counts go to the database together, at most one command
 * a second.
 */
export class ChangeWindow {
  private pending = new Map<HoldId, number>();
  /** When the first of these was counted. */
  private pendingSlot = 0;
  /** What is on its way to the database. */
  private sent: ReadonlyMap<HoldId, number> = new Map<HoldId, number>();
  private current: { slot: number; counts: ChangeCounts } | null = null;
  private earlier: { slot: number; at: number; counts: ChangeCounts } | null = null;
  private timer: NodeJS.Timeout | undefined;
  /** One command after the other: an older answer must not take the place of a newer one. */
  private turn: Promise<void> = Promise.resolve();
  private readonly slotMs: number;

  constructor(
    private readonly store: ChangeCountStore,
    windowMs: number,
    private readonly around: { now: () => Date; log: Logger },
  ) {
    this.slotMs = windowMs / SLOTS;
  }

  /** How often it was counted, as far as this process knows. */
  of(id: HoldId): number {
    const own = this.current?.slot === this.slot() ? this.current.counts.get(id) : undefined;
    const pending = this.pendingSlot >= this.firstSlot() ? this.pending.get(id) : undefined;
    return (this.earlier?.counts.get(id) ?? 0) + (own ?? 0) + (this.sent.get(id) ?? 0) + (pending ?? 0);
  }

  add(id: HoldId): void {
    if (this.pending.size === 0) this.pendingSlot = this.slot();
    this.pending.set(id, (this.pending.get(id) ?? 0) + 1);
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.flush();
    }, FLUSH_MS).unref();
  }

  /** Reads what was counted before, where that is not known. */
  async know(): Promise<void> {
    if (!this.isKnown()) await this.inTurn(async () => (this.isKnown() ? undefined : this.read()));
  }

  /** Stores what is pending, and reads all that is counted now. */
  renew(): Promise<void> {
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

  /** A turn that fails fails whoever asked for it, and not those after it. */
  private inTurn(work: () => Promise<void>): Promise<void> {
    const mine = this.turn.then(work);
    this.turn = mine.catch(() => undefined);
    return mine;
  }

  /** What could not be stored is kept for the next time. */
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
      this.around.log.warn({ err: error }, 'what the brake counted could not be stored yet');
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
