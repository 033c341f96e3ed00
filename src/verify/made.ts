import type { Side } from '../sync/record';
import { SIDES } from '../sync/record';
import type { PublicApi } from './api';

/** Everything that a check made or caused, to be removed when it ends. */
export class Made {
  private readonly records = new Map<
    string,
    { side: Side; kind: string; id: string; counterpart: string | null }
  >();
  private readonly people = new Map<string, Side>();

  /** @param counterpart the kind that the sync makes of it on the other side; null where this is such a one */
  record(side: Side, kind: string, id: string, counterpart: string | null): void {
    this.records.set(`${side}:${kind}:${id}`, { side, kind, id, counterpart });
  }

  /** Somebody who is known to one system because of us. */
  person(side: Side, email: string): void {
    this.people.set(`${side} ${email}`, side);
  }

  /**
   * Removes all of it on both sides, newest first, with counterparts that came after nobody waited for them any more.
   * @returns what could not be removed, each with the cause
   */
  async remove(apis: Record<Side, PublicApi>): Promise<string[]> {
    const left: string[] = [];
    const attempt = async (what: string, work: () => Promise<unknown>) => {
      try {
        await work();
      } catch (error) {
        left.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      }
    };
    const all = [...this.records].reverse();
    for (const [ref, { side, kind, id, counterpart }] of all) {
      await attempt(ref, () => apis[side].remove(kind, id));
      if (counterpart === null || counterpart === 'comment') continue;
      const other = side === 'zendesk' ? 'pms' : 'zendesk';
      await attempt(`counterpart of ${ref}`, async () => {
        for (const seen of await apis[other].find(counterpart, ref, null))
          await apis[other].remove(counterpart, seen.id);
      });
    }
    // People last: a ticket or project of theirs would keep them.
    for (const [key, side] of this.people) {
      const email = key.slice(side.length + 1);
      await attempt(`${side} person ${email}`, () => apis[side].removePerson(email));
    }
    return left;
  }

  /** Of both sides, because the sync brings them across. */
  personOnBoth(email: string): void {
    for (const side of SIDES) this.person(side, email);
  }
}
