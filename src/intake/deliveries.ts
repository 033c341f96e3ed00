import { type Collection, type Db } from 'mongodb';
import { duplicatesOf } from '../platform/mongoErrors';
import { REPLAY_WINDOW_MS } from './signature';

/**
 * The deliveries that were handed over, so that a repeat is answered and not processed again. They are stored, shared
 * by all receivers, and deleted when they are older than any signature that is still accepted.
 */

/** Longer than a signature is valid, and longer than a sender repeats a delivery. */
const KEPT_MS = 12 * REPLAY_WINDOW_MS;
const SWEEP_EVERY_MS = REPLAY_WINDOW_MS;

interface DeliveryDocument {
  _id: string;
  at: Date;
}

export class Deliveries {
  private sweptAt = Number.NEGATIVE_INFINITY;

  private constructor(
    private readonly done: Collection<DeliveryDocument>,
    private readonly now: () => number,
  ) {}

  static of(db: Db, now: () => number = Date.now): Deliveries {
    return new Deliveries(db.collection<DeliveryDocument>('deliveries'), now);
  }

  /** @returns the marks that are stored already */
  async known(marks: string[]): Promise<Set<string>> {
    const found = await this.done
      .find({ _id: { $in: marks } })
      .project<Pick<DeliveryDocument, '_id'>>({ _id: 1 })
      .toArray();
    return new Set(found.map(({ _id }) => _id));
  }

  /** Call this after the deliveries were handed over, so that the retry of a failed delivery is accepted. */
  async remember(marks: string[]): Promise<void> {
    const at = new Date(this.now());
    try {
      await this.done.insertMany(
        marks.map((_id) => ({ _id, at })),
        { ordered: false },
      );
    } catch (error) {
      duplicatesOf(error);
    }
    await this.sweep();
  }

  /** Deletes old marks. A TTL index would not work, because the embedded MongoDB has none. */
  private async sweep(): Promise<void> {
    const now = this.now();
    if (now - this.sweptAt < SWEEP_EVERY_MS) return;
    this.sweptAt = now;
    await this.done.createIndex({ at: 1 });
    await this.done.deleteMany({ at: { $lt: new Date(now - KEPT_MS) } });
  }
}
