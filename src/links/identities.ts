import type { Collection, Db } from 'mongodb';
import type { Side } from '../sync/record';

/**
 * The users that our credentials acted as. After a change of the credential, links still have values that the former
 * user wrote, and events that name the former user may still arrive.
 */

export interface Identity {
  side: Side;
  /** The user's id in the events of the side. */
  id: string;
  /** How the sync last signed in as this user. */
  by: SignInWay;
  /** ISO time at which a process first signed in as this user. */
  since: string;
  /** ISO time at which another user took over; null for the present one. */
  until: string | null;
}

export type SignInWay = 'oauth' | 'apiToken' | 'other';

type IdentityDocument = Identity & { _id: string };

/** How long processes with the former credential may still run after the first process with the new one. */
const OVERLAP_MS = 24 * 60 * 60_000;
const KNOWN_FOR_MS = 60_000;

export class Identities {
  private readonly users: Collection<IdentityDocument>;
  private readonly known = new Map<Side, { at: number; current: string; users: Identity[] }>();

  constructor(db: Db) {
    this.users = db.collection('identities');
  }

  /** Stores the user that the sync acts as from now on. May be repeated. */
  async actAs(side: Side, id: string, by: SignInWay, now: Date): Promise<void> {
    const at = now.toISOString();
    const present = { side, id, by, until: null };
    await this.users.updateOne(
      { _id: `${side}:${id}` },
      { $set: present, $setOnInsert: { since: at } },
      { upsert: true },
    );
    await this.users.updateMany({ side, id: { $ne: id }, until: null }, { $set: { until: at } });
    this.known.delete(side);
  }

  async all(side: Side): Promise<Identity[]> {
    const found = await this.users.find({ side }).toArray();
    return found.map(({ _id, ...identity }) => identity);
  }

  /**
   * Decides which changes are our own. Changes by a former user count as ours until one day after another user took
   * over. After that, the user may belong to a person again.
   * @param current the id that the present credential acts as
   * @returns whether a change by `actor`, at `order` (milliseconds since the epoch), is ours
   */
  async ours(side: Side, current: string, now: Date): Promise<(actor: string, order: number) => boolean> {
    const users = await this.recall(side, current, now.getTime());
    const ends = new Map(users.map(({ id, until }) => [id, until]));
    return (actor, order) => {
      if (actor === current) return true;
      const until = ends.get(actor);
      if (until === undefined) return false;
      // Null: the credential was replaced while the process runs, and the new user is not stored yet.
      return until === null || order <= Date.parse(until) + OVERLAP_MS;
    };
  }

  /** Cached, because each page of hints needs it, and it changes once in years. */
  private async recall(side: Side, current: string, now: number): Promise<Identity[]> {
    const known = this.known.get(side);
    if (known?.current === current && now - known.at < KNOWN_FOR_MS) return known.users;
    const users = await this.all(side);
    this.known.set(side, { at: now, current, users });
    return users;
  }
}
