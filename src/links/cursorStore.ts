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

/** The position of a change stream. Times are ISO. */
export interface StreamPosition {
  /** `zendesk:tickets` */
  name: string;
  /** Null: the beginning of the stream. */
  cursor: string | null;
  /** When the cursor moved last. */
  movedAt: string;
  /** When the stream was last read to its end; null for never. */
  readAt: string | null;
  /** When the stream last had nothing unread, as far as is known; null for never. */
  currentAt: string | null;
}

/** The cursors of all change streams. */
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

  /** The position of a stream; null before its first page. */
  async position(name: string): Promise<StreamPosition | null> {
    const found = await this.cursors.findOne({ _id: name });
    return found && toPosition(found);
  }

  async positions(): Promise<StreamPosition[]> {
    return (await this.cursors.find().sort({ _id: 1 }).toArray()).map(toPosition);
  }

  /** Advances a cursor. @returns false if another process moved it since it was read; it then stays as it is */
  async advance(name: string, from: string | null, to: string): Promise<boolean> {
    const set = { $set: { cursor: to, updatedAt: this.now().toISOString() } };
    try {
      // Before the first page, there is no document. If the cursor has moved, the upsert fails with a duplicate _id.
      const { matchedCount, upsertedCount } = await this.cursors.updateOne({ _id: name, cursor: from }, set, {
        upsert: from === null,
      });
      return matchedCount + upsertedCount > 0;
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }

  /** Sets a cursor, even if a process is reading the stream. */
  async rewind(name: string, to: string | null): Promise<void> {
    const set = { cursor: to, updatedAt: this.now().toISOString() };
    await this.cursors.updateOne(
      { _id: name },
      { $set: set, $unset: { readAt: '', currentAt: '' } },
      { upsert: true },
    );
  }

  /** Stores that a stream was read to its end. */
  async noteRead(name: string, at: Date): Promise<void> {
    await this.setCurrent(name, at, { readAt: at.toISOString() });
  }

  /** Stores that a stream has nothing unread, which was found out without reading it. */
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
