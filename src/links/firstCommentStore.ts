import type { Collection, Db } from 'mongodb';
import { byIds, type ReadByIds } from './byIds';

interface FirstCommentDocument {
  /** The ticket's id. */
  _id: string;
  /** Absent while the comment was not seen. */
  public?: boolean;
  /**
   * The visibility of the ticket's record when it was last dispatched; null if unknown. Absent before the first time.
   */
  shown?: boolean | null;
}

/**
 * Whether the first comment of each ticket is public, which is the visibility of the ticket. Zendesk shows it with the
 * comments only, so a process that has seen it stores it for all (see `VisibilityMemory` in src/systems/port.ts).
 */
export class FirstCommentStore {
  private readonly tickets: Collection<FirstCommentDocument>;
  private readonly read: ReadByIds<FirstCommentDocument>;

  constructor(db: Db, prefix: string) {
    this.tickets = db.collection(`${prefix}firstComments`);
    this.read = byIds(this.tickets);
  }

  /**
   * @param isHandedOn whether the caller is going to dispatch the tickets' records with this visibility
   * @param seen visibilities that were just seen; they are learned
   * @returns the known visibilities
   */
  async recall(
    ids: readonly string[],
    isHandedOn = true,
    seen: ReadonlyMap<string, boolean> = new Map(),
  ): Promise<ReadonlyMap<string, boolean>> {
    const found = new Map((await this.read(ids)).map((each) => [each._id, each]));
    const known = new Map<string, boolean>();
    const changes: { _id: string; set: Partial<FirstCommentDocument> }[] = [];
    for (const _id of ids) {
      const { public: before, shown } = found.get(_id) ?? {};
      const isPublic = seen.get(_id) ?? before;
      if (isPublic !== undefined) known.set(_id, isPublic);
      const set = {
        ...(isPublic !== undefined && isPublic !== before && { public: isPublic }),
        ...(isHandedOn && shown !== (isPublic ?? null) && { shown: isPublic ?? null }),
      };
      if (Object.keys(set).length > 0) changes.push({ _id, set });
    }
    await this.set(changes);
    return known;
  }

  /** @returns the tickets whose records were dispatched with another visibility */
  async learn(said: ReadonlyMap<string, boolean>): Promise<string[]> {
    const found = new Map((await this.read([...said.keys()])).map((each) => [each._id, each]));
    const news = [...said].filter(([id, isPublic]) => found.get(id)?.public !== isPublic);
    await this.set(news.map(([_id, isPublic]) => ({ _id, set: { public: isPublic } })));
    return [...said].flatMap(([id, isPublic]) => {
      const shown = found.get(id)?.shown;
      return shown === undefined || shown === isPublic ? [] : [id];
    });
  }

  private async set(changes: { _id: string; set: Partial<FirstCommentDocument> }[]): Promise<void> {
    if (changes.length === 0) return;
    await this.tickets.bulkWrite(
      changes.map(({ _id, set }) => ({
        updateOne: { filter: { _id }, update: { $set: set }, upsert: true },
      })),
      { ordered: false },
    );
  }
}
