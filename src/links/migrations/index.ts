/**
 * How stored documents have changed from release to release. A document says in `v` by which version it was written;
 * none stands for version 0. See docs/evolution.md, "Stored documents".
 */

/** A document as MongoDB holds it. */
export interface Stored {
  readonly _id: string;
  readonly v?: number;
}

/** Pure, and of one document alone: it neither reads others nor knows the time. It leaves `_id` and `v` as they are. */
export type DocumentMigration = (document: Record<string, unknown>) => Record<string, unknown>;

export interface Migration {
  /** The version of documents before it; after it they are of the next. */
  from: number;
  /** In a few words, for a person who runs `store migrate`. */
  name: string;
  /** What it does to the documents of each collection; those of others stay as they are. */
  documents: Partial<Record<VersionedCollection, DocumentMigration>>;
}

interface CollectionRules {
  /** Fields that differ whenever a document was written anew since it was read. */
  written: readonly string[];
  /** Fields that are also written by themselves, whatever the document's version: no migration may touch them. */
  apart: readonly string[];
}

/**
 * The collections whose documents say their version: those that are written whole. All others are written in part, by
 * releases side by side, and only ever gain fields; for them the version of the store as a whole is enough.
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
  /** What a backfill read and looks for, in a collection of its own for each run. */
  shelf: { written: ['record'], apart: [] },
} as const satisfies Record<string, CollectionRules>;

export type VersionedCollection = keyof typeof VERSIONED;

export const MIGRATIONS: readonly Migration[] = [
  { from: 0, name: 'documents say their version', documents: {} },
];
