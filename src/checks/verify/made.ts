import { setTimeout as sleep } from 'node:timers/promises';
import { refKey } from '../../sync/canonicalKey';
import { otherSide, type RecordRef, type RefKey, type Side } from '../../sync/record';
import type { PublicApi } from './publicApi';
import { partsOf } from './commentParts';

/** The wait for counterparts that the sync was creating when their origin was removed. */
const LATE_MS = 10_000;

/** Collects the records and people that the checks made, and their counterparts, and removes them at the end. */
export class Made {
  private readonly records = new Map<RefKey, RecordRef>();
  /** The records whose counterpart was not seen yet, with the counterpart's kind. */
  private readonly waiting = new Map<RefKey, string>();
  /** By an origin: its counterpart. */
  private readonly counterparts = new Map<RefKey, RecordRef>();
  private readonly people = new Map<string, { side: Side; email: string }>();

  /** @param counterpart the kind of record that the sync will create as counterpart */
  record(ref: RecordRef, counterpart: string): void {
    this.records.set(refKey(ref), ref);
    this.waiting.set(refKey(ref), counterpart);
  }

  /** Records that the counterpart was seen. */
  met(ref: RecordRef, counterpart: RecordRef): void {
    this.waiting.delete(refKey(ref));
    this.records.set(refKey(counterpart), counterpart);
    this.counterparts.set(refKey(ref), counterpart);
  }

  /** Records a person that a check added to a system. */
  person(side: Side, email: string): void {
    this.people.set(`${side} ${email}`, { side, email });
  }

  /**
   * Removes everything on both sides, newest first, and both records of a pair directly after each other: the sync then
   * sees that both ended, and its brake does not count the end of the pair.
   * @param lateMs how long to wait for counterparts that were not seen yet
   * @returns the records and people that could not be removed, with the reason
   */
  async remove(apis: Record<Side, PublicApi>, lateMs = LATE_MS): Promise<string[]> {
    const left: string[] = [];
    const attempt = async (what: string, work: () => Promise<unknown>) => {
      try {
        await work();
      } catch (error) {
        left.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      }
    };
    for (const ref of this.inOrder())
      await attempt(refKey(ref), () => apis[ref.side].remove(ref.kind, ref.id));
    if (this.waiting.size > 0) await sleep(lateMs);
    for (const [ref, kind] of this.waiting) {
      const origin = this.records.get(ref);
      // Deleting a ticket deletes its comments.
      if (!origin || kind === 'comment') continue;
      const side = otherSide(origin.side);
      await attempt(`counterpart of ${ref}`, async () => {
        for (const { id } of await apis[side].find(kind, ref, null)) await apis[side].remove(kind, id);
      });
    }
    // People last: a person with a ticket or project cannot be removed.
    for (const { side, email } of this.people.values())
      await attempt(`${side} person ${email}`, () => apis[side].removePerson(email));
    return left;
  }

  /** Deleting a ticket deletes its comments. So the order is: ticket, its comments' counterparts, its own counterpart. */
  private inOrder(): RecordRef[] {
    const counterparts = new Set([...this.counterparts.values()].map(refKey));
    const groups = new Map<string, Removal[]>();
    for (const [key, ref] of [...this.records].reverse()) {
      if (counterparts.has(key)) continue;
      const other = this.counterparts.get(key);
      const records = other ? [ref, other] : [ref];
      const zendesk = records.find(({ side }) => side === 'zendesk');
      const isComment = zendesk?.kind === 'comment';
      const group = isComment
        ? `ticket ${partsOf(zendesk.id).ticketId}`
        : `${(zendesk ?? ref).kind} ${(zendesk ?? ref).id}`;
      const removals = records.map((each) => ({
        ref: each,
        place: each === zendesk ? 0 : isComment ? 1 : 2,
      }));
      groups.set(group, [...(groups.get(group) ?? []), ...removals]);
    }
    return [...groups.values()].flatMap((all) => all.sort((a, b) => a.place - b.place).map(({ ref }) => ref));
  }
}

/** A record to be removed, and its place among those of one ticket. */
interface Removal {
  ref: RecordRef;
  place: number;
}
