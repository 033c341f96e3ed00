/** The example PMS (docs/pms-openapi.yaml), started in this process. */
export { BASE_PATH, SYNC_PERSON, startPmsSandbox, type PmsSandbox, type PmsSandboxOptions } from './server';
export { loadPmsData } from './load';
export { Refusal } from './refusal';
export { FIELDS, type FieldDefinition } from './fields';
export type { Lies } from './lies';
export type { PmsBackup, RestoredRecord } from './backup';
export type { PmsRecord } from './model';
export { PmsStore } from './store';
