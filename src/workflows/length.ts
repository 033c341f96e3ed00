import { patched, workflowInfo } from '@temporalio/workflow';

/** Well below the 2,000 that a history may have; Temporal itself suggests a new run at 4,096. */
export const EVENTS_AT_MOST = 1_200;

/** Whether a run has grown long, so that a new one should go on. Not for a condition: it may leave a patch's mark. */
export function isLong(): boolean {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  return continueAsNewSuggested || (historyLength > EVENTS_AT_MOST && patched('runs-of-1200-events'));
}
