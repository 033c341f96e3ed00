import { TypedSearchAttributes } from '@temporalio/common';
import { WithStartWorkflowOperation, WorkflowIdConflictPolicy, type Client } from '@temporalio/client';
import type { Inbox, PairSummary, Standing } from '../activities/types';
import { parseCanonicalKey, type CanonicalKey } from '../sync/canonicalKey';
import type { Mapping } from '../sync/mapping';
import { ENTITY_TYPES } from '../sync/record';
import type { Resolution } from '../sync/resolution';
import { currentLane } from '../systems/callContext';
import { recordChanged, resolveConflictUpdate, resyncUpdate } from '../workflows/pair';
import { PMS_ID, SYNC_STATUS, ZENDESK_ID } from '../workflows/searchAttributes';
import { PRIORITY } from '../sync/taskQueues';

/** Finds the pairs that have something to do, in Temporal's list of workflows: a pair's workflow is named by its entity type. */
export const PAIRS_AT_WORK = `ExecutionStatus = 'Running' AND WorkflowType IN (${ENTITY_TYPES.map((type) => `'${type}'`).join(', ')})`;

/**
 * Tells a pair that something may have changed: its running workflow, or a new one. Safe to repeat. Where it is given how
 * the pair stood, a new one begins with that in its search attributes, and need not say it once more.
 * @param pairPrefix of the connection, where there are several
 */
export function hintWith(
  client: Client,
  taskQueue: string,
  mapping: () => Mapping,
  pairPrefix = '',
): (key: CanonicalKey, inbox: Inbox, stood?: Standing) => Promise<void> {
  return async (key, inbox, stood) => {
    // What background work leads to is background work.
    const lane = inbox.lane ?? currentLane();
    await client.workflow.signalWithStart(parseCanonicalKey(key).entity, {
      ...startOptions(key, taskQueue, mapping(), pairPrefix, stood),
      priority: PRIORITY[lane],
      signal: recordChanged,
      signalArgs: [{ ...inbox, lane }],
    });
  };
}

/** What a person asks of a pair, whether or not its workflow runs; each answers with how the pair stands then. */
export interface PairCommands {
  /** Reads both records again and brings them into agreement. */
  resync(key: CanonicalKey): Promise<PairSummary>;
  /** @throws WorkflowUpdateFailedError with the reason where the pair cannot act on it. */
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
  stood?: Standing,
) {
  const { entity, origin } = parseCanonicalKey(key);
  const { status, ...ids } = stood ?? { status: null, zendesk: null, pms: null, [origin.side]: origin.id };
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
