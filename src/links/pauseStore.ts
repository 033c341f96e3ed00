import type { Collection, Db } from 'mongodb';
import type { CanonicalKey } from '../sync/canonicalKey';
import { ENTITY_TYPES, type EntityType, type RefKey } from '../sync/record';

/** The messages that a pair received while its entity type was paused. */
export interface HeldBack {
  key: CanonicalKey;
  refs: RefKey[];
  force: boolean;
}

interface PauseDocument {
  _id: EntityType;
  since: string;
}
interface HeldDocument {
  _id: CanonicalKey;
  entity: EntityType;
  refs: RefKey[];
  force: boolean;
}

/** The time after which every process has noticed a pause, in milliseconds. */
export const PAUSE_HEARD_MS = 1_000;

/** The entity types that an operator paused, and the messages that arrived meanwhile. */
export class ControlStore {
  /** When each was last found not to be paused, in milliseconds of this process's clock. */
  private readonly seenFree = new Map<EntityType, number>();
  private readonly pauses: Collection<PauseDocument>;
  private readonly held: Collection<HeldDocument>;

  constructor(db: Db, prefix: string) {
    this.pauses = db.collection(`${prefix}pauses`);
    this.held = db.collection(`${prefix}held`);
  }

  /** Whether it is paused. The answer false may be {@link PAUSE_HEARD_MS} old; true is always the present state. */
  async isPaused(entity: EntityType): Promise<boolean> {
    const asked = performance.now();
    if (asked - (this.seenFree.get(entity) ?? -Infinity) < PAUSE_HEARD_MS) return false;
    const paused = (await this.pauses.findOne({ _id: entity })) !== null;
    if (paused) this.seenFree.delete(entity);
    else this.seenFree.set(entity, asked);
    return paused;
  }

  /** The paused entity types, with the ISO time of the pause. */
  async paused(): Promise<Partial<Record<EntityType, string>>> {
    const found = new Map((await this.pauses.find().toArray()).map(({ _id, since }) => [_id, since]));
    return Object.fromEntries(
      ENTITY_TYPES.flatMap((type) => (found.has(type) ? [[type, found.get(type)]] : [])),
    );
  }

  async pause(entity: EntityType, since: Date): Promise<void> {
    const document = { $setOnInsert: { since: since.toISOString() } };
    await this.pauses.updateOne({ _id: entity }, document, { upsert: true });
  }

  async resume(entity: EntityType): Promise<void> {
    await this.pauses.deleteOne({ _id: entity });
  }

  /** Adds messages to those that are held back for a pair. */
  async holdBack({ key, refs, force }: HeldBack, entity: EntityType): Promise<void> {
    await this.held.updateOne(
      { _id: key },
      { $addToSet: { refs: { $each: refs } }, $max: { force }, $set: { entity } },
      { upsert: true },
    );
  }

  /** A page of the messages that are held back for an entity type, in the order of the keys. */
  async heldBack(entity: EntityType, limit: number): Promise<HeldBack[]> {
    const found = await this.held.find({ entity }).sort({ _id: 1 }).limit(limit).toArray();
    return found.map(({ _id, refs, force }) => ({ key: _id, refs, force }));
  }

  async countHeldBack(): Promise<Partial<Record<EntityType, number>>> {
    const counts: Partial<Record<EntityType, number>> = {};
    for (const type of ENTITY_TYPES) {
      const count = await this.held.countDocuments({ entity: type });
      if (count > 0) counts[type] = count;
    }
    return counts;
  }

  /** Drops messages that were sent. Messages that arrived in between stay. */
  async drop({ key, refs, force }: HeldBack): Promise<void> {
    await this.held.deleteOne({ _id: key, refs, force });
  }
}
