import type { VisibilityMemory } from '../port';

interface Known {
  public?: boolean;
  /** The visibility with which the ticket's record was last returned; null: unknown. */
  shown?: boolean | null;
}

/** A memory in this process only: until the link store is connected, and for commands without a link store. */
export class FirstComments implements VisibilityMemory {
  private readonly tickets = new Map<string, Known>();

  async recall(
    ids: readonly string[],
    isHandedOn = true,
    seen: ReadonlyMap<string, boolean> = new Map(),
  ): Promise<ReadonlyMap<string, boolean>> {
    await this.learn(seen);
    const known = new Map<string, boolean>();
    for (const id of ids) {
      const isPublic = this.tickets.get(id)?.public;
      if (isPublic !== undefined) known.set(id, isPublic);
      if (isHandedOn) this.tickets.set(id, { ...this.tickets.get(id), shown: isPublic ?? null });
    }
    return known;
  }

  learn(visibility: ReadonlyMap<string, boolean>): Promise<string[]> {
    const outdated: string[] = [];
    for (const [id, isPublic] of visibility) {
      const before = this.tickets.get(id);
      if (before?.shown !== undefined && before.shown !== isPublic) outdated.push(id);
      this.tickets.set(id, { ...before, public: isPublic });
    }
    return Promise.resolve(outdated);
  }
}
