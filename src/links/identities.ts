import type { Collection, Db } from 'mongodb';
import type { Side } from '../sync/record';

/**
 * The users whom our credentials acted as. Another credential may act as another user; links still hold what the
 * former one wrote, and events that name it may still arrive.
 */

export interface Identity {
  side: Side;
  /** The id by which the side's events name the user. */
  id: string;
  /** How we signed in as this user last. */
  by: SignInWay;
  /** ISO time at which a process first signed in as this user. */
  since: string;
  /** ISO time at which another user took over; null for the present one. */
  until: string | null;
}

export type SignInWay = 'oauth' | 'apiToken' | 'other';

type IdentityDocument = Identity & { _id: string };

/** Processes that still sign in the old way may run for a while beside the first that signs in the new way. */
const OVERLAP_MS = 24 * 60 * 60_000;
const KNOWN_FOR_MS = 60_000;

export class Identities {
  private readonly users: Collection<IdentityDocument>;
  private readonly known = new Map<Side, { at: number; current: string; users: Identity[] }>();

  constructor(db: Db) {
    this.users = db.collection('identities');
  }

  /** Notes whom we act as from now on. Safe to repeat. */
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
   * Tells which changes are our own. A former user's count as ours up to the time at which another took over, and a
   * day: after that, the user may belong to a person again.
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
      // Null: the credential was replaced under a running process, which has not noted the new user yet.
      return until === null || order <= Date.parse(until) + OVERLAP_MS;
    };
  }

  /** Asked for with every page of hints, and changed once in years. */
  private async recall(side: Side, current: string, now: number): Promise<Identity[]> {
    const known = this.known.get(side);
    if (known?.current === current && now - known.at < KNOWN_FOR_MS) return known.users;
    const users = await this.all(side);
    this.known.set(side, { at: now, current, users });
    return users;
  }
}
