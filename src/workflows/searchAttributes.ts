import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

/** The columns by which operators find pairs in the Temporal Web UI, besides the workflow's type. Each costs time with every change. */
export const ZENDESK_ID = defineSearchAttributeKey('ZendeskId', SearchAttributeType.KEYWORD);
export const PMS_ID = defineSearchAttributeKey('PmsId', SearchAttributeType.KEYWORD);
export const SYNC_STATUS = defineSearchAttributeKey('SyncStatus', SearchAttributeType.KEYWORD);

/** Name and type of each, as the server wants them registered. */
export const SEARCH_ATTRIBUTES = {
  ZendeskId: 'Keyword',
  PmsId: 'Keyword',
  SyncStatus: 'Keyword',
} as const;
