import type { Collection, Db } from 'mongodb';

/** The maximum lag of a stream within a minute. */
export interface LagSample {
  /** `zendesk:tickets` */
  stream: string;
  /** The beginning of the minute. */
  minute: Date;
  behindMs: number;
}

type LagDocument = LagSample & { _id: string };

const MINUTE_MS = 60_000;
/** One hour, and the present minute. */
const SLOTS = 64;

/**
 * Samples of the last hour, one for each stream and minute. An hour later, a slot is reused, so nothing must be
 * deleted.
 */
export class LagSamples {
  private readonly samples: Collection<LagDocument>;

  constructor(db: Db, prefix: string) {
    this.samples = db.collection(`${prefix}lag`);
  }

  async note(stream: string, at: Date, behindMs: number): Promise<void> {
    const number = Math.floor(at.getTime() / MINUTE_MS);
    const _id = `${stream}#${number % SLOTS}`;
    const minute = new Date(number * MINUTE_MS);
    const { matchedCount } = await this.samples.updateOne({ _id, minute }, { $max: { behindMs } });
    if (matchedCount === 0)
      await this.samples.replaceOne({ _id }, { stream, minute, behindMs }, { upsert: true });
  }

  /** All samples, by stream and time. */
  async since(from: Date): Promise<LagSample[]> {
    const found = await this.samples.find().toArray();
    return found
      .filter(({ minute }) => minute >= from)
      .map(({ stream, minute, behindMs }) => ({ stream, minute, behindMs }))
      .sort((a, b) =>
        a.stream === b.stream ? a.minute.getTime() - b.minute.getTime() : a.stream < b.stream ? -1 : 1,
      );
  }
}
