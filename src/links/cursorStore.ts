import type { Collection, Db } from 'mongodb';
import { isDuplicateKey } from '../platform/mongoErrors';
import type { LagSamples } from './lagSamples';

interface CursorDocument {
  _id: string;
  cursor: string | null;
  updatedAt: string;
  readAt?: string;
  currentAt?: string;
}

/** How far a change stream was read. Times are ISO. */
export interface StreamPosition {
  /** `zendesk:tickets` */
  name: string;
  /** Null: from its beginning. */
  cursor: string | null;
  /** When the cursor moved last. */
  movedAt: string;
  /** When the stream was last read to its end; null for never. */
  readAt: string | null;
  /** When it was last known that nothing in the stream was unread; null for never. */
  currentAt: string | null;
}

/** How far each change stream was read. */
export class CursorStore {
  private readonly cursors: Collection<CursorDocument>;

  constructor(
    db: Db,
    prefix: string,
    private readonly lag: LagSamples,
    private readonly now: () => Date,
  ) {
    this.cursors = db.collection(`${prefix}cursors`);
  }

  /** How far a stream was read; null before its first page. */
  async position(name: string): Promise<StreamPosition | null> {
    const found = await this.cursors.findOne({ _id: name });
    return found && toPosition(found);
  }

  async positions(): Promise<StreamPosition[]> {
    return (await this.cursors.find().sort({ _id: 1 }).toArray()).map(toPosition);
  }

  /** Moves a cursor on. @returns false where somebody else moved it since it was read; then it stays as it is. */
  async advance(name: string, from: string | null, to: string): Promise<boolean> {
    const set = { $set: { cursor: to, updatedAt: this.now().toISOString() } };
    try {
      // Before the first page there is no document. Where the cursor moved, the upsert meets its _id and is refused.
      const { matchedCount, upsertedCount } = await this.cursors.updateOne({ _id: name, cursor: from }, set, {
        upsert: from === null,
      });
      return matchedCount + upsertedCount > 0;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }

  /** Puts a cursor somewhere else, whoever reads the stream just now. */
  async rewind(name: string, to: string | null): Promise<void> {
    const set = { cursor: to, updatedAt: this.now().toISOString() };
    await this.cursors.updateOne(
      { _id: name },
      { $set: set, $unset: { readAt: '', currentAt: '' } },
      { upsert: true },
    );
  }

  /** Notes that a stream was read to its end. */
  async noteRead(name: string, at: Date): Promise<void> {
    await this.setCurrent(name, at, { readAt: at.toISOString() });
  }

  /** Notes that there is nothing unread in a stream, as was found without reading it. */
  async noteCurrent(name: string, at: Date): Promise<void> {
    await this.setCurrent(name, at, {});
  }

  private async setCurrent(name: string, at: Date, set: { readAt?: string }): Promise<void> {
    const before = await this.cursors.findOneAndUpdate(
      { _id: name },
      { $set: { ...set, currentAt: at.toISOString() } },
      { returnDocument: 'before' },
    );
    if (before?.currentAt === undefined) return;
    await this.lag.note(name, at, Math.max(0, at.getTime() - Date.parse(before.currentAt)));
  }
}

function toPosition({ _id, cursor, updatedAt, readAt, currentAt }: CursorDocument): StreamPosition {
  return {
    name: _id,
    cursor,
    movedAt: updatedAt,
    readAt: readAt ?? null,
    currentAt: currentAt ?? readAt ?? null,
  };
}
