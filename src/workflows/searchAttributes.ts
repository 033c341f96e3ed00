import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

/** The search attributes by which operators find pairs in the Temporal Web UI. Each one makes every change slower. */
export const ZENDESK_ID = defineSearchAttributeKey('ZendeskId', SearchAttributeType.KEYWORD);
export const PMS_ID = defineSearchAttributeKey('PmsId', SearchAttributeType.KEYWORD);
export const SYNC_STATUS = defineSearchAttributeKey('SyncStatus', SearchAttributeType.KEYWORD);

/** The name and the type of each, for registration at the server. */
export const SEARCH_ATTRIBUTES = {
  ZendeskId: 'Keyword',
  PmsId: 'Keyword',
  SyncStatus: 'Keyword',
} as const;
