/**
 * Waits for all promises, also if one fails: otherwise, the rest would go on making records during the clean-up.
 * @throws the error of the first failed promise
 */
export async function together(works: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(works);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}
