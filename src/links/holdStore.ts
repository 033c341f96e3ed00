import { setTimeout as sleep } from 'node:timers/promises';
import type { Collection, Db } from 'mongodb';
import type { BrakeHold, HoldId, Holds, HoldState } from '../sync/holds';
import type { EntityType } from '../sync/record';

type HoldDocument = Omit<BrakeHold, 'id'> & { _id: HoldId };

/** For how long each process caches the holds, in milliseconds. After this time, no process uses an older state. */
const HOLD_CACHE_MS = 1_000;

/** The holds of the brake: begun by the brake itself, or by an undo. There are few. */
export class HoldStore {
  private readonly holds: Collection<HoldDocument>;
  private known: { at: number; holds: Promise<BrakeHold[]> } | null = null;

  constructor(db: Db, prefix: string) {
    this.holds = db.collection(`${prefix}holds`);
  }

  /**
   * The holds of an entity, at most {@link HOLD_CACHE_MS} old: the cache costs one read a second for all pairs of a
   * process.
   */
  async of(entity: EntityType): Promise<Holds> {
    const asked = performance.now();
    if (!this.known || asked - this.known.at >= HOLD_CACHE_MS) {
      const holds = this.all();
      const known = { at: asked, holds };
      this.known = known;
      holds.catch(() => {
        if (this.known === known) this.known = null;
      });
    }
    return (await this.known.holds).filter((hold) => hold.entity === entity);
  }

  /** All holds in their present state, the oldest first. */
  async all(): Promise<BrakeHold[]> {
    const found = await this.holds.find().sort({ since: 1, _id: 1 }).toArray();
    return found.map(({ _id, ...rest }) => ({ id: _id, ...rest }));
  }

  /** Begins a hold. A hold with this id that exists already does not change. @returns whether the hold is new */
  async begin({ id, ...rest }: BrakeHold): Promise<boolean> {
    const { upsertedCount } = await this.holds.updateOne(
      { _id: id },
      { $setOnInsert: rest },
      { upsert: true },
    );
    this.known = null;
    return upsertedCount > 0;
  }

  /** @returns whether the hold exists */
  async setState(id: HoldId, state: HoldState, counts?: BrakeHold['counts']): Promise<boolean> {
    const { matchedCount } = await this.holds.updateOne(
      { _id: id },
      { $set: { state, ...(counts && { counts }) } },
    );
    this.known = null;
    return matchedCount > 0;
  }

  /** Resolves when the caches of all processes have expired, so that all know the present state of the holds. */
  async waitUntilCachesExpire(): Promise<void> {
    await sleep(HOLD_CACHE_MS);
  }

  async end(id: HoldId): Promise<void> {
    await this.holds.deleteOne({ _id: id });
    this.known = null;
  }
}
