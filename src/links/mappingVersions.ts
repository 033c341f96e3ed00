import type { Collection, Db } from 'mongodb';
import type { EntityType } from '../sync/record';
import type { Bindings } from '../sync/rules/sameFields';

interface MappingDocument {
  /** The mapping's version, a digest of its file. */
  _id: string;
  /** When the mapping last came into use, in milliseconds since the epoch. */
  at: number;
  /** The bindings of its rows when a release that stores them first used the mapping; absent until then. */
  bindings?: RowBindings;
}

/** Digests by entity and row id; see `bindingsOf`. */
export type RowBindings = Partial<Record<EntityType, Bindings>>;

/**
 * The order in which mappings came into use, over all workers. A changed mapping file reaches one worker after another.
 * Workers with the former mapping do not plan pairs that were synced with the new one: the two would undo each other.
 */
export class MappingVersions {
  private readonly versions: Collection<MappingDocument>;

  constructor(
    db: Db,
    private readonly now: () => Date,
  ) {
    this.versions = db.collection('mappings');
  }

  /** A worker starts with this mapping. @returns the version of a newer mapping; null if there is none */
  async begin(version: string): Promise<string | null> {
    await this.versions.updateOne(
      { _id: version },
      { $setOnInsert: { at: this.now().getTime() } },
      { upsert: true },
    );
    const all = await this.versions.find().toArray();
    const newest = all.reduce<MappingDocument | null>((a, b) => (a && a.at >= b.at ? a : b), null);
    return newest && newest._id !== version ? newest._id : null;
  }

  /** A person has replaced the mapping by this one, which may also be an older one. */
  async replace(version: string): Promise<void> {
    await this.versions.updateOne({ _id: version }, { $set: { at: this.now().getTime() } }, { upsert: true });
  }

  /**
   * Stores the bindings of a mapping's rows, unless they are stored already. Links without bindings of their own use
   * them.
   */
  async keepBindings(version: string, bindings: RowBindings): Promise<void> {
    const known = await this.bindingsOf(version);
    const news = Object.entries(bindings).flatMap(([entity, rows]) =>
      Object.entries(rows)
        .filter(([row]) => known?.[entity as EntityType]?.[row] === undefined)
        .map(([row, binding]): [string, string] => [`bindings.${entity}.${row}`, binding]),
    );
    if (news.length > 0) await this.versions.updateOne({ _id: version }, { $set: Object.fromEntries(news) });
  }

  /** @returns null if none are stored */
  async bindingsOf(version: string): Promise<RowBindings | null> {
    return (await this.versions.findOne({ _id: version }))?.bindings ?? null;
  }

  /** Whether the first mapping came into use after the second. */
  async isNewer(version: string, than: string): Promise<boolean> {
    const found = await this.versions.find({ _id: { $in: [version, than] } }).toArray();
    const at = (id: string) => found.find(({ _id }) => _id === id)?.at ?? 0;
    return at(version) > at(than);
  }
}
