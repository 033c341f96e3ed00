import type { Logger } from 'pino';
import type { ChangeHint } from '../links/hintStore';
import { SIDES, type Side } from '../sync/record';

/** The receiver of deliveries. Each step may be repeated. */
export interface HandOverSteps {
  /** @returns the marks of deliveries that were handed over before */
  known(marks: string[]): Promise<Set<string>>;
  keep(hints: ChangeHint[]): Promise<void>;
  /** Starts or signals the workflow that reads the hints. */
  wake(side: Side): Promise<void>;
  remember(marks: string[]): Promise<void>;
}

export interface Delivery {
  /** Marks of this delivery; it was handed over before if one of them is known. */
  marks: string[];
  hints: ChangeHint[];
}

/** The delivery was not handed over, or the outcome is unknown: the sender must try again. */
export class NotHandedOver extends Error {
  override readonly name = 'NotHandedOver';
}

/** `duplicate`: the delivery was handed over before, and was not handed over again. */
export type HandedOver = 'accepted' | 'duplicate';

interface Waiting extends Delivery {
  settle(outcome: HandedOver | NotHandedOver): void;
}

/** How long events are collected, because one click of an agent causes several. */
const GATHER_MS = 40;
/** The time limit of a hand-over, well below the time-out of senders. */
const DEADLINE_MS = 5_000;
/** The most waiting deliveries. If there are more, Temporal or MongoDB is unavailable or too slow. */
const WAITING_AT_MOST = 5_000;
const BATCH = 1_000;

/**
 * Hands deliveries over in batches (a batch loader): deliveries that arrive within a fraction of a second, or while a
 * batch is being handed over, go together, and the hints of one record become one. A delivery counts as handed over
 * when its hints are stored and the workflow that reads them was signalled.
 */
export class HandOver {
  private waiting: Waiting[] = [];
  private running: Promise<void> | null = null;

  constructor(
    private readonly steps: HandOverSteps,
    private readonly log: Logger,
  ) {}

  /** Resolves when the delivery was handed over. @throws NotHandedOver */
  submit(delivery: Delivery): Promise<HandedOver> {
    if (this.waiting.length >= WAITING_AT_MOST)
      return Promise.reject(new NotHandedOver('too many deliveries are waiting'));
    return new Promise((resolve, reject) => {
      const settle: Waiting['settle'] = (outcome) =>
        outcome instanceof NotHandedOver ? reject(outcome) : resolve(outcome);
      this.waiting.push({ ...delivery, settle });
      this.running ??= this.run();
    });
  }

  private async run(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0, BATCH);
      const outcomeOf = await this.handOver(batch);
      for (const delivery of batch) delivery.settle(outcomeOf(delivery));
    }
    this.running = null;
  }

  private async handOver(batch: Delivery[]): Promise<(delivery: Delivery) => HandedOver | NotHandedOver> {
    try {
      const fresh = await withinDeadline(this.steps, batch);
      return (delivery) => (fresh.has(delivery) ? 'accepted' : 'duplicate');
    } catch (error) {
      this.log.warn({ err: error, deliveries: batch.length }, 'webhooks could not be handed over');
      return () => new NotHandedOver('not handed over');
    }
  }
}

async function withinDeadline(steps: HandOverSteps, batch: Delivery[]): Promise<Set<Delivery>> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${DEADLINE_MS} ms`)), DEADLINE_MS);
  });
  try {
    return await Promise.race([carryOut(steps, batch), deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/** @returns the deliveries that were not known before */
async function carryOut(steps: HandOverSteps, batch: Delivery[]): Promise<Set<Delivery>> {
  const known = await steps.known(batch.flatMap(({ marks }) => marks));
  const fresh = new Set<Delivery>();
  for (const delivery of batch) {
    if (delivery.marks.some((mark) => known.has(mark))) continue;
    fresh.add(delivery);
    for (const mark of delivery.marks) known.add(mark);
  }
  const deliveries = [...fresh];
  const hints = deliveries.flatMap((delivery) => delivery.hints);
  await steps.keep(hints);
  for (const side of SIDES) if (hints.some(({ ref }) => ref.startsWith(`${side}:`))) await steps.wake(side);
  const marks = deliveries.flatMap((delivery) => delivery.marks);
  if (marks.length > 0) await steps.remember(marks);
  return fresh;
}
