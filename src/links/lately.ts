/** What was learned lately: each value for so long, so many at most. A process knows it without asking again. */
export class Lately<K, V> {
  private readonly known = new Map<K, { value: V; at: number }>();

  constructor(private readonly options: { ms: number; most: number }) {}

  get(key: K): V | undefined {
    const found = this.known.get(key);
    return found && performance.now() - found.at < this.options.ms ? found.value : undefined;
  }

  /** @param at when it was so, by `performance.now()` */
  set(key: K, value: V, at = performance.now()): void {
    if (this.known.size > this.options.most) this.known.clear();
    this.known.set(key, { value, at });
  }

  delete(key: K): void {
    this.known.delete(key);
  }
}
