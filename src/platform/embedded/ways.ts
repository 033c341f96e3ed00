/** Several ways to get a server, tried in order until one works. */
export interface Way<T> {
  name: string;
  /** @returns null where this way does not apply here, e.g. nothing is cached; throws where it fails. */
  attempt(): Promise<T | null>;
}

/** No way works; the message lists each one and why it failed. */
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

/** @returns what the first way gives that works, and the way's name @throws NoServerError */
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

/** No server answers at a given address. The message begins with the variable that holds the address. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
}
