import { continueAsNew, patched, proxyActivities } from '@temporalio/workflow';
import type { StorePart, UpkeepActivities } from '../activities/types';
import { addTidied, nothingTidied, type Tidied } from '../sync/disorder';
import { isHistoryLong } from './historyLength';
import { PRIORITY } from '../sync/taskQueues';

const PARTS: readonly StorePart[] = ['links', 'claims', 'observations', 'journal'];

const { tidy } = proxyActivities<UpkeepActivities>({
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '15 seconds',
  priority: PRIORITY.background,
});

/**
 * Searches the link store for abandoned work: intents without a workflow, pairs that wait for a record that is linked,
 * claims without a link, observations that were left over. Signals their pairs, or removes the leftovers. Drops the
 * oldest entries of the journal if it is too large.
 */
export async function linkHygiene(
  carried: { part: number; after: string | null; tidied: Tidied } = {
    part: 0,
    after: null,
    tidied: nothingTidied(),
  },
): Promise<Tidied> {
  let { part, after, tidied } = carried;
  for (;;) {
    const name = PARTS[part];
    if (!name || (name === 'journal' && !patched('the-journal-is-swept'))) return tidied;
    const outcome = await tidy({ part: name, after });
    tidied = addTidied(tidied, outcome.tidied);
    ({ after } = outcome);
    if (after === null) part += 1;
    if (isHistoryLong()) await continueAsNew<typeof linkHygiene>({ part, after, tidied });
  }
}
