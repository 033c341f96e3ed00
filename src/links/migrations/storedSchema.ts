import { MIGRATIONS, type Migration, type Stored, type VersionedCollection } from './index';

/** A later release wrote the stored document, and this release does not understand it. The message is one line. */
export class NewerStore extends Error {
  override readonly name = 'NewerStore';

  constructor(what: string, found: number, understood: number) {
    super(
      `${what}: found version ${found} of stored documents, expected at most ${understood}, which this release ` +
        `understands; run the release that wrote them, or a later one (docs/evolution.md)`,
    );
  }
}

/** The versions of stored documents that a release understands, and their migrations. Pure. */
export class Schema {
  /** The version that this release writes. */
  readonly version: number;

  /** @param migrations in order, one for each version from 0 */
  constructor(private readonly migrations: readonly Migration[]) {
    migrations.forEach(({ from, name }, n) => {
      if (from !== n) throw new Error(`migration "${name}" is from version ${from}, expected ${n}`);
    });
    this.version = migrations.length;
  }

  /** Whether a document has another form than this release writes; false if only its version number is older. */
  isOther(collection: VersionedCollection, { v = 0 }: Pick<Stored, 'v'>): boolean {
    return (
      v > this.version ||
      this.migrations.slice(v).some(({ documents }) => documents[collection] !== undefined)
    );
  }

  /** The document in the form that this release writes. @throws NewerStore if a later release wrote it */
  read<D extends Stored>(collection: VersionedCollection, document: D): D {
    const { v = 0 } = document;
    if (v === this.version) return document;
    if (v > this.version) throw new NewerStore(`${collection} ${document._id}`, v, this.version);
    let migrated = document as unknown as Record<string, unknown>;
    for (const { documents } of this.migrations.slice(v))
      migrated = documents[collection]?.(migrated) ?? migrated;
    // The migrated document has the collection's type: tests check this with documents of every release.
    return this.stamp(migrated as unknown as D);
  }

  stamp<D extends object>(document: D): D & { v: number } {
    return { ...document, v: this.version };
  }
}

export const SCHEMA = new Schema(MIGRATIONS);
