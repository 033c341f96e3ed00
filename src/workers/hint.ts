import { TypedSearchAttributes } from '@temporalio/common';
import { WorkflowIdConflictPolicy, type Client } from '@temporalio/client';
import type { Inbox } from '../activities/types';
import { parseCanonicalKey, type CanonicalKey } from '../sync/keys';
import type { Mapping } from '../sync/mapping';
import { recordChanged } from '../workflows/pair';
import { ENTITY_TYPE, PMS_ID, ZENDESK_ID } from '../workflows/searchAttributes';

/** Tells a pair that something may have changed: its running workflow, or a new one. Safe to repeat. */
export function hintWith(
  client: Client,
  taskQueue: string,
  mapping: Mapping,
): (key: CanonicalKey, inbox: Inbox) => Promise<void> {
  return async (key, inbox) => {
    const { entity, origin } = parseCanonicalKey(key);
    const { kind } = mapping.entities[entity];
    await client.workflow.signalWithStart(entity, {
      workflowId: key,
      taskQueue,
      args: [key],
      signal: recordChanged,
      signalArgs: [inbox],
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
      typedSearchAttributes: new TypedSearchAttributes([
        { key: ENTITY_TYPE, value: entity },
        { key: origin.side === 'zendesk' ? ZENDESK_ID : PMS_ID, value: origin.id },
      ]),
      staticSummary:
        origin.side === 'zendesk'
          ? `Zendesk ${origin.kind} ${origin.id} ↔ PMS ${kind.pms}`
          : `PMS ${origin.kind} ${origin.id} ↔ Zendesk ${kind.zendesk}`,
    });
  };
}
