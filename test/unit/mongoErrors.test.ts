import {
  MongoBulkWriteError,
  MongoClientClosedError,
  MongoExpiredSessionError,
  MongoInvalidArgumentError,
  MongoNetworkError,
  MongoNetworkTimeoutError,
  MongoNotConnectedError,
  MongoOperationTimeoutError,
  MongoParseError,
  MongoServerClosedError,
  MongoServerError,
  MongoServerSelectionError,
  MongoTopologyClosedError,
  MongoWriteConcernError,
  type BulkWriteResult,
  type WriteError,
} from 'mongodb';
import { isForLater } from '../../src/activities/failures';
import { duplicatesOf, isDuplicateKey, isPassing } from '../../src/platform/mongoErrors';

/** The driver throws these without exporting them. */
const { PoolClearedError, PoolClosedError, WaitQueueTimeoutError } =
  jest.requireActual<
    Record<
      'PoolClearedError' | 'PoolClosedError' | 'WaitQueueTimeoutError',
      new (...given: unknown[]) => Error
    >
  >('mongodb/lib/cmap/errors');

const driver = jest.requireActual<{
  WriteError: new (raw: object) => WriteError;
  BulkWriteResult: new (raw: object, isOrdered: boolean) => BulkWriteResult;
}>('mongodb/lib/bulk/common');

describe('errors of a single command', () => {
  it.each([
    [10107, 'NotWritablePrimary'],
    [10058, 'NotPrimary of old servers'],
    [13435, 'NotPrimaryNoSecondaryOk'],
    [13436, 'NotPrimaryOrSecondary'],
    [189, 'PrimarySteppedDown'],
    [11600, 'InterruptedAtShutdown'],
    [11602, 'InterruptedDueToReplStateChange'],
    [11601, 'Interrupted'],
    [91, 'ShutdownInProgress'],
    [43, 'CursorNotFound'],
    [50, 'MaxTimeMSExpired'],
    [112, 'WriteConflict'],
    [262, 'ExceededTimeLimit'],
    [16500, 'TooManyRequests'],
    [216, 'ElectionInProgress'],
    [18, 'AuthenticationFailed'],
  ])('the server code %i (%s) is temporary', (code) => {
    expect(isPassing(server(code))).toBe(true);
    expect(isDuplicateKey(server(code))).toBe(false);
  });

  it.each([
    [11000, 'DuplicateKey'],
    [2, 'BadValue'],
    [9, 'FailedToParse'],
    [121, 'DocumentValidationFailure'],
    [10334, 'BSONObjectTooLarge'],
    [66, 'ImmutableField'],
  ])('the server code %i (%s) is permanent', (code) => {
    expect(isPassing(server(code))).toBe(false);
    expect(isDuplicateKey(server(code))).toBe(code === 11000);
  });

  it.each([
    'RetryableWriteError',
    'TransientTransactionError',
    'UnknownTransactionCommitResult',
    'PoolRequestedRetry',
    'RetryableError',
    'SystemOverloadedError',
    'HandshakeError',
  ])('an unknown code is temporary with the label %s', (label) => {
    expect(isPassing(server(99_999))).toBe(false);
    expect(isPassing(server(99_999, [label]))).toBe(true);
  });

  const pool = { address: '127.0.0.1:27017', serverError: new MongoNetworkError('reset') };
  it.each(
    named([
      new MongoNetworkError('connection 3 to 127.0.0.1:27017 closed'),
      new MongoNetworkTimeoutError('connection timed out'),
      new MongoServerSelectionError('no primary', {} as never),
      new MongoOperationTimeoutError('Timed out after 10 ms'),
      new MongoNotConnectedError('Client must be connected'),
      new MongoClientClosedError(),
      new MongoTopologyClosedError('Topology is closed'),
      new MongoServerClosedError('Server is closed'),
      new MongoExpiredSessionError('Cannot use a session that has ended'),
      writeConcern(),
      new PoolClearedError(pool),
      new PoolClosedError(pool),
      new WaitQueueTimeoutError('Timed out while checking out a connection', pool.address),
    ]),
  )('%s is temporary', (_name, error) => {
    expect(isPassing(error)).toBe(true);
  });

  it.each(
    named([
      new MongoParseError('Invalid connection string'),
      new MongoInvalidArgumentError('Update document requires atomic operators'),
      new Error('code 10107'),
      Object.assign(new Error('not of the driver'), { code: 10107 }),
      null,
      undefined,
      'MongoNetworkError',
    ]),
  )('%s is permanent', (_name, error) => {
    expect(isPassing(error)).toBe(false);
    expect(isDuplicateKey(error)).toBe(false);
  });
});

