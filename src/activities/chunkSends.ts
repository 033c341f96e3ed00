import { randomUUID } from 'node:crypto';
import type { Limit } from 'p-limit';
import { parseRef, refKey } from '../sync/canonicalKey';
import type { PlannedWrite } from '../sync/link';
import type { SyncRecord } from '../sync/record';
import type { BulkAnswer } from '../systems/bulkWrites';
import { NeedsHuman, RetryLater } from '../systems/errors';
import type { SystemPort } from '../systems/port';
import { ChunkCommits } from './chunkCommits';
import type { AtWork, ChunkWork } from './chunkWork';
import { activityLog } from './log';

/** Sends the writes of a chunk in bulk calls, and commits their answers. */
export class ChunkSends {
  private readonly commits: ChunkCommits;
  /** The name of this attempt; null until it sends creates that the system would carry out twice. */
  private mark: string | null = null;

  /** @param turns a mutex for calls, so that other chunks of the page are prepared meanwhile */
  constructor(
    private readonly work: ChunkWork,
    private readonly turns: Limit,
  ) {
    this.commits = new ChunkCommits(work);
  }

  async send(items: AtWork[], again = true): Promise<void> {
    const groups = new Map<string, AtWork[]>();
    for (const item of items) {
      const group = `${item.write.side} ${item.write.op} ${item.link.entity}`;
      groups.set(group, [...(groups.get(group) ?? []), item]);
    }
    for (const group of groups.values()) {
      const [first] = group;
      const bulk = first && this.work.context.systems[first.write.side].bulk;
      if (!bulk) throw new Error('a bulk write to a system without bulk writes');
      for (let i = 0; i < group.length; i += bulk.most)
        await this.sendSome(first.write, group.slice(i, i + bulk.most), again);
    }
  }

  private async sendSome({ op, side }: PlannedWrite, items: AtWork[], again: boolean): Promise<void> {
    const { systems, mapping } = this.work.context;
    const [first] = items;
    if (!first) return;
    const kind = mapping.entities[first.link.entity].kind[side];
    const port = systems[side];
    const twice = op === 'create' && !port.uniqueBackRef(kind);
    const before = this.mark ?? this.work.chunk.sent;
    let answers: BulkAnswer[];
    try {
      answers = await this.turns(async () => {
        // Directly before the call. If Temporal has given this attempt up, its successor may be sending the same
        // writes.
        if (twice) await this.markSent(before, randomUUID());
        return this.call(port, kind, items);
      });
    } catch (error) {
      if (twice && error instanceof RetryLater && !error.options.unknownOutcome)
        await this.markSent(this.mark, before);
      // The error concerns the whole call, and a retry does not help: each pair then reports its own error.
      if (!(error instanceof NeedsHuman) || error.code === 'unauthorized') throw error;
      answers = items.map(() => ({ error }));
    }
    const { carried, failed } = await this.commits.commit(side, items, answers, again);
    activityLog(this.work.context.log, null).debug(
      { side, op, kind, count: items.length - failed.length },
      'written in bulk',
    );
    await this.send(carried, false);
    const left: SyncRecord[] = [];
    await this.work.release(failed, left);
    await this.work.leave(left);
  }

  /** @throws RetryLater if another attempt is writing the chunk */
  private async markSent(from: string | null, to: string | null): Promise<void> {
    if (!(await this.work.context.store.backfill.markSent(this.work.chunk.id, from, to)))
      throw new RetryLater(`another attempt is at work on ${this.work.chunk.id}`, { unknownOutcome: true });
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
          ...(write.names && { names: write.names }),
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
          ...(write.names && { names: write.names }),
        };
      }),
    );
  }
}
