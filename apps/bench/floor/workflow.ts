import { condition, defineSignal, proxyActivities, setHandler } from '@temporalio/workflow';

/** A workflow with as many activities and task queues as a change of a pair has. The activities do nothing. */

export interface FloorActivities {
  plan(): Promise<void>;
  write(): Promise<void>;
}

export const begin = defineSignal('begin');

const { plan } = proxyActivities<FloorActivities>({ startToCloseTimeout: '1 minute' });

export async function floor(apiQueue: string): Promise<void> {
  const { write } = proxyActivities<FloorActivities>({
    taskQueue: apiQueue,
    startToCloseTimeout: '1 minute',
  });
  let signals = 0;
  setHandler(begin, () => void (signals += 1));
  await condition(() => signals > 0);
  await plan();
  await write();
}
