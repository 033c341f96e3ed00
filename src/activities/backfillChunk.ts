import { randomUUID } from 'node:crypto';
import type { Chunk } from '../links/backfillStore';
import { lowered, type RecordShelf } from '../links/shelf';
import {
  decideBackfill,
  type BackfillItem,
  type BackfillKnowledge,
  type BackfillVerdict,
} from '../sync/backfillVerdict';
import { noBackfill, type BackfillTally } from '../sync/backfillTally';
import { sortCandidates } from '../sync/candidates';
import { commit, withAnswer } from '../sync/commit';
import { fileWork } from '../sync/pairFiles';
import { canonicalKey, parseCanonicalKey, parseRef, refKey, type CanonicalKey } from '../sync/canonicalKey';
import {
  agreed,
  newLink,
  releasedIntent,
  seenVersion,
  type Intent,
  type Link,
  type PlannedWrite,
} from '../sync/link';
import { entityOf } from '../sync/mapping';
import { compareAnswer, filterReason, isEcho, planPair, type Candidates } from '../sync/planner';
import { SIDES, otherSide, type RefKey, type Side, type SyncRecord } from '../sync/record';
import type { References } from '../sync/values';
import type { BulkAnswer } from '../systems/bulkWrites';
import { NeedsHuman, RetryLater } from '../systems/errors';
import type { SystemPort } from '../systems/port';
import { ReferenceReader, type ActivityContext } from './activityContext';
import { inParallel, ownKey } from './dispatch';
import type { Turns } from './turns';
import type { Hint, Inbox } from './types';

/**
 * How long a page may be at work on a link before the pair's own workflow takes it over. Far longer than an attempt
 * takes from its stamp to its answer, rate limits and a bulk job's queue included.
 */
const HOLD_MS = 30 * 60_000;
const SIGNALS_AT_ONCE = 20;

/** One write on its way: the link as stored, held by this chunk. */
interface AtWork {
  link: Link & { intent: Intent };
  write: PlannedWrite;
  /** The record that it is made for. */
  origin: SyncRecord;
}

/** What is to become of an item that a verdict gives a link of its own. */
type Decided = BackfillItem & { verdict: BackfillVerdict };

/** Records that are not written now: left to their pairs, or to be looked at again. */
interface Rest {
  left: SyncRecord[];
  waiting: SyncRecord[];
}

/** Writes one chunk of records to the other side. Every step can be repeated after a kill at any point. */
export class ChunkWriter {
  readonly tallies = noBackfill();
  private readonly to: Side;
  /** Parents that this attempt has tried to write: what they wait for is for others to do. */
  private readonly tried = new Set<RefKey>();
  private readonly told = new Set<RefKey>();
  /** Parents that take no part: nobody writes them, and their children's pairs wait for good. */
  private readonly noPart = new Set<RefKey>();
  /** Parents that have both their records keep them while a chunk is written. */
  private readonly parents: ReferenceReader;
  /** Names this attempt, once it is about to send what may not be sent twice. */
  private mark: string | null = null;

  /**
   * @param chunk as it was before this attempt began
   * @param turns one call at a time: other chunks of the page are made ready meanwhile
   */
  constructor(
    private readonly context: ActivityContext,
    private readonly from: Side,
    private readonly chunk: Chunk,
    private readonly shelf: RecordShelf,
    private readonly turns: Turns,
  ) {
    this.to = otherSide(from);
    this.parents = new ReferenceReader(context);
  }

