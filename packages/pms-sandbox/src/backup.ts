import type { KeptAnswers } from './idempotency';
import type { Change, Kind, PmsRecord, StoredFile } from './model';

/** A backup of the PMS's database. People and their tokens are stored elsewhere and not part of it. */
export interface StoreBackup {
  readonly records: Readonly<Record<Kind, ReadonlyMap<string, PmsRecord>>>;
  readonly changes: readonly Change[];
  readonly seq: number;
  readonly deleted: ReadonlySet<string>;
  readonly files: ReadonlyMap<string, StoredFile>;
}

export interface PmsBackup {
  readonly store: StoreBackup;
  readonly answers: KeptAnswers;
}

/** A record that a restore changed; `before` or `after` is undefined if the record did not exist. */
export interface RestoredRecord {
  kind: Kind;
  id: string;
  before: PmsRecord | undefined;
  after: PmsRecord | undefined;
}
