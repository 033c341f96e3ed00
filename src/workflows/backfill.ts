import {
  ActivityFailure,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  isCancellation,
  patched,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { BackfillActivities, BackfillSystemActivities } from '../activities/types';
import type { BackfillStep } from '../sync/backfillVerdict';
import { addBackfill, doneIn, noBackfill, type BackfillTallies } from '../sync/backfillTally';
import { SIDES, otherSide, type Side } from '../sync/record';
import { EVENTS_AT_MOST } from './historyLength';
import { PRIORITY, taskQueueOf } from '../sync/taskQueues';

/** Pages written at once. Each holds two hundred records in memory at a time. */
const WINDOW = 4;
/** Pages that are read ahead while the window is full, so that the next page is ready when one is written. */
const READ_AHEAD = 1;
/** How often a page whose entity type an operator paused is tried again. */
const PAUSED_LOOK = '15 seconds';

export interface BackfillProgress {
  run: string;
  startedAt: string;
  state: 'running' | 'paused' | 'cancelling' | 'cancelled' | 'done';
  /** All steps, in order; null until they are known. */
  steps: BackfillStep[] | null;
  /** The number of steps that are done. */
  done: number;
  /** Where the next page of the present step begins: a cursor, or a page that was stored. */
  cursor: string | null;
  nextPage: number;
  /**
   * Pages that were stored and are written by a later step, by `side:kind`: the first page, and the one after the last.
   */
  stored: Record<string, [number, number]>;
  /** Pages that were read, and are not completely written yet. */
  open: { page: number; side: Side }[];
  tallies: BackfillTallies;
  /**
   * The present step: when it began, and the times of last change of the first and of the latest record that it read.
   */
  step: { startedAt: string; first: string | null; reached: string | null };
  failed: { what: string; why: string }[];
}

/** The progress. */
export const backfillProgress = defineQuery<BackfillProgress>('progress');
/** Pages in progress are finished, and no new page begins. */
export const pauseBackfill = defineSignal('pause');
export const resumeBackfill = defineSignal('resume');
/**
 * Ends the backfill when the pages in progress are finished. Linked pairs stay linked; a later backfill does the rest.
 */
export const cancelBackfill = defineSignal('cancel');

const service = proxyActivities<BackfillActivities>({
  startToCloseTimeout: '1 hour',
  heartbeatTimeout: '15 seconds',
  retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
  priority: PRIORITY.background,
});

function system(side: Side): BackfillSystemActivities {
  return proxyActivities<BackfillSystemActivities>({
    taskQueue: taskQueueOf(workflowInfo().taskQueue, side, 'background'),
    // Each call may wait for the next minute of a scarce limit.
    startToCloseTimeout: '2 hours',
    heartbeatTimeout: '15 seconds',
    retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
    priority: PRIORITY.background,
  });
}

/**
 * The first sync of an account: reads both sides in pages, and writes simple cases in bulk, several pages at once.
 * Contents stay in the link store; a page is a number here. Other cases are left to the pairs' own workflows.
 */
export async function backfill(carried?: BackfillProgress): Promise<BackfillProgress> {
  const progress: BackfillProgress = carried ?? newProgress();
  const backfilling = new Backfilling(progress);
  setHandler(backfillProgress, () => progress);
  setHandler(pauseBackfill, () => backfilling.changeState('running', 'paused'));
  setHandler(resumeBackfill, () => backfilling.changeState('paused', 'running'));
  setHandler(cancelBackfill, () => {
    backfilling.changeState('running', 'cancelling');
    backfilling.changeState('paused', 'cancelling');
  });
  if (progress.steps === null) {
    for (const side of SIDES) await system(side).beginBackfillOn();
    progress.steps = await service.planBackfill();
  }
  await backfilling.run(progress.steps);
  if (backfilling.isFull) await continueAsNew<typeof backfill>(progress);
  await service.wakeWaiting();
  await service.endBackfill();
  progress.state = progress.state === 'cancelling' ? 'cancelled' : 'done';
  setCurrentDetails(inWords(progress));
  return progress;
}

class Backfilling {
  /** The history has grown long: a new run continues. */
  isFull = false;
  /** Pages that wait for room in the window, or are in it. */
  private unfinished = 0;
  private inWindow = 0;
  private ahead = 0;

  constructor(private readonly progress: BackfillProgress) {}

  changeState(from: BackfillProgress['state'], to: BackfillProgress['state']): void {
    if (this.progress.state === from) this.progress.state = to;
  }

  /** Works until everything is done, the run is cancelled, or the history is full. No page is in progress then. */
  async run(steps: BackfillStep[]): Promise<void> {
    const { progress } = this;
    this.ahead = patched('pages-read-ahead') ? READ_AHEAD : 0;
    for (const { page, side } of progress.open) void this.write(page, side);
    while (progress.done < steps.length) {
      const step = steps[progress.done];
      if (!step || !(await this.mayBegin())) break;
      if (step.do === 'write') this.writeStored(step);
      else await this.read(step);
      setCurrentDetails(inWords(progress));
    }
    await condition(() => this.unfinished === 0);
  }

  /** Waits for room in the window, and for the end of a pause. @returns false where no page may begin any more */
  private async mayBegin(): Promise<boolean> {
    const { progress } = this;
    await condition(() => {
      const { historyLength, continueAsNewSuggested } = workflowInfo();
      this.isFull ||= continueAsNewSuggested || historyLength > EVENTS_AT_MOST;
      return (
        this.isFull ||
        progress.state === 'cancelling' ||
        (progress.state === 'running' && progress.open.length < WINDOW + this.ahead)
      );
    });
    return !this.isFull && progress.state === 'running';
  }

  private writeStored({ side, kind }: BackfillStep): void {
    const { progress } = this;
    const [from, to] = progress.stored[`${side}:${kind}`] ?? [0, 0];
    const page = progress.cursor === null ? from : Number(progress.cursor);
    if (page < to) {
      progress.cursor = String(page + 1);
      this.begin(page, side);
    }
    if (page + 1 >= to) this.nextStep();
  }

  private async read({ side, kind, do: what }: BackfillStep): Promise<void> {
    const { progress } = this;
    const { run, cursor, nextPage: page } = progress;
    const name = `${side}:${kind}`;
    try {
      const read = await system(side).readBackfillPage({ run, kind, page, cursor });
      progress.tallies = addBackfill(progress.tallies, read.tallies);
      progress.step.first ??= read.reached;
      progress.step.reached = read.reached ?? progress.step.reached;
      progress.cursor = read.cursor;
      progress.nextPage += 1;
      if (what === 'store') progress.stored[name] = [progress.stored[name]?.[0] ?? page, page + 1];
      else if (!read.empty) this.begin(page, side);
    } catch (error) {
      progress.cursor = null;
      this.note(`${side} ${kind}`, error);
    }
    if (progress.cursor === null) this.nextStep();
  }

  private nextStep(): void {
    const { progress } = this;
    progress.done += 1;
    progress.cursor = null;
    progress.step = newStep();
  }

  private begin(page: number, side: Side): void {
    this.progress.open.push({ page, side });
    void this.write(page, side);
  }

  /** Writes a page to its end, unless a new run has to. */
  private async write(page: number, side: Side): Promise<void> {
    const { progress } = this;
    const { run } = progress;
    const isOver = () => this.isOver();
    this.unfinished += 1;
    try {
      for (;;) {
        if (this.ahead > 0 && !(await this.enterWindow())) return;
        const { state, tallies } = await system(otherSide(side))
          .writeBackfillPage({ run, page })
          .finally(() => (this.inWindow -= 1));
        if (state === 'done') {
          progress.tallies = addBackfill(progress.tallies, tallies);
          break;
        }
        if (isOver() || (await condition(isOver, PAUSED_LOOK))) return;
      }
      this.close(page);
    } catch (error) {
      this.close(page);
      // The main path handles a cancellation.
      if (!isCancellation(error)) this.note(`page ${page} of ${side}`, error);
    } finally {
      this.unfinished -= 1;
    }
  }

  /** Waits until the page may be written. @returns false where no page may begin any more */
  private async enterWindow(): Promise<boolean> {
    const hasRoom = () => this.inWindow < WINDOW && this.progress.state === 'running';
    // One page that ends may wake several that wait.
    while (!this.isOver() && !hasRoom()) await condition(() => this.isOver() || hasRoom());
    if (this.isOver()) return false;
    this.inWindow += 1;
    return true;
  }

  private isOver(): boolean {
    return this.isFull || this.progress.state === 'cancelling';
  }

  private close(page: number): void {
    this.progress.open = this.progress.open.filter((each) => each.page !== page);
  }

  private note(what: string, error: unknown): void {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    this.progress.failed.push({ what, why: error.cause?.message ?? error.message });
  }
}

function newStep(): BackfillProgress['step'] {
  return { startedAt: new Date().toISOString(), first: null, reached: null };
}

function newProgress(): BackfillProgress {
  return {
    run: workflowInfo().runId,
    startedAt: new Date().toISOString(),
    state: 'running',
    steps: null,
    done: 0,
    cursor: null,
    nextPage: 0,
    stored: {},
    open: [],
    tallies: noBackfill(),
    step: newStep(),
    failed: [],
  };
}

function inWords({ state, steps, done, tallies, failed }: BackfillProgress): string {
  const lines = [`${state}: ${doneIn(tallies)} records, step ${done} of ${steps?.length ?? '?'}`];
  return [...lines, ...failed.map(({ what, why }) => `not done: ${what} (${why})`)].join('\n\n');
}
