interface Waiting<Q, A> {
  question: Q;
  resolve: (answer: A) => void;
  reject: (error: unknown) => void;
}

/**
 * A batch loader: collects questions while one command is running, and sends them together with the next. At low load,
 * no question waits; the higher the load, the fewer commands each question costs.
 */
export class Together<Q, A> {
  private waiting: Waiting<Q, A>[] = [];
  private underWay = false;

  /** @param ask answers questions in their order; if it fails, all of them fail with its error */
  constructor(
    private readonly most: number,
    private readonly ask: (questions: Q[]) => Promise<readonly A[]>,
  ) {}

  do(question: Q): Promise<A> {
    const answer = new Promise<A>((resolve, reject) => this.waiting.push({ question, resolve, reject }));
    if (!this.underWay) void this.work();
    return answer;
  }

  private async work(): Promise<void> {
    this.underWay = true;
    while (this.waiting.length > 0) {
      const some = this.waiting.splice(0, this.most);
      try {
        const answers = await this.ask(some.map(({ question }) => question));
        some.forEach(({ resolve }, n) => resolve(answers[n] as A));
      } catch (error) {
        for (const { reject } of some) reject(error);
      }
    }
    this.underWay = false;
  }
}
