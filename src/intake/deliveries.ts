import { type Collection, type Db } from 'mongodb';
import { duplicatesOf } from '../platform/mongoErrors';
import { REPLAY_WINDOW_MS } from './signature';

/**
 * Deliveries that were handed over, so that one that comes again is answered and no more. Durable, shared by all
 * receivers, and bounded in time: what is older than any signature that is still accepted can go.
 */

/** Longer than a signature lives, and than a sender goes on trying. */
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

  /** @returns those of the marks that are done already */
  async known(marks: string[]): Promise<Set<string>> {
    const found = await this.done
      .find({ _id: { $in: marks } })
      .project<Pick<DeliveryDocument, '_id'>>({ _id: 1 })
      .toArray();
    return new Set(found.map(({ _id }) => _id));
  }

  /** Call it after the deliveries are handed over, not before: the retry of a delivery that failed must be accepted. */
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

  /** Not a TTL index: the embedded MongoDB knows none. */
  private async sweep(): Promise<void> {
    const now = this.now();
    if (now - this.sweptAt < SWEEP_EVERY_MS) return;
    this.sweptAt = now;
    await this.done.createIndex({ at: 1 });
    await this.done.deleteMany({ at: { $lt: new Date(now - KEPT_MS) } });
  }
}
