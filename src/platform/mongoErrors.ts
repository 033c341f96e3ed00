import {
  MongoBulkWriteError,
  MongoClientClosedError,
  MongoError,
  MongoErrorLabel,
  MongoExpiredSessionError,
  MongoNetworkError,
  MongoNotConnectedError,
  MongoOperationTimeoutError,
  MongoServerClosedError,
  MongoServerSelectionError,
  MongoStalePrimaryError,
  MongoTopologyClosedError,
  MongoWriteConcernError,
} from 'mongodb';

/**
 * Classifies the errors of the MongoDB driver: a duplicate key, a transient error (retry later), or a bug.
 * The driver's labels decide first, then its classes, then the server's codes:
 * https://www.mongodb.com/docs/manual/reference/error-codes/ and `src/mongo/base/error_codes.yml` of mongodb/mongo.
 */

const DUPLICATE_KEY = 11000;

/** Labels of transient errors: the same command may succeed later. */
const PASSING_LABELS = [
  MongoErrorLabel.RetryableWriteError,
  MongoErrorLabel.TransientTransactionError,
  MongoErrorLabel.UnknownTransactionCommitResult,
  MongoErrorLabel.PoolRequestedRetry,
  MongoErrorLabel.RetryableError,
  MongoErrorLabel.SystemOverloadedError,
  MongoErrorLabel.HandshakeError,
];

/** Errors of the driver itself: the server is unavailable, or this process is closing its client. */
const PASSING_CLASSES = [
  MongoNetworkError,
  MongoServerSelectionError,
  MongoWriteConcernError,
  MongoOperationTimeoutError,
  MongoNotConnectedError,
  MongoClientClosedError,
  MongoTopologyClosedError,
  MongoServerClosedError,
  MongoStalePrimaryError,
  MongoExpiredSessionError,
];

/** Names of transient errors whose classes the driver does not export. */
const PASSING_NAMES = new Set(['MongoWaitQueueTimeoutError', 'MongoPoolClosedError']);

/** Codes of the server for causes other than the command: the server, the network or the load has to recover. */
const PASSING_CODES = new Set([
  6, // HostUnreachable
  7, // HostNotFound
  13, // Unauthorized: once a person restores the role, every pair continues
  18, // AuthenticationFailed: as above
  24, // LockTimeout
  43, // CursorNotFound: the server that had the cursor restarted, or the cursor timed out
  46, // LockBusy
  50, // MaxTimeMSExpired
  63, // StaleShardVersion
  64, // WriteConcernTimeout
  89, // NetworkTimeout
  90, // CallbackCanceled
  91, // ShutdownInProgress
  94, // NotYetInitialized
  100, // UnsatisfiableWriteConcern: too few members are up
  112, // WriteConflict
  117, // ConflictingOperationInProgress
  133, // FailedToSatisfyReadPreference
  134, // ReadConcernMajorityNotAvailableYet
  145, // PooledConnectionsDropped
  149, // NoConfigPrimary
  150, // StaleEpoch
  175, // QueryPlanKilled
  189, // PrimarySteppedDown
  202, // NetworkInterfaceExceededTimeLimit
  215, // DatabaseDropPending
  216, // ElectionInProgress
  237, // CursorKilled
  246, // SnapshotUnavailable
  249, // StaleDbVersion
  262, // ExceededTimeLimit
  391, // ReauthenticationRequired
  8000, // AtlasError: Atlas refuses the user, or the cluster is over its quota
  9001, // SocketException
  10058, // NotPrimary, of old servers
  10107, // NotWritablePrimary
  11600, // InterruptedAtShutdown
  11601, // Interrupted: an operator killed the operation
  11602, // InterruptedDueToReplStateChange
  13388, // StaleConfig
  13435, // NotPrimaryNoSecondaryOk
  13436, // NotPrimaryOrSecondary
  14031, // OutOfDiskSpace
  16500, // TooManyRequests, of Azure Cosmos DB
]);

/** Whether a single write was refused because another document has the same unique value. */
export function isDuplicateKey(error: unknown): boolean {
  return error instanceof MongoError && error.code === DUPLICATE_KEY;
}

/**
 * The indexes of the writes of a bulk that were refused because another document has the same unique value.
 * @throws the error itself if it has any other cause: another refusal, a lost connection, a write concern
 */
export function duplicatesOf(error: unknown): number[] {
  if (!(error instanceof MongoBulkWriteError)) throw error;
  const refused = [error.writeErrors].flat();
  const isAll = refused.length > 0 && refused.every(({ code }) => code === DUPLICATE_KEY);
  if (!isAll || error.result.getWriteConcernError() !== undefined) throw error;
  return refused.map(({ index }) => index);
}

/** Whether the same command may succeed later: a fail-over, a time-out, a lost connection, too much load. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof MongoError)) return false;
  if (PASSING_LABELS.some((label) => error.hasErrorLabel(label))) return true;
  if (PASSING_CLASSES.some((kind) => error instanceof kind) || PASSING_NAMES.has(error.name)) return true;
  if (error instanceof MongoBulkWriteError) return isPassingBulk(error);
  return isPassingCode(error.code);
}

function isPassingBulk(error: MongoBulkWriteError): boolean {
  const refused = [error.writeErrors].flat();
  // The driver reports a lost connection during a bulk as a bulk error without any code.
  if (refused.length === 0) return error.code === undefined || isPassingCode(error.code) || hasConcern(error);
  const lasting = refused.filter(({ code }) => !isPassingCode(code));
  // A repeated bulk reports the same duplicates again; without the transient errors, `duplicatesOf` accepts them.
  if (lasting.some(({ code }) => code !== DUPLICATE_KEY)) return false;
  return lasting.length < refused.length || hasConcern(error);
}

function hasConcern(error: MongoBulkWriteError): boolean {
  return error.err !== undefined || error.result.getWriteConcernError() !== undefined;
}

function isPassingCode(code: unknown): boolean {
  return typeof code === 'number' && PASSING_CODES.has(code);
}