describe('errors of a bulk', () => {
  it('duplicates are named by their positions, and are permanent', () => {
    const error = bulk([refusal(11000, 4), refusal(11000, 7)]);
    expect(duplicatesOf(error)).toEqual([4, 7]);
    expect(isPassing(error)).toBe(false);
  });

  it.each([
    ['another refusal', () => bulk([refusal(11000, 0), refusal(121, 1)]), false],
    ['one write that met a fail-over', () => bulk([refusal(11000, 0), refusal(11602, 1)]), true],
    ['one write over the limit of Cosmos DB', () => bulk([refusal(16500, 0)]), true],
    ['duplicates without a majority', () => bulk([refusal(11000, 0)], 64), true],
    ['a write without a majority', () => bulk([], 64), true],
    ['a lost connection', () => wrapped(new MongoNetworkError('closed')), true],
    ['a primary that stepped down', () => wrapped(server(10107)), true],
    ['a server that refuses the whole bulk', () => wrapped(server(2)), false],
    ['a primary that stepped down, with its label', () => wrapped(server(1, ['RetryableWriteError'])), true],
  ])('%s is never taken for duplicates', (_name, make, passes) => {
    const error = make();
    expect(() => duplicatesOf(error)).toThrow(error);
    expect(isPassing(error)).toBe(passes);
  });

  it('an activity is retried after a fail-over, and not after a bug', () => {
    expect(isForLater(server(189))).toBe(true);
    expect(isForLater(bulk([refusal(11602, 0)]))).toBe(true);
    expect(isForLater(bulk([refusal(121, 0)]))).toBe(false);
  });

  it('an error of another kind is rethrown', () => {
    const error = new Error('no error of the driver');
    expect(() => duplicatesOf(error)).toThrow(error);
  });
});

function named(errors: unknown[]): [string, unknown][] {
  return errors.map((error) => [String(error), error]);
}

function server(code: number, errorLabels: string[] = []): MongoServerError {
  return new MongoServerError({ ok: 0, code, errmsg: `code ${code}`, errorLabels });
}

function writeConcern(): MongoWriteConcernError {
  return new MongoWriteConcernError({
    ok: 1,
    writeConcernError: { code: 64, errmsg: 'waiting for replication timed out' },
  });
}

function refusal(code: number, index: number): WriteError {
  return new driver.WriteError({ code, index, errmsg: `code ${code}`, errInfo: {}, op: {} });
}

/** Built like the driver does after a command of a bulk was answered. */
function bulk(writeErrors: WriteError[], concern?: number): MongoBulkWriteError {
  const result = resultOf(writeErrors, concern);
  const first = writeErrors[0];
  const why = first
    ? { message: first.errmsg ?? '', code: first.code, writeErrors }
    : { message: 'write concern', code: concern ?? 0 };
  return new MongoBulkWriteError(why, result);
}

/** Built like the driver does after a command of a bulk failed as a whole. */
function wrapped(error: Error): MongoBulkWriteError {
  return new MongoBulkWriteError(error, resultOf([]));
}

function resultOf(writeErrors: WriteError[], concern?: number): BulkWriteResult {
  const counts = { ok: 1, nInserted: 0, nUpserted: 0, nMatched: 0, nModified: 0, nRemoved: 0 };
  const writeConcernErrors = concern === undefined ? [] : [{ code: concern, errmsg: 'write concern' }];
  return new driver.BulkWriteResult(
    { ...counts, upserted: [], insertedIds: [], writeErrors, writeConcernErrors },
    false,
  );
}
