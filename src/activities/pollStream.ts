import { cancellationSignal, heartbeat } from '@temporalio/activity';
import type { Lane } from '../sync/lane';
import type { Side, SyncRecord } from '../sync/record';
import type { Trouble } from '../links/troubles';
import { inCallContext } from '../systems/callContext';
import { changesFrom } from '../systems/changesFrom';
import { NeedsHuman, RetryLater, publicMessage } from '../systems/errors';
import type { ActivityContext } from './activityContext';
import { Repeats, isQuiet } from './quietStreams';
import { takeIn } from './takeIn';
import type { PollOutcome } from './types';

/** Pages that one poll reads before it hands over to the next; the cursor is stored after each. */
const PAGES_PER_POLL = 200;

/** Polls one side's change streams: reads pages, hands them on, and moves the cursors. */
export class StreamPolls {
  private readonly repeats = new Map<string, Repeats>();

  constructor(
    private readonly side: Side,
    private readonly lane: Lane,
  ) {}

  async poll(context: ActivityContext, stream: string): Promise<PollOutcome> {
    const { store } = context;
    const port = context.systems[this.side];
    const name = this.nameOf(stream);
    const outcome = { pages: 0, records: 0, hinted: 0 };
    const position = await store.cursors.position(name);
    // A backfill will set the cursor.
    if (position === null && (await store.backfill.isAnnounced())) return outcome;
    const leader = port.follows[stream];
    if (
      leader !== undefined &&
      isQuiet(await store.cursors.position(this.nameOf(leader)), position, context.now())
    ) {
      await store.cursors.noteCurrent(name, context.now());
      return outcome;
    }
    await this.reportingTrouble(context, () =>
      this.readPages(context, stream, position?.cursor ?? null, outcome),
    );
    return outcome;
  }

  /** Stores whether the system answers, for `status`: each poll shows it. */
  private async reportingTrouble({ store }: ActivityContext, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      await store.troubles.clear(this.side);
    } catch (error) {
      const trouble = troubleOf(error);
      if (trouble) await store.troubles.note(this.side, trouble);
      throw error;
    }
  }

  private async readPages(
    context: ActivityContext,
    stream: string,
    from: string | null,
    outcome: PollOutcome,
  ): Promise<void> {
    const { store, metrics } = context;
    const { side, lane } = this;
    const port = context.systems[side];
    const name = this.nameOf(stream);
    const recent = this.repeatsOf(stream);
    let cursor = from;
    for (;;) {
      const began = context.now();
      // The first page has the edits since the last poll. Further pages are a backlog, which is background work.
      const pageLane = outcome.pages === 0 ? lane : 'background';
      const page = await inCallContext({ lane: pageLane }, () => changesFrom(port, stream, cursor));
      const records = recent.news(cursor, page.records);
      outcome.hinted += await takeIn(context, side, { ...page, records }, `poll:${name}`);
      outcome.pages += 1;
      outcome.records += records.length;
      // After the dispatch, so that a page that fails half-way is read again.
      if (page.cursor !== cursor && !(await store.cursors.advance(name, cursor, page.cursor))) return;
      recent.handedOn(page.cursor, page.records);
      cursor = page.cursor;
      const isAtEnd = !page.more && page.moreLater !== true;
      metrics.pageDispatched(side, stream, page.records.length, newestOf(page.records), isAtEnd);
      heartbeat(outcome);
      if (isAtEnd) await store.cursors.noteRead(name, began);
      // If the worker is shutting down, the next poll continues from the stored cursor.
      const stopping = cancellationSignal().aborted;
      if (!page.more || stopping || outcome.pages >= PAGES_PER_POLL) return;
    }
  }

  private nameOf(stream: string): string {
    return `${this.side}:${stream}`;
  }

  private repeatsOf(stream: string): Repeats {
    const known = this.repeats.get(stream) ?? new Repeats();
    this.repeats.set(stream, known);
    return known;
  }
}

/** Null if the error is no trouble of the system, e.g. a rate limit, or an error of our own. */
function troubleOf(error: unknown): Pick<Trouble, 'code' | 'text'> | null {
  if (error instanceof RetryLater)
    return error.options.queued ? null : { code: 'unavailable', text: error.message };
  if (!(error instanceof NeedsHuman)) return null;
  const { code } = error;
  const isKnown = code === 'unauthorized' || code === 'cursor_refused';
  return { code: isKnown ? code : 'refused', text: publicMessage(error) };
}

function newestOf(records: SyncRecord[]): string | null {
  const times = records.map(({ updatedAt }) => Date.parse(updatedAt));
  return times.length === 0 ? null : new Date(times.reduce((a, b) => Math.max(a, b))).toISOString();
}
