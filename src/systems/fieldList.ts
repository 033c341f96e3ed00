/** A list of fields is read again after this time. */
const KEPT_MS = 5 * 60_000;
/** What shows that the list is out of date has it read again; after so long at first, and twice as long each time in vain. */
const FIRST_PAUSE_MS = 10_000;

interface Known<T> {
  list: T;
  text: string;
  /** When the call began: the list is as of then, or later. */
  readAt: number;
}

/**
 * The fields that a system has now: a TTL cache, which is also read again where records show that it is out of date. That
 * costs a bounded number of calls, however many records do.
 */
export class FieldList<T> {
  private known: Known<T> | null = null;
  private reading: Promise<Known<T>> | null = null;
  private pause = FIRST_PAUSE_MS;
  private changes = 0;

  constructor(
    private readonly read: () => Promise<T>,
    private readonly now: () => number = Date.now,
  ) {}

  /** Grows with every change of the list. */
  get revision(): number {
    return this.changes;
  }

  /** @returns the list as it was last read, or reads it if it is older than {@link KEPT_MS} or was never read */
  async current(): Promise<T> {
    const { known } = this;
    if (known && this.now() - known.readAt <= KEPT_MS) return known.list;
    return (await this.again()).list;
  }

  /** Reads the list anew. */
  async fresh(): Promise<T> {
    return (await this.again()).list;
  }

  /** The same where records contradict the list. @returns whether the list was read after they were */
  async doubted(): Promise<boolean> {
    const { known } = this;
    const at = this.now();
    if (known && at - known.readAt < this.pause) return false;
    const before = known?.text;
    const { text } = await this.again();
    this.pause = text === before ? Math.min(this.pause * 2, KEPT_MS) : FIRST_PAUSE_MS;
    return true;
  }

  private again(): Promise<Known<T>> {
    this.reading ??= this.readNow().finally(() => (this.reading = null));
    return this.reading;
  }

  private async readNow(): Promise<Known<T>> {
    const readAt = this.now();
    const list = await this.read();
    const text = JSON.stringify(list);
    if (this.known && this.known.text !== text) this.changes += 1;
    this.known = { list, text, readAt };
    return this.known;
  }
}
