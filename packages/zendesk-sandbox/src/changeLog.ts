/** Entries in the order of their last change, the newest of each record only. */

interface Entry<T> {
  time: number;
  seq: number;
  /** The changed record's id; null for entries that replace no earlier one. */
  id: number | null;
  item: T;
}
export type Position = { time: number; seq: number };

interface ReadOptions {
  limit: number;
  /** The time of the newest entry to return. */
  until?: number;
  /** Reads on to the end of the last entry's second. */
  wholeSeconds?: boolean;
}

export class ChangeLog<T> {
  private entries: Entry<T>[] = [];
  private readonly latest = new Map<number, number>();
  private seq = 0;
  private ordered = true;
  private superseded = 0;

  add(id: number | null, item: T, time: number): void {
    this.seq += 1;
    // Loaded records have their own times, in any order; they are sorted once, at the first read.
    if ((this.entries.at(-1)?.time ?? 0) > time) this.ordered = false;
    this.entries.push({ time, seq: this.seq, id, item });
    if (id === null) return;
    if (this.latest.has(id)) this.superseded += 1;
    this.latest.set(id, this.seq);
  }

  /**
   * Entries from a time on, or after a position. Within a second, they are in the order of the writes, not of the ids:
   * otherwise, a record that changes twice within a second could move before a reader's position.
   */
  read(from: { time: number } | Position, { limit, until = Infinity, wholeSeconds = false }: ReadOptions) {
    this.tidy();
    const found: (Position & { item: T })[] = [];
    for (let at = this.firstAfter(from); at < this.entries.length; at += 1) {
      const entry = this.entries[at] as Entry<T>;
      if (entry.time > until) break;
      if (!this.isLatest(entry)) continue;
      const full = found.length >= limit && !(wholeSeconds && found.at(-1)?.time === entry.time);
      if (full) return { found, more: true };
      found.push(entry);
    }
    return { found, more: false };
  }

  private firstAfter(from: { time: number } | Position): number {
    const seq = 'seq' in from ? from.seq : -1;
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const entry = this.entries[middle] as Entry<T>;
      if (entry.time < from.time || (entry.time === from.time && entry.seq <= seq)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private isLatest({ id, seq }: Entry<T>): boolean {
    return id === null || this.latest.get(id) === seq;
  }

  private tidy(): void {
    if (this.superseded > 1_000 && this.superseded > this.entries.length / 2) {
      this.entries = this.entries.filter((entry) => this.isLatest(entry));
      this.superseded = 0;
    }
    if (this.ordered) return;
    this.entries.sort((a, b) => a.time - b.time || a.seq - b.seq);
    this.ordered = true;
  }
}
