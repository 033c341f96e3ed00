import type { Collection, Db } from 'mongodb';
import type { EntityType } from '../sync/record';
import type { Bindings } from '../sync/rules/sameFields';

interface MappingDocument {
  /** The mapping's version, a digest of its file. */
  _id: string;
  /** Milliseconds since the epoch at which it was last taken into use. */
  at: number;
  /** What its rows were bound to when a release that keeps this first used it; absent until then. */
  bindings?: RowBindings;
}

/** Digests by entity and row id; see `bindingsOf`. */
export type RowBindings = Partial<Record<EntityType, Bindings>>;

/**
 * In which order mappings came into use, over all workers. While a change of the mapping file reaches one worker after
 * another, those that do not have it yet leave alone what was synced by it: two mappings would undo each other.
 */
export class MappingVersions {
  private readonly versions: Collection<MappingDocument>;

  constructor(
    db: Db,
    private readonly now: () => Date,
  ) {
    this.versions = db.collection('mappings');
  }

  /** A worker starts with this mapping. @returns a newer one that is known, if any */
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

  /** A person put this mapping in place of the one before; also an older one that was in use once. */
  async replace(version: string): Promise<void> {
    await this.versions.updateOne({ _id: version }, { $set: { at: this.now().getTime() } }, { upsert: true });
  }

  /**
   * Keeps what a mapping's rows are bound to, where nothing is known of it. Links that do not say what their rows were
   * bound to go by it.
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

  /** @returns null where nothing is known of it */
  async bindingsOf(version: string): Promise<RowBindings | null> {
    return (await this.versions.findOne({ _id: version }))?.bindings ?? null;
  }

  /** Whether the first came into use after the second. */
  async isNewer(version: string, than: string): Promise<boolean> {
    const found = await this.versions.find({ _id: { $in: [version, than] } }).toArray();
    const at = (id: string) => found.find(({ _id }) => _id === id)?.at ?? 0;
    return at(version) > at(than);
  }
}
