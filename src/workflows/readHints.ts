import {
  condition,
  continueAsNew,
  defineSignal,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { HintOutcome, SystemActivities } from '../activities/types';
import type { Side } from '../sync/record';
import { taskQueueOf } from '../sync/taskQueues';

/** "Hints wait in the store." Sent with the workflow's start by the webhook receiver. */
export const hintsCame = defineSignal('hintsCame');

/** Reads the records that webhooks named, many at once, until no hint waits. One workflow a side. */
export async function readHints(side: Side): Promise<Omit<HintOutcome, 'more'>> {
  const { readHinted } = proxyActivities<SystemActivities>({
    taskQueue: taskQueueOf(workflowInfo().taskQueue, side, 'interactive'),
    startToCloseTimeout: '5 minutes',
    heartbeatTimeout: '15 seconds',
    retry: { initialInterval: '1 second', maximumInterval: '30 seconds' },
  });
  const total = { hints: 0, read: 0, hinted: 0 };
  let waiting = false;
  setHandler(hintsCame, () => void (waiting = true));
  // A signal that came with the start is handled before this continues.
  await condition(() => true);

  do {
    waiting = false;
    const outcome = await Promise.race([readHinted(), historyIsFull()]);
    // The hints are in the store: a new run continues here, even while the API is unavailable.
    if (outcome === 'full') return continueAsNew<typeof readHints>(side);
    total.hints += outcome.hints;
    total.read += outcome.read;
    total.hinted += outcome.hinted;
    waiting ||= outcome.more;
  } while (waiting);
  return total;
}

async function historyIsFull(): Promise<'full'> {
  await condition(() => workflowInfo().continueAsNewSuggested);
  return 'full';
}
