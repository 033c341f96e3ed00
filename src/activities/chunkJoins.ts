import { canonicalKey, parseCanonicalKey, refKey } from '../sync/canonicalKey';
import { agreed, newLink, seenVersion, type Link, type PlannedWrite } from '../sync/link';
import { planPair, type Plan } from '../sync/planner';
import { SIDES, otherSide, type Side, type SyncRecord } from '../sync/record';
import type { References } from '../sync/values';
import { split, type AtWork, type ChunkWork, type Decided, type NotWritten } from './chunkWork';

/** A record of the chunk, and the matching record of the other side. */
export interface Match {
  item: Decided;
  counterpart: SyncRecord;
}

/** Joins matching records: claims both, Zendesk's first, and syncs them in bulk if one update is enough. */
export class ChunkJoins {
  constructor(private readonly work: ChunkWork) {}

  async join(items: Match[], rest: NotWritten): Promise<AtWork[]> {
    const { left } = rest;
    const { store, mapping, now } = this.work.context;
    const pairs = await this.claimed(items, rest);
    const at = now().toISOString();
    const toWrite: { link: Link; origin: SyncRecord }[] = [];
    const settled: Link[] = [];
    const references = await this.work.references(
      pairs.map(({ item, counterpart }) => ({
        key: item.key,
        records: [item.record, counterpart],
        link: null,
      })),
    );
    for (const pair of pairs) {
      const { record } = pair.item;
      const link = this.linkOf(pair, at);
      const plan = this.plan(pair, link, references, at);
      if (plan.do === 'write' && this.goesInBulk(link, plan.intent.writes))
        toWrite.push({ link: { ...link, intent: this.work.held(plan.intent) }, origin: record });
      else if (plan.do === 'settled') {
        settled.push(agreed(link, plan.agreement, mapping.version, at));
        this.work.tally(pair.item).joined += 1;
      } else {
        settled.push(link);
        left.push(record);
      }
    }
    await store.insertMany(settled);
    return this.work.store(toWrite, rest);
  }

  /**
   * Claims both records of each match. A record that another page claims meanwhile waits: mostly, that page has found the
   * same match from its side.
   * @returns the matches with both claims
   */
  private async claimed(items: Match[], { left, waiting }: NotWritten): Promise<Match[]> {
    const { store } = this.work.context;
    const ownKeyOf = ({ item, counterpart }: Match) =>
      canonicalKey(parseCanonicalKey(item.key).entity, counterpart.ref);
    const rivals = await store.getMany(items.map(ownKeyOf));
    const [taken, free] = split(items, (pair) => rivals.has(ownKeyOf(pair)));
    // If the counterpart has a pair of its own, the pair's workflow resolves this.
    for (const pair of taken)
      (rivals.get(ownKeyOf(pair))?.intent?.hold ? waiting : left).push(pair.item.record);
    let pairs = free;
    for (const side of SIDES) {
      const claims = pairs.map((pair) => ({ ref: refKey(recordOn(side, pair).ref), key: pair.item.key }));
      const owners = await store.claims.claimMany(claims);
      const kept: typeof pairs = [];
      for (const pair of pairs) {
        if (owners.get(refKey(recordOn(side, pair).ref)) === pair.item.key) {
          kept.push(pair);
          continue;
        }
        // Another pair was faster: release the first claim.
        if (side === 'pms') await store.claims.release(refKey(recordOn('zendesk', pair).ref), pair.item.key);
        waiting.push(pair.item.record);
      }
      pairs = kept;
    }
    return pairs;
  }

  private linkOf(pair: Match, at: string): Link {
    const { key } = pair.item;
    const { entity } = parseCanonicalKey(key);
    const side = (each: Side) => {
      const record = recordOn(each, pair);
      const backRef = record.backRef === refKey(recordOn(otherSide(each), pair).ref);
      return { ...seenVersion(record), residue: {}, backRef };
    };
    return {
      ...newLink(key, entity, this.work.context.mapping.version, at),
      sides: { zendesk: side('zendesk'), pms: side('pms') },
    };
  }

  private plan(pair: Match, link: Link, references: References, now: string): Plan {
    const { store, mapping } = this.work.context;
    return planPair(
      {
        key: pair.item.key,
        link,
        observed: {
          zendesk: { record: recordOn('zendesk', pair), fresh: true },
          pms: { record: recordOn('pms', pair), fresh: true },
        },
        references,
        hops: 0,
        linksSince: store.since,
        now,
      },
      mapping,
    );
  }

  /** Whether the writes are one update on the other side, which can go in bulk. */
  private goesInBulk(link: Link, [write, ...more]: readonly PlannedWrite[]): boolean {
    const { to, context } = this.work;
    if (write?.op !== 'update' || write.side !== to || more.length > 0) return false;
    return context.systems[to].bulk?.canUpdate(this.work.kindOf(link)) === true;
  }
}

function recordOn(side: Side, { item, counterpart }: Match): SyncRecord {
  return item.record.ref.side === side ? item.record : counterpart;
}