  /**
   * @param above levels of parents that are written first where they are missing
   * @returns the records that have to wait: for a parent, or for another page
   */
  async write(records: SyncRecord[], above: number): Promise<SyncRecord[]> {
    let decided = await this.decide(records);
    const parents = above > 0 ? await this.missingParents(decided) : [];
    if (parents.length > 0) {
      await this.write(parents, above - 1);
      const waited = decided.filter(({ verdict }) => verdict.do === 'wait').map(({ record }) => record);
      decided = [...decided.filter(({ verdict }) => verdict.do !== 'wait'), ...(await this.decide(waited))];
    }
    const waiting: SyncRecord[] = [];
    const left: SyncRecord[] = [];
    const keep: Link[] = [];
    const resumed: AtWork[] = [];
    const begun: { item: Decided; link: Link; intent: Intent }[] = [];
    const joins: { item: Decided; counterpart: SyncRecord }[] = [];
    for (const item of decided) {
      const { record, verdict } = item;
      switch (verdict.do) {
        case 'nothing':
          this.tally(item)[verdict.because] += 1;
          break;
        case 'keep':
          keep.push(verdict.link);
          this.tally(item).ended += 1;
          break;
        case 'later':
          waiting.push(record);
          break;
        case 'wait':
          (verdict.waitsFor.some((ref) => this.noPart.has(ref)) ? left : waiting).push(record);
          break;
        case 'resume': {
          const held = atWork(verdict.link, record);
          if (held) resumed.push(held);
          else left.push(record);
          break;
        }
        case 'write':
          begun.push({ item, link: verdict.link, intent: verdict.intent });
          break;
        case 'join':
          joins.push({ item, counterpart: verdict.counterpart });
          break;
        case 'look':
        case 'leave':
          left.push(record);
      }
    }
    await this.context.store.insertMany(keep);
    const rest = { left, waiting };
    const fresh = [...(await this.begin(begun, rest)), ...(await this.join(joins, rest))];
    await this.send([...(await this.takeUp(resumed, left)), ...fresh]);
    await this.leave(left);
    return waiting;
  }

  /** Hands records to their pairs' own workflows. */
  async leave(some: SyncRecord[]): Promise<void> {
    const records = some.filter(({ ref }) => !this.told.has(refKey(ref)));
    if (records.length === 0) return;
    for (const { ref } of records) this.told.add(refKey(ref));
    const { store } = this.context;
    await store.observations.keep(records);
    const owners = await store.claims.owners(records.map(({ ref }) => refKey(ref)));
    const told = records.flatMap((record) => {
      const ref = refKey(record.ref);
      const key = owners.get(ref) ?? this.keyOf(record);
      return key === null ? [] : [{ key, inbox: inboxOf([{ ref, version: record.version }]) }];
    });
    for (const { key } of told) this.tallies[parseCanonicalKey(key).entity].left += 1;
    await this.tell(told);
  }

  private tally({ key }: Pick<BackfillItem, 'key'>): BackfillTally {
    return this.tallies[parseCanonicalKey(key).entity];
  }

  private keyOf(record: SyncRecord): CanonicalKey | null {
    const entity = entityOf(this.context.mapping, record.ref.side, record.ref.kind, record.values);
    return entity && ownKey(entity, record);
  }

  private async tell(pairs: { key: CanonicalKey; inbox: Inbox }[]): Promise<void> {
    await inParallel(pairs, SIGNALS_AT_ONCE, ({ key, inbox }) => this.context.hint(key, inbox));
  }

  private async decide(records: SyncRecord[]): Promise<Decided[]> {
    const { store, mapping, now } = this.context;
    // A page may give a record twice; the newest counts.
    const latest = new Map<RefKey, SyncRecord>();
    for (const record of records) {
      const before = latest.get(refKey(record.ref));
      if (!before || before.order <= record.order) latest.set(refKey(record.ref), record);
    }
    const owners = await store.claims.owners(latest.keys());
    const keyed = [...latest].flatMap(([ref, record]) => {
      const owner = owners.get(ref);
      const key = owner ?? this.keyOf(record);
      return key === null ? [] : [{ record, owner, key }];
    });
    const links = await store.getMany(keyed.map(({ key }) => key));
    const items = keyed.map((item): BackfillItem => ({ ...item, link: links.get(item.key) ?? null }));
    const references = await this.references(
      items.map(({ record, key, link }) => ({ key, records: [record], link })),
    );
    const knowledge: BackfillKnowledge = {
      mapping,
      references,
      by: this.chunk.id,
      linksSince: store.since,
      now: now().toISOString(),
    };
    const decided = items.map((item): Decided => ({ ...item, verdict: decideBackfill(item, knowledge) }));
    const toLook = decided.filter(({ verdict }) => verdict.do === 'look');
    const matching = await this.matching(toLook);
    for (const item of toLook) {
      const candidates = matching.has(item) ? await this.look(item) : { free: [], taken: [], rivals: [] };
      item.verdict = decideBackfill(item, { ...knowledge, candidates });
    }
    return decided;
  }

