import { MIGRATIONS, type Migration, type Stored, type VersionedCollection } from './index';

/** What was stored is newer than what this release understands. The message is one line, for a person. */
export class NewerStore extends Error {
  override readonly name = 'NewerStore';

  constructor(what: string, found: number, understood: number) {
    super(
      `${what}: found version ${found} of stored documents, expected at most ${understood}, which this release ` +
        `understands; run the release that wrote them, or a later one (docs/evolution.md)`,
    );
  }
}

/** The versions of stored documents that a release understands, and how it reads each. Pure. */
export class Schema {
  /** What is written. */
  readonly version: number;

  /** @param migrations in their order, one for each version since 0 */
  constructor(private readonly migrations: readonly Migration[]) {
    migrations.forEach(({ from, name }, n) => {
      if (from !== n) throw new Error(`migration "${name}" is from version ${from}, expected ${n}`);
    });
    this.version = migrations.length;
  }

  /** Whether a document has another form than this release writes; false where only its number is behind. */
  isOther(collection: VersionedCollection, { v = 0 }: Pick<Stored, 'v'>): boolean {
    return (
      v > this.version ||
      this.migrations.slice(v).some(({ documents }) => documents[collection] !== undefined)
    );
  }

  /** The document as this release writes it. @throws NewerStore where a later one wrote it */
  read<D extends Stored>(collection: VersionedCollection, document: D): D {
    const { v = 0 } = document;
    if (v === this.version) return document;
    if (v > this.version) throw new NewerStore(`${collection} ${document._id}`, v, this.version);
    let migrated = document as unknown as Record<string, unknown>;
    for (const { documents } of this.migrations.slice(v))
      migrated = documents[collection]?.(migrated) ?? migrated;
    // What the migrations of a collection come to is its type: tests hold them to it, by documents of every release.
    return this.stamp(migrated as unknown as D);
  }

  stamp<D extends object>(document: D): D & { v: number } {
    return { ...document, v: this.version };
  }
}

export const SCHEMA = new Schema(MIGRATIONS);
