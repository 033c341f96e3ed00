import type { Collection, Db } from 'mongodb';

/** How far behind a stream was at most, within a minute. */
export interface LagSample {
  /** `zendesk:tickets` */
  stream: string;
  /** Its beginning. */
  minute: Date;
  behindMs: number;
}

type LagDocument = LagSample & { _id: string };

const MINUTE_MS = 60_000;
/** An hour, and the minute under way. */
const SLOTS = 64;

/** Samples of the last hour, one a stream and minute. A slot is written over an hour later, so nothing has to be tidied. */
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

  /** In the order of streams and time. */
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