  private references(
    items: { key: CanonicalKey; records: SyncRecord[]; link: Link | null }[],
  ): Promise<References> {
    const { mapping } = this.context;
    this.parents.again();
    return this.parents.read(
      items.map(({ key, ...item }) => ({ ...item, table: mapping.entities[parseCanonicalKey(key).entity] })),
    );
  }

  /** Those for which a look finds anything: most records of a first sync match none, and one query tells. */
  private async matching(items: Decided[]): Promise<Set<Decided>> {
    const { mapping } = this.context;
    const found = new Set<Decided>();
    for (const table of Object.values(mapping.entities)) {
      for (const rule of table.match) {
        const own = items.filter(({ key }) => parseCanonicalKey(key).entity === table.entity);
        const valuesOf = ({ record }: Decided) =>
          [record.values[rule[this.from]] ?? null].flat().filter((value) => value !== null && value !== '');
        const values = own.flatMap(valuesOf);
        const held = await this.shelf.held(this.to, table.kind[this.to], rule[this.to], values);
        for (const item of own) if (valuesOf(item).some((value) => held.has(lowered(value)))) found.add(item);
      }
    }
    return found;
  }

  /** The look for counterparts that the pair's workflow does by calls, done in what was read of both sides. */
  private async look({ record, key }: BackfillItem): Promise<Candidates> {
    const { store, mapping } = this.context;
    const { kind, match } = mapping.entities[parseCanonicalKey(key).entity];
    const holding = async (side: Side, of: SyncRecord[]): Promise<Map<RefKey, SyncRecord>> => {
      const found = new Map<RefKey, SyncRecord>();
      for (const each of of) {
        for (const rule of match) {
          for (const value of [each.values[rule[each.ref.side]] ?? null].flat()) {
            if (value === null || value === '') continue;
            for (const other of await this.shelf.holding(side, kind[side], rule[side], value))
              found.set(refKey(other.ref), other);
          }
        }
      }
      return found;
    };
    const matches = await holding(this.to, [record]);
    const owners = await store.claims.owners(matches.keys());
    const free = [...matches].filter(([ref]) => (owners.get(ref) ?? key) === key).map(([, each]) => each);
    const rivals =
      matches.size === 0 ? new Map<RefKey, SyncRecord>() : await holding(this.from, [record, ...free]);
    rivals.delete(refKey(record.ref));
    const links = await store.getMany(owners.values());
    const found = [...matches].map(([ref, each]) => ({ ref, record: each }));
    return sortCandidates(key, found, [...rivals.keys()], owners, links);
  }

  /** Parents that no pair works on yet, or that an earlier attempt at this chunk began: they are written first. */
  private async missingParents(decided: Decided[]): Promise<SyncRecord[]> {
    const { store, systems, mapping } = this.context;
    const awaited = decided.flatMap(({ verdict }) => (verdict.do === 'wait' ? verdict.waitsFor : []));
    const refs = [...new Set(awaited)].filter(
      (ref) => parseRef(ref).side === this.from && !this.tried.has(ref),
    );
    if (refs.length === 0) return [];
    const owners = await store.claims.owners(refs);
    const links = await store.getMany(owners.values());
    // What is observed was left to its pair, which is at work on it.
    const observed = await store.observations.get(refs);
    const wanted = refs.filter((ref) => {
      const link = links.get(owners.get(ref) ?? '');
      const hold = link?.intent?.hold;
      // What an earlier attempt at this chunk holds, nobody else can write before the hold is over.
      return hold ? hold.by === this.chunk.id : !link && !observed.has(ref);
    });
    if (wanted.length === 0) return [];
    for (const ref of wanted) this.tried.add(ref);
    const results = await systems[this.from].read(wanted.map(parseRef));
    return results.flatMap(({ record }) => {
      if (record === null) return [];
      const entity = entityOf(mapping, this.from, record.ref.kind, record.values);
      const takesPart =
        entity && record.skip === null && filterReason(mapping.entities[entity], record) === null;
      if (takesPart) return [record];
      this.noPart.add(refKey(record.ref));
      return [];
    });
  }

