import type { Json, SyncRecord } from '../../sync/record';
import type { BulkAnswer, BulkCreate, BulkUpdate, BulkWrites } from '../bulkWrites';
import { NeedsHuman, RetryLater } from '../errors';
import type { ApiAnswer } from './profileApi';
import { scopeOf, type ProfileReads } from './profileReads';
import type { Kind } from './kindSchema';
import { personRefused, type ProfileWrites } from './profileWrites';
import { fillTree, type Scope } from './template';

const NOBODY: ReadonlySet<string> = new Set();

function withLeftOut(answer: { record: SyncRecord }, leftOut: Record<string, string>): BulkAnswer {
  return Object.keys(leftOut).length > 0 ? { record: { ...answer.record, leftOut } } : answer;
}

async function inOrder<T>(items: readonly T[], work: (item: T, place: number) => Promise<T>): Promise<T[]> {
  const done: T[] = [];
  for (const [place, item] of items.entries()) done.push(await work(item, place));
  return done;
}

/** Writes many records in one call, if the profile defines a bulk request. */
export class ProfileBulk implements BulkWrites {
  readonly most: number;

  constructor(
    kinds: readonly Kind[],
    private readonly reads: ProfileReads,
    private readonly writes: ProfileWrites,
  ) {
    this.most = Math.min(...kinds.flatMap(({ bulk }) => bulk?.most ?? []));
  }

  canCreate(kind: string): boolean {
    return this.reads.kindOf(kind).bulk?.create !== undefined;
  }

  create(kind: string, items: readonly BulkCreate[]): Promise<BulkAnswer[]> {
    return this.operate(kind, 'create', items);
  }

  canUpdate(kind: string): boolean {
    return this.reads.kindOf(kind).bulk?.update !== undefined;
  }

  /** Updates that need a separate request, to empty a property, are written one by one. */
  async update(kind: string, items: readonly BulkUpdate[]): Promise<BulkAnswer[]> {
    const records = this.reads.recordsOf(kind);
    const together = items.filter(({ values }) => !records.needsRequests(values));
    const written = together.length > 0 ? await this.operate(kind, 'update', together) : [];
    const next = written.values();
    const answers: BulkAnswer[] = [];
    for (const item of items)
      answers.push(
        together.includes(item) ? (next.next().value as BulkAnswer) : await this.alone(kind, item),
      );
    return answers;
  }

  async settled(): Promise<void> {}

  private async operate(
    kindName: string,
    op: 'create' | 'update',
    items: readonly (BulkCreate | BulkUpdate)[],
  ): Promise<BulkAnswer[]> {
    const records = this.reads.recordsOf(kindName);
    const { bulk } = records.kind;
    const tree = bulk?.[op];
    if (!bulk || !tree) throw new NeedsHuman(`cannot_${op}`, `the PMS writes no "${kindName}" in bulk`);
    await records.prefetch(items.map(({ values }) => values));
    // In parallel: each look-up of a person who is not cached is a call.
    const left = items.map((): Record<string, string> => ({}));
    const operations = await Promise.all(
      items.map(async (item, place): Promise<Json> => {
        const naming = { names: item.names ?? {}, again: NOBODY, leftOut: left[place] ?? {} };
        const { scope } = await this.writes.scopeOf(records, item.values, item.backRef, naming);
        const own: Scope =
          'ref' in item
            ? { ...records.scopeOf(item.ref), version: item.version }
            : { key: item.idempotencyKey };
        return fillTree(tree, { ...scope, ...own });
      }),
    );
    const response = await this.reads.api.write(
      this.reads.api.request(bulk.request, { ...scopeOf(records.kind), operations }),
    );
    const results = this.reads.api.itemsOf(response, bulk.results);
    if (results.length !== items.length)
      throw this.reads.api.unexpected(response.call, bulk.results.text, results, `${items.length} results`);
    const answers = await this.answersOf(kindName, bulk, response, results);
    return inOrder(answers, async (answer, place) => {
      const item = items[place];
      if ('record' in answer) return withLeftOut(answer, left[place] ?? {});
      return item && personRefused(records, answer.error) !== null ? this.alone(kindName, item) : answer;
    });
  }

  /** Writes one record by itself. A person whom the system refused is then looked up again, or left out. */
  private async alone(kind: string, item: BulkCreate | BulkUpdate): Promise<BulkAnswer> {
    try {
      if (!('ref' in item)) return { record: await this.writes.create(kind, item.values, item) };
      return { record: (await this.writes.update(item.ref, item.values, item)).record };
    } catch (error) {
      if (error instanceof RetryLater) throw error;
      return { error: error instanceof Error ? error : new Error(String(error)) };
    }
  }

  private async answersOf(
    kind: string,
    bulk: NonNullable<Kind['bulk']>,
    response: ApiAnswer,
    results: readonly Json[],
  ): Promise<BulkAnswer[]> {
    const answers: (BulkAnswer | null)[] = results.map((result) => {
      const status = Number(bulk.status.of(result));
      const error = this.reads.api.partRefusal(response.call, status, result);
      return error && { error };
    });
    const done = results.flatMap((result, n) =>
      answers[n] === null ? [{ result, at: `${bulk.results.text}.${n}` }] : [],
    );
    const made = await this.reads.parse(
      done.map(({ result, at }) => ({
        kind,
        raw: bulk.record.of(result),
        call: response.call,
        at,
        within: null,
      })),
    );
    const next = made.values();
    return answers.map((answer) => {
      if (answer) return answer;
      const { value } = next.next();
      return value ? { record: value } : { error: new Error('a record was lost between answer and parsing') };
    });
  }
}
