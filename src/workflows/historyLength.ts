import { patched, workflowInfo } from '@temporalio/workflow';

/**
 * The number of events after which a new run continues. Temporal suggests it at 4,096 events; this project allows
 * 2,000.
 */
export const EVENTS_AT_MOST = 1_200;

/**
 * Whether the history is so long that a new run should continue. Do not call this in a `condition`, because it may add
 * a patch marker to the history.
 */
export function isHistoryLong(): boolean {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  return continueAsNewSuggested || (historyLength > EVENTS_AT_MOST && patched('runs-of-1200-events'));
}
