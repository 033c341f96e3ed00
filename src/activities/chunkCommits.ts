import { refKey, type CanonicalKey } from '../sync/canonicalKey';
import { commit, withAnswer, type LinkAtWork } from '../sync/commit';
import { releasedIntent, type Link } from '../sync/link';
import type { Written } from '../sync/journal';
import { fileWork } from '../sync/pairFiles';
import { compareAnswer, isEcho, planPair } from '../sync/planner';
import { SIDES, type Side, type SyncRecord } from '../sync/record';
import type { References } from '../sync/values';
import { hintOf } from './dispatch';
import { noteWritten } from './journalling';
import type { BulkAnswer } from '../systems/bulkWrites';
import { atWork, inboxOf, split, type AtWork, type ChunkWork } from './chunkWork';

type Answered = AtWork & { record: SyncRecord };

/** Processes the answers of a bulk write: commits the links, and signals the pairs that have something left to do. */
export class ChunkCommits {
  constructor(private readonly work: ChunkWork) {}

  /**
   * @param again whether values that the system set by itself may be carried back in bulk
   * @returns `carried`: the writes that carry such values back; `failed`: items that were not written or not claimed
   */
  async commit(
    side: Side,
    items: AtWork[],
    answers: BulkAnswer[],
    again: boolean,
  ): Promise<{ carried: AtWork[]; failed: AtWork[] }> {
    const { store, now } = this.work.context;
    const answered = items.map((item, place) => ({ ...item, answer: answers[place] }));
    const made = answered.flatMap(({ answer, ...item }) =>
      answer && 'record' in answer ? [{ ...item, record: answer.record }] : [],
    );
    const failed: AtWork[] = answered.filter(({ answer }) => !answer || 'error' in answer);
    const [own, foreign] = await this.claimed(made);
    const references = await this.work.references(
      own.map(({ link, record }) => ({
        key: link._id,
        records: [record],
        link: { ...link, snapshot: link.intent.next.snapshot },
      })),
    );
    const at = now().toISOString();
    const changed = new Map<CanonicalKey, SyncRecord>();
    const committed = await this.journalled(own, references, changed, at);
    // Only this answer shows a change by the system itself. Store it first, in case the process dies.
    await store.observations.keep([...changed.values()]);
    const saved = new Map((await store.saveMany(committed)).map((link) => [link._id, link]));
    const stored = own.flatMap((item) => {
      const link = saved.get(item.link._id);
      return link ? [{ ...item, stored: link }] : [];
    });
    const carried: AtWork[] = [];
    for (const item of stored) {
      this.count(side, item, again);
      const answer = changed.get(item.link._id);
      const back = again && answer ? this.carriedBack(item.stored, answer, references, at) : null;
      if (back) carried.push({ ...back, origin: item.origin });
    }
    const held = await store.saveMany(carried.map(({ link }) => link));
    const heldByKey = new Map(held.map((link) => [link._id, link]));
    for (const key of heldByKey.keys()) changed.delete(key);
    await this.signalRemaining(
      [...saved.values()].filter(({ _id }) => !heldByKey.has(_id)),
      changed,
    );
    return {
      carried: carried.flatMap(({ link, origin }) => {
        const kept = heldByKey.get(link._id);
        return (kept && atWork(kept, origin)) ?? [];
      }),
      failed: [...failed, ...foreign],
    };
  }

  /**
   * Adds the writes to the journal, before the commit. @param changed gets the records that the system changed itself
   */
  private async journalled(
    own: readonly Answered[],
    references: References,
    changed: Map<CanonicalKey, SyncRecord>,
    at: string,
  ): Promise<Link[]> {
    const { mapping } = this.work.context;
    const told = own.map(({ link, write, record }) => {
      const { intent, entity } = link;
      const compared = compareAnswer(
        mapping,
        mapping.entities[entity],
        write,
        record,
        intent.next,
        references,
      );
      if (compared.changedRows.length > 0) changed.set(link._id, record);
      return withAnswer(link, releasedIntent(intent), write, record, compared, at);
    });
    await noteWritten(this.work.context, own.map(writtenAs(told)), references);
    return told.map((link) => commit(link, at));
  }

