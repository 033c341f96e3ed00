import { TypedSearchAttributes } from '@temporalio/common';
import { WithStartWorkflowOperation, WorkflowIdConflictPolicy, type Client } from '@temporalio/client';
import type { Inbox, PairSummary, ListedPair } from '../activities/types';
import { parseCanonicalKey, type CanonicalKey } from '../sync/canonicalKey';
import type { Mapping } from '../sync/mapping';
import { ENTITY_TYPES } from '../sync/record';
import type { Resolution } from '../sync/resolution';
import { currentLane } from '../systems/callContext';
import { recordChanged, resolveConflictUpdate, resyncUpdate } from '../workflows/pair';
import { PMS_ID, SYNC_STATUS, ZENDESK_ID } from '../workflows/searchAttributes';
import { PRIORITY } from '../sync/taskQueues';

/** The query for running pair workflows in Temporal's list. The workflow type of a pair is its entity type. */
export const PAIRS_AT_WORK = `ExecutionStatus = 'Running' AND WorkflowType IN (${ENTITY_TYPES.map((type) => `'${type}'`).join(', ')})`;

/**
 * Makes the function that signals a pair that something may have changed. The signal goes to the pair's running
 * workflow, or starts a new one. It may be repeated.
 *
 * @param pairPrefix the connection's prefix of workflow ids; empty if there is only one connection
 * @returns the function; `listed` are the search attributes that a new workflow begins with, so that it need not set
 * them
 */
export function pairSignaller(
  client: Client,
  taskQueue: string,
  mapping: () => Mapping,
  pairPrefix = '',
): (key: CanonicalKey, inbox: Inbox, listed?: ListedPair) => Promise<void> {
  return async (key, inbox, listed) => {
    // The consequences of background work are background work, too.
    const lane = inbox.lane ?? currentLane();
    await client.workflow.signalWithStart(parseCanonicalKey(key).entity, {
      ...startOptions(key, taskQueue, mapping(), pairPrefix, listed),
      priority: PRIORITY[lane],
      signal: recordChanged,
      signalArgs: [{ ...inbox, lane }],
    });
  };
}

/** The commands of a person to a pair, whose workflow need not run. Each returns the state of the pair afterwards. */
export interface PairCommands {
  /** Reads both records again and syncs them. */
  resync(key: CanonicalKey): Promise<PairSummary>;
  /** @throws WorkflowUpdateFailedError with the reason if the pair cannot carry the decision out */
  resolve(key: CanonicalKey, resolution: Resolution): Promise<PairSummary>;
}

/** Commands as Updates with start. https://docs.temporal.io/sending-messages#update-with-start */
export function pairCommands(
  client: Client,
  taskQueue: string,
  mapping: Mapping,
  pairPrefix = '',
): PairCommands {
  const start = (key: CanonicalKey) =>
    new WithStartWorkflowOperation(
      parseCanonicalKey(key).entity,
      startOptions(key, taskQueue, mapping, pairPrefix),
    );
  return {
    resync: (key) =>
      client.workflow.executeUpdateWithStart(resyncUpdate, { startWorkflowOperation: start(key) }),
    resolve: (key, resolution) =>
      client.workflow.executeUpdateWithStart(resolveConflictUpdate, {
        startWorkflowOperation: start(key),
        args: [resolution],
      }),
  };
}

function startOptions(
  key: CanonicalKey,
  taskQueue: string,
  mapping: Mapping,
  pairPrefix: string,
  listed?: ListedPair,
) {
  const { entity, origin } = parseCanonicalKey(key);
  const { status, ...ids } = listed ?? { status: null, zendesk: null, pms: null, [origin.side]: origin.id };
  const { kind } = mapping.entities[entity];
  return {
    workflowId: `${pairPrefix}${key}`,
    taskQueue,
    args: [key],
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    typedSearchAttributes: new TypedSearchAttributes([
      ...(ids.zendesk === null ? [] : [{ key: ZENDESK_ID, value: ids.zendesk }]),
      ...(ids.pms === null ? [] : [{ key: PMS_ID, value: ids.pms }]),
      ...(status === null ? [] : [{ key: SYNC_STATUS, value: status }]),
    ]),
    priority: PRIORITY.interactive,
    staticSummary:
      origin.side === 'zendesk'
        ? `Zendesk ${origin.kind} ${origin.id} ↔ PMS ${kind.pms}`
        : `PMS ${origin.kind} ${origin.id} ↔ Zendesk ${kind.zendesk}`,
  };
}
