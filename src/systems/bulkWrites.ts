import type { Names, RecordRef, RefKey, SyncRecord, Values } from '../sync/record';

/** Writing many records with few calls. What a system cannot write so is written one by one. */

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

/** What became of one item: the record as it is now, or one of the classes in `errors.ts`. */
export type BulkAnswer = { record: SyncRecord } | { error: Error };

/**
 * Each item stands for itself: one that is refused does not stop the others, and the answers come in the order of
 * the items. Where a method throws instead, the outcome of all is unknown, unless the error says that nothing was
 * sent.
 */
export interface BulkWrites {
  /** Items of one call. */
  readonly most: number;
  canCreate(kind: string): boolean;
  create(kind: string, items: readonly BulkCreate[]): Promise<BulkAnswer[]>;
  /** Whether records of a kind can be changed in bulk, each bound to its version. */
  canUpdate(kind: string): boolean;
  update(kind: string, items: readonly BulkUpdate[]): Promise<BulkAnswer[]>;
  /**
   * Waits for the end of what was sent before and may be under way still: only then does a look-up tell what was
   * done. @throws RetryLater where it takes too long
   */
  settled(): Promise<void>;
}
