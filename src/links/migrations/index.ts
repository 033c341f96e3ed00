/**
 * The changes of stored documents from release to release. The field `v` of a document has its version; without it, the
 * version is 0. See docs/evolution.md, "Stored documents".
 */

/** A document as MongoDB stores it. */
export interface Stored {
  readonly _id: string;
  readonly v?: number;
}

/** Migrates one document. It is pure: it reads no other document and no clock. It leaves `_id` and `v` as they are. */
export type DocumentMigration = (document: Record<string, unknown>) => Record<string, unknown>;

export interface Migration {
  /** The version of documents before the migration. They have the next version after it. */
  from: number;
  /** A short description, for a person who runs `store migrate`. */
  name: string;
  /** The migration of each collection's documents. Collections that are absent do not change. */
  documents: Partial<Record<VersionedCollection, DocumentMigration>>;
}

interface CollectionRules {
  /** Fields that show whether a document was written since it was read. */
  written: readonly string[];
  /** Fields that are also written separately, in documents of any version: no migration may touch them. */
  apart: readonly string[];
}

/**
 * The collections whose documents have versions: their documents are written as a whole. Documents of all other
 * collections are updated in part, also by several releases at the same time, and only gain fields. For them, the
 * version of the whole store is enough.
 */
export const VERSIONED = {
  links: { written: ['rev'], apart: ['rev', 'reason'] },
  claims: { written: ['key'], apart: ['seen', 'missed', 'strayAt'] },
  observations: { written: ['order', 'at', 'digest'], apart: [] },
  decisions: { written: ['decision'], apart: [] },
  reports: { written: ['report'], apart: [] },
  backfill: { written: ['records', 'tallies'], apart: ['sent', 'tallies'] },
  undos: { written: ['state', 'holds'], apart: ['state', 'holds'] },
  undoItems: { written: ['state', 'rows'], apart: ['state', 'rows', 'why', 'refused'] },
  journal: { written: ['outcome', 'rows'], apart: ['outcome', 'rows'] },
  /** The records on a backfill's shelf; each run has its own collection. */
  shelf: { written: ['record'], apart: [] },
} as const satisfies Record<string, CollectionRules>;

export type VersionedCollection = keyof typeof VERSIONED;

export const MIGRATIONS: readonly Migration[] = [
  { from: 0, name: 'documents say their version', documents: {} },
];
