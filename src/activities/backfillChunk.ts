import type { Limit } from 'p-limit';
import type { Chunk } from '../links/backfillStore';
import type { RecordShelf } from '../links/shelf';
import type { BackfillTallies } from '../sync/backfillTally';
import type { Intent, Link } from '../sync/link';
import type { Side, SyncRecord } from '../sync/record';
import type { ActivityContext } from './activityContext';
import { ChunkBegin } from './chunkBegin';
import { ChunkDecisions } from './chunkDecisions';
import { ChunkJoins, type Match } from './chunkJoins';
import { ChunkSends } from './chunkSends';
import { ChunkWork, atWork, type AtWork, type Decided, type NotWritten } from './chunkWork';

/** Writes one chunk of records to the other side. Every step can be repeated after a kill at any point. */
export class ChunkWriter {
  private readonly work: ChunkWork;
  private readonly decisions: ChunkDecisions;
  private readonly beginnings: ChunkBegin;
  private readonly joins: ChunkJoins;
  private readonly sends: ChunkSends;

  /**
   * @param chunk as it was before this attempt began
   * @param turns a mutex for calls, so that other chunks of the page are prepared meanwhile
   */
  constructor(context: ActivityContext, from: Side, chunk: Chunk, shelf: RecordShelf, turns: Limit) {
    this.work = new ChunkWork(context, from, chunk, shelf);
    this.decisions = new ChunkDecisions(this.work);
    this.beginnings = new ChunkBegin(this.work);
    this.joins = new ChunkJoins(this.work);
    this.sends = new ChunkSends(this.work, turns);
  }

  get tallies(): BackfillTallies {
    return this.work.tallies;
  }

  /**
   * @param above levels of missing parents that are written first
   * @returns the records that wait for a parent or for another page
   */
  async write(records: SyncRecord[], above: number): Promise<SyncRecord[]> {
    let decided = await this.decisions.decide(records);
    const parents = above > 0 ? await this.decisions.missingParents(decided) : [];
    if (parents.length > 0) {
      await this.write(parents, above - 1);
      const waited = decided.filter(({ verdict }) => verdict.do === 'wait').map(({ record }) => record);
      decided = [
        ...decided.filter(({ verdict }) => verdict.do !== 'wait'),
        ...(await this.decisions.decide(waited)),
      ];
    }
    const sorted = this.sorted(decided);
    await this.work.context.store.insertMany(sorted.keep);
    const fresh = [
      ...(await this.beginnings.begin(sorted.begun, sorted)),
      ...(await this.joins.join(sorted.joins, sorted)),
    ];
    await this.sends.send([...(await this.beginnings.resume(sorted.resumed, sorted.left)), ...fresh]);
    await this.leave(sorted.left);
    return sorted.waiting;
  }

  /** Hands records to their pairs' own workflows. */
  leave(records: SyncRecord[]): Promise<void> {
    return this.work.leave(records);
  }

  private sorted(decided: readonly Decided[]): Sorted {
    const sorted: Sorted = { left: [], waiting: [], keep: [], resumed: [], begun: [], joins: [] };
    for (const item of decided) this.sort(item, sorted);
    return sorted;
  }

  private sort(item: Decided, { left, waiting, keep, resumed, begun, joins }: Sorted): void {
    const { record, verdict } = item;
    switch (verdict.do) {
      case 'nothing':
        this.work.tally(item)[verdict.because] += 1;
        break;
      case 'keep':
        keep.push(verdict.link);
        this.work.tally(item).ended += 1;
        break;
      case 'later':
        waiting.push(record);
        break;
      case 'wait':
        (verdict.waitsFor.some((ref) => this.decisions.outOfScope.has(ref)) ? left : waiting).push(record);
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
      case 'read':
      case 'leave':
        left.push(record);
    }
  }
}

/** The records of a chunk, by what is done with them. */
interface Sorted extends NotWritten {
  /** Links that are stored as they are. */
  keep: Link[];
  resumed: AtWork[];
  begun: { item: Decided; link: Link; intent: Intent }[];
  joins: Match[];
}