  /** Claims origins and stores what is to be written, held by this chunk, before anything is sent. */
  private async begin(items: { item: Decided; link: Link; intent: Intent }[], rest: Rest): Promise<AtWork[]> {
    const { left } = rest;
    const { store, systems } = this.context;
    const { bulk } = systems[this.to];
    const plain: typeof items = [];
    for (const each of items) {
      const kind = this.kindOf(each.link);
      const [write, ...more] = each.intent.writes;
      const isCreate = write?.op === 'create' && write.side === this.to && more.length === 0;
      // Files that must be there before their record are the pair's own to carry.
      const staged = (each.intent.next.files ?? []).length > 0 && systems[this.to].stage !== undefined;
      if (isCreate && !staged && bulk?.canCreate(kind)) plain.push(each);
      else left.push(each.item.record);
    }
    const free = await this.withoutCounterpart(plain, left);
    const claimed = await store.claims.claimMany(
      free.map(({ item }) => ({ ref: refKey(item.record.ref), key: item.key })),
    );
    const own = free.filter(({ item }) => {
      const isOwn = claimed.get(refKey(item.record.ref)) === item.key;
      if (!isOwn) left.push(item.record);
      return isOwn;
    });
    return this.store(
      own.map(({ item, link, intent }) => ({
        link: { ...link, intent: this.held(intent) },
        origin: item.record,
      })),
      rest,
    );
  }

  /** Where the other side takes a second record with the same back-reference, those that it has are left to their pairs. */
  private async withoutCounterpart<T extends { item: Decided; link: Link }>(
    items: T[],
    left: SyncRecord[],
  ): Promise<T[]> {
    const port = this.context.systems[this.to];
    const asked = items.filter(({ link }) => !port.uniqueBackRef(this.kindOf(link)));
    if (asked.length === 0) return items;
    const named = await this.shelf.naming(asked.map(({ item }) => refKey(item.record.ref)));
    const taken = new Set(named.map(({ backRef }) => backRef));
    return items.filter(({ item }) => {
      const isTaken = taken.has(refKey(item.record.ref));
      if (isTaken) left.push(item.record);
      return !isTaken;
    });
  }

