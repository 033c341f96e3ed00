import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import type { QueryDefinition } from '@temporalio/common';
import { progressLine } from './output';

const SHOW_EVERY_MS = 1_000;

/** Shows the progress of a workflow until it ends, and returns its result. Ctrl-C leaves the workflow running. */
export async function followWorkflow<R, P>(
  handle: Pick<WorkflowHandle, 'query'> & { result(): Promise<R> },
  progress: QueryDefinition<P>,
  words: (progress: P) => string,
): Promise<R> {
  const line = progressLine();
  const result = handle.result();
  // If a query fails first, a failure of the result must not count as unhandled.
  result.catch(() => undefined);
  try {
    for (;;) {
      const ended = await Promise.race([result.then(() => true), sleep(SHOW_EVERY_MS, false)]);
      if (ended) break;
      line.update(words(await handle.query(progress)));
    }
  } finally {
    line.finish();
  }
  return result;
}
