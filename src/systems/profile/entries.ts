import type { Json } from '../../sync/record';

/** An entry of a directory: a list whose entries records reference by id, and values name by a key. */
export interface Entry {
  id: string;
  key: string;
  /** The entry's display name; null if the system does not return one. */
  name: string | null;
  /** The entry as the API returned it, for the profile's expressions. */
  raw: Json;
}

/** How an entry is looked up. */
export interface Wanted {
  /** Whether a missing entry is created. */
  make: boolean;
  /** The display name for a new entry; its key if no name is known. */
  name?: string | undefined;
  /** Bypasses the cache. */
  again?: boolean;
}

/** An entry's id, or the reason why it has none. */
export type Found = { id: string } | { missing: string };

/** The entries of one directory. */
export interface Entries {
  /** @returns the entries by id; ids that the system does not know are absent */
  entries(ids: readonly string[]): Promise<Map<string, Entry>>;
  /** Fills the cache with many keys by few calls. A key that is not found is looked up again by {@link find}. */
  prefetch(keys: readonly string[], make: boolean): Promise<void>;
  find(key: string, wanted: Wanted): Promise<Found>;
}