  /** Joins records that match: claims both, Zendesk's first, and writes what makes them equal where one write does. */
  private async join(items: { item: Decided; counterpart: SyncRecord }[], rest: Rest): Promise<AtWork[]> {
    const { left } = rest;
    const { store, mapping, now, systems } = this.context;
    const ownKeyOf = ({ item, counterpart }: (typeof items)[number]) =>
      canonicalKey(parseCanonicalKey(item.key).entity, counterpart.ref);
    const rivals = await store.getMany(items.map(ownKeyOf));
    // The counterpart waits under a key of its own: the pair's workflow sorts that out.
    const [taken, free] = split(items, (pair) => rivals.has(ownKeyOf(pair)));
    left.push(...taken.map(({ item }) => item.record));
    let pairs = free;
    const recordOn = (side: Side, { item, counterpart }: (typeof items)[number]) =>
      item.record.ref.side === side ? item.record : counterpart;
    for (const side of SIDES) {
      const claims = pairs.map((pair) => ({ ref: refKey(recordOn(side, pair).ref), key: pair.item.key }));
      const owners = await store.claims.claimMany(claims);
      const kept: typeof pairs = [];
      for (const pair of pairs) {
        if (owners.get(refKey(recordOn(side, pair).ref)) === pair.item.key) {
          kept.push(pair);
          continue;
        }
        // Taken meanwhile: what was claimed for it before is let go.
        if (side === 'pms') await store.claims.release(refKey(recordOn('zendesk', pair).ref), pair.item.key);
        left.push(pair.item.record);
      }
      pairs = kept;
    }
    const at = now().toISOString();
    const toWrite: { link: Link; origin: SyncRecord }[] = [];
    const settled: Link[] = [];
    const references = await this.references(
      pairs.map(({ item, counterpart }) => ({
        key: item.key,
        records: [item.record, counterpart],
        link: null,
      })),
    );
    for (const pair of pairs) {
      const { key, record } = pair.item;
      const { entity } = parseCanonicalKey(key);
      const records = { zendesk: recordOn('zendesk', pair), pms: recordOn('pms', pair) };
      const side = (each: Side) => ({
        ...seenVersion(records[each]),
        residue: {},
        backRef: records[each].backRef === refKey(records[otherSide(each)].ref),
      });
      const link: Link = {
        ...newLink(key, entity, mapping.version, at),
        sides: { zendesk: side('zendesk'), pms: side('pms') },
      };
      const plan = planPair(
        {
          key,
          link,
          observed: {
            zendesk: { record: records.zendesk, fresh: true },
            pms: { record: records.pms, fresh: true },
          },
          references,
          hops: 0,
          linksSince: store.since,
          now: at,
        },
        mapping,
      );
      const [write, ...more] = plan.do === 'write' ? plan.intent.writes : [];
      const kind = mapping.entities[entity].kind[this.to];
      const inBulk =
        write?.op === 'update' &&
        write.side === this.to &&
        more.length === 0 &&
        systems[this.to].bulk?.canUpdate(kind);
      if (plan.do === 'write' && inBulk)
        toWrite.push({ link: { ...link, intent: this.held(plan.intent) }, origin: record });
      else if (plan.do === 'settled') {
        settled.push(agreed(link, plan.agreement, mapping.version, at));
        this.tally(pair.item).joined += 1;
      } else {
        settled.push(link);
        left.push(record);
      }
    }
    await store.insertMany(settled);
    return this.store(toWrite, rest);
  }

  /**
   * Stores new links with what is to be written. Where another page or a pair's workflow was faster, it goes on, and
   * what it came to is looked at later.
   */
  private async store(items: { link: Link; origin: SyncRecord }[], { waiting }: Rest): Promise<AtWork[]> {
    const inserted = await this.context.store.insertMany(items.map(({ link }) => link));
    const byKey = new Map(inserted.map((link) => [link._id, link]));
    for (const { link, origin } of items) if (!byKey.has(link._id)) waiting.push(origin);
    return items.flatMap(({ link, origin }) => {
      const stored = byKey.get(link._id);
      return (stored && atWork(stored, origin)) ?? [];
    });
  }

  /**
   * Goes on with what an earlier attempt stored. What it may have sent to a system that would take it twice is left to
   * the pairs, which look for it first: once the system has come to rest.
   */
  private async takeUp(items: AtWork[], left: SyncRecord[]): Promise<AtWork[]> {
    if (items.length === 0) return [];
    const { store, systems } = this.context;
    const port = systems[this.to];
    const [again, unsure] = split(
      items,
      ({ link, write }) =>
        write.op !== 'create' || port.uniqueBackRef(this.kindOf(link)) || this.chunk.sent === null,
    );
    if (unsure.length > 0) {
      await port.bulk?.settled();
      await this.release(unsure, left);
    }
    const links = again.map(({ link }) => ({ ...link, intent: this.held(link.intent) }));
    const saved = new Map((await store.saveMany(links)).map((link) => [link._id, link]));
    return again.flatMap(({ link, origin }) => {
      const stored = saved.get(link._id);
      // Its pair took it over.
      return (stored && atWork(stored, origin)) ?? [];
    });
  }

  private held(intent: Intent): Intent {
    const until = new Date(this.context.now().getTime() + HOLD_MS).toISOString();
    return { ...intent, hold: { by: this.chunk.id, until } };
  }

