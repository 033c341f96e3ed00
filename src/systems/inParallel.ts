import pLimit from 'p-limit';

/**
 * Works through items, at most `atOnce` at a time. If one fails, no other begins, and those that have begun end before
 * the error is thrown. @returns the results, in the order of the items
 */
export async function inParallel<T, R>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const limit = pLimit(atOnce);
  const failures: unknown[] = [];
  const settled = await Promise.allSettled(
    items.map((item) =>
      limit(async () => {
        if (failures.length > 0) throw failures[0];
        return work(item).catch((error: unknown) => {
          failures.push(error);
          throw error;
        });
      }),
    ),
  );
  if (failures.length > 0) throw failures[0];
  return settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
}
