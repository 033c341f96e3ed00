import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

/** The columns by which operators find pairs in the Temporal Web UI. */
export const ENTITY_TYPE = defineSearchAttributeKey('EntityType', SearchAttributeType.KEYWORD);
export const ZENDESK_ID = defineSearchAttributeKey('ZendeskId', SearchAttributeType.KEYWORD);
export const PMS_ID = defineSearchAttributeKey('PmsId', SearchAttributeType.KEYWORD);
export const SYNC_STATUS = defineSearchAttributeKey('SyncStatus', SearchAttributeType.KEYWORD);

/** Name and type of each, as the server wants them registered. */
export const SEARCH_ATTRIBUTES = {
  EntityType: 'Keyword',
  ZendeskId: 'Keyword',
  PmsId: 'Keyword',
  SyncStatus: 'Keyword',
} as const;