  private kindOf({ entity }: Pick<Link, 'entity'>): string {
    return this.context.mapping.entities[entity].kind[this.to];
  }

  private async send(items: AtWork[], again = true): Promise<void> {
    const groups = new Map<string, AtWork[]>();
    for (const item of items) {
      const group = `${item.write.side} ${item.write.op} ${item.link.entity}`;
      groups.set(group, [...(groups.get(group) ?? []), item]);
    }
    for (const group of groups.values()) {
      const [first] = group;
      const bulk = first && this.context.systems[first.write.side].bulk;
      if (!bulk) throw new Error('a bulk write to a system without any');
      for (let i = 0; i < group.length; i += bulk.most)
        await this.sendSome(first.write, group.slice(i, i + bulk.most), again);
    }
  }

  private async sendSome({ op, side }: PlannedWrite, items: AtWork[], again: boolean): Promise<void> {
    const { systems, mapping } = this.context;
    const [first] = items;
    if (!first) return;
    const kind = mapping.entities[first.link.entity].kind[side];
    const port = systems[side];
    const twice = op === 'create' && !port.uniqueBackRef(kind);
    const before = this.mark ?? this.chunk.sent;
    let answers: BulkAnswer[];
    try {
      answers = await this.turns.take(async () => {
        // Last of all, so that an attempt that was given up for dead does not send what its successor sends.
        if (twice) await this.markSent(before, randomUUID());
        return this.call(port, kind, items);
      });
    } catch (error) {
      if (twice && error instanceof RetryLater && !error.options.unknownOutcome)
        await this.markSent(this.mark, before);
      // What concerns the call as a whole and no retry mends: each pair says for itself what is wrong.
      if (!(error instanceof NeedsHuman) || error.code === 'unauthorized') throw error;
      answers = items.map(() => ({ error }));
    }
    await this.commit(side, items, answers, again);
  }

  /** @throws RetryLater where another attempt is at work on the chunk */
  private async markSent(from: string | null, to: string | null): Promise<void> {
    if (!(await this.context.store.backfill.markSent(this.chunk.id, from, to)))
      throw new RetryLater(`another attempt is at work on ${this.chunk.id}`, { unknownOutcome: true });
    this.mark = to;
  }

  private call({ bulk, side }: SystemPort, kind: string, items: AtWork[]): Promise<BulkAnswer[]> {
    if (!bulk) throw new Error(`${side} has no bulk writes`);
    if (items[0]?.write.op === 'create')
      return bulk.create(
        kind,
        items.map(({ write, origin }) => ({
          values: write.values,
          idempotencyKey: write.idempotencyKey,
          backRef: write.backRef ?? refKey(origin.ref),
        })),
      );
    return bulk.update(
      kind,
      items.map(({ write, link }) => {
        if (write.ref === null || write.version === null)
          throw new Error(`${link._id}: an update without record or version`);
        return {
          ref: parseRef(write.ref),
          values: write.values,
          version: write.version,
          backRef: write.backRef,
        };
      }),
    );
  }

