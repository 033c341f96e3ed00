import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { ENTITY_TYPES } from '../sync/record';

/** The columns by which operators find pairs in the Temporal Web UI, besides the workflow's type. Each is paid for with every change. */
export const ZENDESK_ID = defineSearchAttributeKey('ZendeskId', SearchAttributeType.KEYWORD);
export const PMS_ID = defineSearchAttributeKey('PmsId', SearchAttributeType.KEYWORD);
export const SYNC_STATUS = defineSearchAttributeKey('SyncStatus', SearchAttributeType.KEYWORD);

/** Name and type of each, as the server wants them registered. */
export const SEARCH_ATTRIBUTES = {
  ZendeskId: 'Keyword',
  PmsId: 'Keyword',
  SyncStatus: 'Keyword',
} as const;

/** Finds the pairs that have something to do, in Temporal's list of workflows: a pair's workflow is named by its entity type. */
export const PAIRS_AT_WORK = `ExecutionStatus = 'Running' AND WorkflowType IN (${ENTITY_TYPES.map((type) => `'${type}'`).join(', ')})`;