  /** Claims the created records for their pairs. @returns the claimed items, and those that another pair has claimed */
  private async claimed(made: Answered[]): Promise<[Answered[], Answered[]]> {
    const owners = await this.work.context.store.claims.claimMany(
      made
        .filter(({ write }) => write.op === 'create')
        .map(({ record, link }) => ({ ref: refKey(record.ref), key: link._id })),
    );
    return split(
      made,
      ({ record, link, write }) => write.op !== 'create' || owners.get(refKey(record.ref)) === link._id,
    );
  }

  private count(side: Side, { link, write }: AtWork, again: boolean): void {
    const tally = this.work.tallies[link.entity];
    if (write.op === 'create') tally.created[side] += 1;
    else if (again) tally.joined += 1;
    this.work.context.metrics.written(side, link.entity, write.op, null);
  }

  /**
   * One more bulk write that carries values which the system set by itself back to the other side; null if none can.
   */
  private carriedBack(
    link: Link,
    answer: SyncRecord,
    references: References,
    now: string,
  ): Omit<AtWork, 'origin'> | null {
    const { store, mapping, systems } = this.work.context;
    const plan = planPair(
      {
        key: link._id,
        link,
        observed: { [answer.ref.side]: { record: answer, fresh: true } },
        references,
        hops: 0,
        linksSince: store.since,
        now,
      },
      mapping,
    );
    const [write, ...more] = plan.do === 'write' ? plan.intent.writes : [];
    if (plan.do !== 'write' || write?.op !== 'update' || more.length > 0) return null;
    const kind = mapping.entities[link.entity].kind[write.side];
    if (!systems[write.side].bulk?.canUpdate(kind)) return null;
    return { link: { ...link, intent: this.work.held(plan.intent) }, write };
  }

  /**
   * Signals pairs of which something changed while they were held, or that have something to do outside of bulk writes.
   */
  private async signalRemaining(
    links: Link[],
    changed: ReadonlyMap<CanonicalKey, SyncRecord>,
  ): Promise<void> {
    const { store, mapping } = this.work.context;
    const refsOf = (link: Link) => SIDES.flatMap((side) => link.sides[side]?.ref ?? []);
    const observed = await store.observations.get(links.flatMap(refsOf));
    const seen = links.flatMap((link) =>
      refsOf(link).flatMap((ref) => {
        const record = observed.get(ref);
        return record ? [{ link, record }] : [];
      }),
    );
    const references =
      seen.length === 0
        ? null
        : await this.work.references(
            seen.map(({ link, record }) => ({ key: link._id, records: [record], link })),
          );
    const known: SyncRecord[] = [];
    const news = new Set<CanonicalKey>(changed.keys());
    for (const { link, record } of seen) {
      const table = mapping.entities[link.entity];
      if (references && !changed.has(link._id) && isEcho(mapping, table, link, record, references))
        known.push(record);
      else news.add(link._id);
    }
    await store.observations.forget(known);
    for (const link of links)
      if (link.waitsFor.length > 0 || fileWork(link.files ?? []).length > 0) news.add(link._id);
    const byKey = new Map(links.map((link) => [link._id, link]));
    await this.work.signal(
      [...news].map((key) => {
        const hints = refsOf(byKey.get(key) as Link).flatMap((ref) => {
          const record = observed.get(ref);
          return record ? [hintOf(ref, record)] : [];
        });
        return { key, inbox: inboxOf(hints) };
      }),
    );
  }
}

/** The journal's input. @param answered the links with the answers, in the same order */
function writtenAs(answered: readonly LinkAtWork[]): (made: Answered, place: number) => Written {
  return ({ link, write, record }, place) => {
    const notTaken = answered[place]?.intent.next.notTaken;
    return {
      link,
      intent: link.intent,
      write,
      outcome: 'done',
      answer: record,
      ...(notTaken && { notTaken }),
    };
  };
}
