import type { Collection, Db } from 'mongodb';

/** Why a process cannot serve a connection, of several that it has. Times are ISO. */
export interface FailedStart {
  /** Host and process. */
  process: string;
  why: string;
  since: string;
  nextAttempt: string;
}

type StartDocument = Omit<FailedStart, 'process'> & { _id: string };

/** A process that was to try again and did not is gone, and what it said with it. */
const GONE_AFTER_MS = 5 * 60_000;

/** What processes that cannot serve a connection leave in its database, where `status` and the console look. */
export class Starts {
  private readonly failed: Collection<StartDocument>;

  constructor(db: Db) {
    this.failed = db.collection('starts');
  }

  async note({ process, ...failure }: FailedStart): Promise<void> {
    await this.failed.replaceOne({ _id: process }, failure, { upsert: true });
  }

  async clear(process: string): Promise<void> {
    await this.failed.deleteOne({ _id: process });
  }

  async all(now: Date): Promise<FailedStart[]> {
    const oldest = new Date(now.getTime() - GONE_AFTER_MS).toISOString();
    const found = await this.failed.find({ nextAttempt: { $gte: oldest } }).toArray();
    return found.map(({ _id, ...failure }) => ({ process: _id, ...failure }));
  }
}
