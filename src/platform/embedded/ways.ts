/** A way to get a server. The ways are tried in order until one works. */
export interface Way<T> {
  name: string;
  /** @returns null if this way is not applicable, e.g. if nothing is cached @throws Error if it fails */
  attempt(): Promise<T | null>;
}

/** No way works. The message lists each way with the reason of its failure. */
export class NoServerError extends Error {
  override readonly name = 'NoServerError';
  constructor(
    readonly server: string,
    readonly tried: readonly { way: string; why: string }[],
    remedy: string,
  ) {
    const lines = tried.map(({ way, why }) => `  - ${way}: ${why}`);
    super(`No ${server} could be found or started. Tried:\n${lines.join('\n')}\n${remedy}`);
  }
}

/** @returns the result and the name of the first way that works @throws NoServerError */
export async function firstThatWorks<T>(
  server: string,
  ways: readonly Way<T>[],
  remedy: string,
): Promise<{ name: string; result: T }> {
  const tried: { way: string; why: string }[] = [];
  for (const way of ways) {
    try {
      const result = await way.attempt();
      if (result !== null) return { name: way.name, result };
      tried.push({ way: way.name, why: 'not there' });
    } catch (error) {
      tried.push({ way: way.name, why: error instanceof Error ? error.message : String(error) });
    }
  }
  throw new NoServerError(server, tried, remedy);
}

/** No server answers at a configured address. The message begins with the name of the setting. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
}
