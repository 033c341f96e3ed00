import type { KeptAnswers } from './idempotency';
import type { Change, Kind, PmsRecord } from './model';
import type { StoredFile } from './store';

/** What a backup of the PMS's database holds. People are kept elsewhere: neither they nor their tokens are in it. */
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

/** A record that a restored backup changed; undefined where there is no such record. */
export interface RestoredRecord {
  kind: Kind;
  id: string;
  before: PmsRecord | undefined;
  after: PmsRecord | undefined;
}
