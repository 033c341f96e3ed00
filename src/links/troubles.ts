import type { Collection, Db } from 'mongodb';

/**
 * Problems that processes of the service have found, for `status`, the console and the health endpoint. Times are ISO.
 */

export const TROUBLES = ['zendesk', 'pms', 'mapping', 'zendesk:twin', 'pms:twin'] as const;
/**
 * A side that refuses or does not answer; a mapping file that cannot be used; another installation on the same account.
 */
export type TroubleName = (typeof TROUBLES)[number];

export interface Trouble {
  name: TroubleName;
  /**
   * `unauthorized`: a person must grant a right; `cursor_refused`: the side does not know the stored cursor;
   * `unavailable`: the side does not answer, or asks the sync to wait.
   */
  code: 'unauthorized' | 'cursor_refused' | 'refused' | 'unavailable' | 'unusable' | 'twin';
  text: string;
  since: string;
  /** When it was last found. */
  at: string;
}

type TroubleDocument = Omit<Trouble, 'name'> & { _id: TroubleName };

/**
 * A problem that was not found for this long counts as solved. A problem of the mapping stays until the file changes.
 */
const KNOWN_FOR_MS: Record<TroubleName, number> = {
  zendesk: 10 * 60_000,
  pms: 10 * 60_000,
  mapping: Infinity,
  'zendesk:twin': 60 * 60_000,
  'pms:twin': 60 * 60_000,
};
/** Interval at which a process clears a problem that it does not find, because another process may have stored it. */
const CLEAR_EVERY_MS = 20_000;

export class Troubles {
  private readonly found: Collection<TroubleDocument>;
  private readonly cleared = new Map<TroubleName, number>();

  constructor(
    db: Db,
    prefix: string,
    private readonly now: () => Date,
  ) {
    this.found = db.collection(`${prefix}troubles`);
  }

  /** Stores a problem. One that is stored already keeps its beginning. */
  async note(name: TroubleName, { code, text }: Pick<Trouble, 'code' | 'text'>): Promise<void> {
    const at = this.now().toISOString();
    this.cleared.delete(name);
    await this.found.updateOne(
      { _id: name },
      { $set: { code, text, at }, $setOnInsert: { since: at } },
      { upsert: true },
    );
  }

  /** Deletes a problem. Costs nothing if this process did it a moment ago. */
  async clear(name: TroubleName): Promise<void> {
    const now = this.now().getTime();
    if (now - (this.cleared.get(name) ?? -Infinity) < CLEAR_EVERY_MS) return;
    await this.found.deleteOne({ _id: name });
    this.cleared.set(name, now);
  }

  async all(): Promise<Trouble[]> {
    const found = await this.found.find().sort({ _id: 1 }).toArray();
    const now = this.now().getTime();
    return found
      .map(({ _id: name, ...rest }) => ({ name, ...rest }))
      .filter(({ name, at }) => now - Date.parse(at) < (KNOWN_FOR_MS[name] ?? 0));
  }
}
