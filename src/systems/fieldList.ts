/** A list of fields is read again after this time. */
const KEPT_MS = 5 * 60_000;
/** The list is read again if a record shows that it is out of date, first after this time, then with a back-off. */
const FIRST_PAUSE_MS = 10_000;

interface Known<T> {
  list: T;
  text: string;
  /** When the call began: the list is not older than this. */
  readAt: number;
}

/**
 * The present fields of a system: a TTL cache, which is also refreshed if records show that it is out of date. The
 * number of calls for this is bounded, however many records show it.
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

  /** Increases with every change of the list. */
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

  /** The same if records contradict the list. @returns whether the list was read after the records */
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
