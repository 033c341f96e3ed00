import type { Collection, Db } from 'mongodb';

/** Why a process cannot serve one of its connections. Times are ISO. */
export interface FailedStart {
  /** Host name and process id. */
  process: string;
  why: string;
  since: string;
  nextAttempt: string;
}

type StartDocument = Omit<FailedStart, 'process'> & { _id: string };

/** After this time without a new attempt, the process counts as ended, and its entry is ignored. */
const GONE_AFTER_MS = 5 * 60_000;

/** Stores in a connection's database why processes cannot serve it, for `status` and the console. */
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
