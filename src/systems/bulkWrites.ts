import type { Names, RecordRef, RefKey, SyncRecord, Values } from '../sync/record';

/** Writes of many records in few calls. Records that a system cannot write in bulk are written one by one. */

export interface BulkCreate {
  values: Values;
  /** The same for every attempt at this create. */
  idempotencyKey: string;
  backRef: RefKey;
  names?: Names;
}

export interface BulkUpdate {
  ref: RecordRef;
  values: Values;
  /** The version that the change is based on. */
  version: string;
  backRef: RefKey | null;
  names?: Names;
}

/** The outcome of one item: the record after the write, or an error of `errors.ts`. */
export type BulkAnswer = { record: SyncRecord } | { error: Error };

/**
 * Items are independent: one that is refused does not stop the others. The answers are in the order of the items. If a
 * method throws, the outcome of all items is unknown, unless the error says that nothing was sent.
 */
export interface BulkWrites {
  /** The most items of one call. */
  readonly most: number;
  canCreate(kind: string): boolean;
  create(kind: string, items: readonly BulkCreate[]): Promise<BulkAnswer[]>;
  /** Whether records of a kind can be updated in bulk, each with its version as a precondition. */
  canUpdate(kind: string): boolean;
  update(kind: string, items: readonly BulkUpdate[]): Promise<BulkAnswer[]>;
  /**
   * Waits until earlier bulk calls have finished: only then does a look-up show what they did.
   * @throws RetryLater if this takes too long
   */
  settled(): Promise<void>;
}
