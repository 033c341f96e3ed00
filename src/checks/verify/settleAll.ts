/**
 * Waits for all, also where one fails: what is still at work would go on making records while others are removed.
 * @throws what the first of them threw
 */
export async function together(works: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(works);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}
