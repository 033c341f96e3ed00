/** A real Temporal server and a real MongoDB-wire server, found or started. */
export { startMongo, prepareMongo } from './mongo';
export { ensureSearchAttributes, prepareTemporal, startTemporal } from './temporal';
export { NoAnswerError, NoServerError } from './ways';
export type { EmbeddedMongo, EmbeddedOptions, EmbeddedTemporal } from './options';
export { FolderInUse, lockFolder, occupantOf, type FolderLock } from './folderLock';
export { ServerFailed } from './process';