  /** @param again whether what a system made of it by itself may be carried back in bulk, too */
  private async commit(side: Side, items: AtWork[], answers: BulkAnswer[], again: boolean): Promise<void> {
    const { store, mapping, metrics, now } = this.context;
    const answered = items.map((item, place) => ({ ...item, answer: answers[place] }));
    const made = answered.flatMap(({ answer, ...item }) =>
      answer && 'record' in answer ? [{ ...item, record: answer.record }] : [],
    );
    const failed: AtWork[] = answered.filter(({ answer }) => !answer || 'error' in answer);
    const owners = await store.claims.claimMany(
      made
        .filter(({ write }) => write.op === 'create')
        .map(({ record, link }) => ({ ref: refKey(record.ref), key: link._id })),
    );
    const [own, foreign] = split(
      made,
      ({ record, link, write }) => write.op !== 'create' || owners.get(refKey(record.ref)) === link._id,
    );
    const references = await this.references(
      own.map(({ link, record }) => ({
        key: link._id,
        records: [record],
        link: { ...link, snapshot: link.intent.next.snapshot },
      })),
    );
    const at = now().toISOString();
    const changed = new Map<CanonicalKey, SyncRecord>();
    const committed = own.map(({ link, write, record }) => {
      const { intent } = link;
      const table = mapping.entities[link.entity];
      const compared = compareAnswer(mapping, table, write, record, intent.next, references);
      if (compared.changedRows.length > 0) changed.set(link._id, record);
      return commit(withAnswer(link, releasedIntent(intent), write, record, compared), at);
    });
    // A change by the system itself is known to nobody else: kept first, in case this ends here.
    await store.observations.keep([...changed.values()]);
    const saved = new Map((await store.saveMany(committed)).map((link) => [link._id, link]));
    const carried: AtWork[] = [];
    for (const { link, write, origin } of own) {
      const stored = saved.get(link._id);
      if (!stored) continue;
      const tally = this.tallies[link.entity];
      if (write.op === 'create') tally.created[side] += 1;
      else if (again) tally.joined += 1;
      metrics.written(side, link.entity, write.op, null);
      const answer = changed.get(link._id);
      const back = again && answer ? this.carriedBack(stored, answer, references, at) : null;
      if (back) carried.push({ ...back, origin });
    }
    const held = await store.saveMany(carried.map(({ link }) => link));
    const heldByKey = new Map(held.map((link) => [link._id, link]));
    for (const key of heldByKey.keys()) changed.delete(key);
    await this.lookForNews(
      [...saved.values()].filter(({ _id }) => !heldByKey.has(_id)),
      changed,
    );
    await this.send(
      carried.flatMap(({ link, origin }) => {
        const stored = heldByKey.get(link._id);
        return (stored && atWork(stored, origin)) ?? [];
      }),
      false,
    );
    const left: SyncRecord[] = [];
    await this.release([...failed, ...foreign], left);
    await this.leave(left);
  }

  /** What the other system made of a new record by itself goes back with one more write, where that can go in bulk. */
  private carriedBack(
    link: Link,
    answer: SyncRecord,
    references: References,
    now: string,
  ): Omit<AtWork, 'origin'> | null {
    const { store, mapping, systems } = this.context;
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
    return { link: { ...link, intent: this.held(plan.intent) }, write };
  }

  /** Tells the pairs of what came for them while they were held, and of what is not for a backfill to do. */
  private async lookForNews(links: Link[], changed: ReadonlyMap<CanonicalKey, SyncRecord>): Promise<void> {
    const { store, mapping } = this.context;
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
        : await this.references(seen.map(({ link, record }) => ({ key: link._id, records: [record], link })));
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
    await this.tell(
      [...news].map((key) => {
        const refs = refsOf(byKey.get(key) as Link).filter((ref) => observed.has(ref));
        const hints = refs.map((ref) => ({ ref, version: observed.get(ref)?.version ?? null }));
        return { key, inbox: inboxOf(hints) };
      }),
    );
  }

  /** Lets the pairs' own workflows go on: what the attempt came to, they find out. */
  private async release(items: AtWork[], left: SyncRecord[]): Promise<void> {
    const links = items.map(({ link }) => ({ ...link, intent: releasedIntent(link.intent) }));
    await this.context.store.saveMany(links);
    for (const { link, origin, write } of items) {
      if (write.op === 'create') left.push(origin);
      else {
        this.tallies[link.entity].left += 1;
        await this.context.hint(link._id, { ...inboxOf([]), force: true });
      }
    }
  }
}

function inboxOf(hints: Hint[]): Inbox {
  return { hints, force: false, hops: 0, lane: 'background' };
}

/** The one write of a held link; null where the link is not of that kind. */
function atWork(link: Link, origin: SyncRecord): AtWork | null {
  const { intent } = link;
  const [write] = intent?.writes ?? [];
  return intent && write ? { link: { ...link, intent }, write, origin } : null;
}

function split<T>(items: T[], isFirst: (item: T) => boolean): [T[], T[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
}
