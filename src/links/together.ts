import { isPassing } from '../platform/mongoErrors';

interface Waiting<Q, A> {
  question: Q;
  resolve: (answer: A) => void;
  reject: (error: unknown) => void;
}

/** A bound of commands: `atOnce` after a quiet time, then one each interval. */
export interface Pace {
  atOnce: number;
  intervalMs: number;
}

/**
 * A batch loader: collects questions while one command is running, and sends them together with the next. At low load,
 * no question waits; the higher the load, the fewer commands each question costs.
 *
 * A database nearby answers before the next question comes. With a pace, questions come together all the same, but a
 * caller that asks one after the other is delayed.
 */
export class Together<Q, A> {
  private waiting: Waiting<Q, A>[] = [];
  private underWay = false;
  /** When the commands so far would end at one each interval, on the clock of `performance.now`. */
  private spentUntil = 0;

  /**
   * @param ask answers questions in their order. If it fails for good, each question is asked alone, so that a faulty one
   * does not block the others; `ask` must allow this. If it fails in passing, all of them fail with its error.
   */
  constructor(
    private readonly most: number,
    private readonly ask: (questions: Q[]) => Promise<readonly A[]>,
    private readonly pace: Pace | null = null,
  ) {}

  do(question: Q): Promise<A> {
    const answer = new Promise<A>((resolve, reject) => this.waiting.push({ question, resolve, reject }));
    if (!this.underWay) void this.work();
    return answer;
  }

  private async work(): Promise<void> {
    this.underWay = true;
    while (this.waiting.length > 0) {
      if (this.pace) await this.turn(this.pace);
      const some = this.waiting.splice(0, this.most);
      await this.answer(some);
    }
    this.underWay = false;
  }

  private async answer(some: readonly Waiting<Q, A>[]): Promise<void> {
    try {
      const answers = await this.ask(some.map(({ question }) => question));
      some.forEach(({ resolve }, n) => resolve(answers[n] as A));
    } catch (error) {
      if (some.length > 1 && !isPassing(error)) for (const one of some) await this.answer([one]);
      else for (const { reject } of some) reject(error);
    }
  }

  /** Waits until the pace allows another command (https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm). */
  private async turn({ atOnce, intervalMs }: Pace): Promise<void> {
    const now = performance.now();
    const early = this.spentUntil - now - (atOnce - 1) * intervalMs;
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    this.spentUntil = Math.max(now, this.spentUntil) + intervalMs;
  }
}
