/**
 * The public interface for writing an adapter: `import … from 'zendesk-pms-sync/adapter'` (docs/adapter.md).
 */
export { refKey, tryParseRef } from '../sync/canonicalKey';
export type { Attachment, Json, RecordRef, RefKey, SyncRecord, Values } from '../sync/record';
export { untoldRate, type AdapterConnection, type PmsAdapter } from '../systems/pmsAdapter';
export { BasicSystem } from '../systems/basicSystem';
export type {
  CallBudget,
  Limit,
  LimitReading,
  LimitedBy,
  LimitedCall,
  Permit,
  RateRules,
  Refusal,
} from '../systems/budget';
export type { BulkAnswer, BulkCreate, BulkUpdate, BulkWrites } from '../systems/bulkWrites';
export {
  AlreadyExists,
  NeedsHuman,
  PreconditionFailed,
  RecordGone,
  ReferenceGone,
  RetryLater,
} from '../systems/errors';
export { FILE_LIMIT_BYTES, checkFileStatus, checkSize, openFile } from '../systems/fileRules';
export { HttpClient, type Answer, type HttpOptions, type Request } from '../systems/http';
export type {
  AttachOptions,
  ChangePage,
  CreateOptions,
  CustomField,
  OpenFile,
  PropertyInfo,
  ReadResult,
  StagedFile,
  SystemPort,
  UpdateOptions,
  Updated,
  WalkPage,
} from '../systems/port';
export type { InstalledWebhook, WebhookAdmin, WebhookInstallation } from '../systems/webhookAdmin';
