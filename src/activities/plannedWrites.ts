import { observationDigest } from '../links/observationStore';
import { parseRef, refKey, type CanonicalKey } from '../sync/canonicalKey';
import { commit, withAnswer, type LinkAtWork } from '../sync/commit';
import type { Written } from '../sync/journal';
import type { Intent, Link, PlannedWrite } from '../sync/link';
import { fileWork } from '../sync/pairFiles';
import { compareAnswer, uncompared, unexpectedValues } from '../sync/planner';
import { otherSide, type RefKey, type Side, type SyncRecord, type Values } from '../sync/record';
import { actedOn } from '../sync/resolution';
import { hasRowsApart } from '../sync/refusedWrite';
import { sameValue, type References } from '../sync/values';
import { PreconditionFailed, RecordGone } from '../systems/errors';
import type { Updated } from '../systems/port';
import {
  ReferenceReader,
  signalWaitingPairs,
  originRef,
  recordsOf,
  summarise,
  type ActivityContext,
} from './activityContext';
import { isRepeated } from './heartbeats';
import { activityLog } from './log';
import { tellNewConflicts } from './newConflicts';
import { forgetRedacted, formerReferences, noteWritten } from './journalling';
import { PlannedFiles, withFiles } from './plannedFiles';
import { finishUndo } from './pairUndo';
import { expectKnownMapping } from './remapActivities';
import type { ReadOutcome, WriteOutcome } from './types';
import { WriteRecovery } from './writeRecovery';

/** Carries out the next write of a pair's intent on one side, and commits the link after the last write. */
export class PlannedWrites {
  private readonly references: ReferenceReader;

  private readonly files: PlannedFiles;
  private readonly recovery: WriteRecovery;

  constructor(
    private readonly context: ActivityContext,
    private readonly side: Side,
    private readonly key: CanonicalKey,
    read: (refs: RefKey[]) => Promise<ReadOutcome>,
  ) {
    this.references = new ReferenceReader(context);
    this.files = new PlannedFiles(context, side, key);
    this.recovery = new WriteRecovery(context, side, key, read);
  }

  /** @param rev the revision of the link that the plan or the write before has saved; null if unknown */
  async next(rev: number | null): Promise<WriteOutcome> {
    const { context, key, side } = this;
    const link = await this.linkAtWork(rev);
    if (!link) throw new Error(`${key}: a write was planned, but there is no link`);
    await expectKnownMapping(context, link.mappingVersion);
    const write = link.intent?.writes.find((candidate) => candidate.side === side && !candidate.done);
    if (!link.intent || !write) {
      // An earlier attempt committed and died afterwards: repeat what follows a commit.
      if (link.intent === null) await signalWaitingPairs(context, recordsOf(link));
      // Or it abandoned the intent, and the answer to that save was lost: only a new plan shows which.
      if (link.intent === null && (isRepeated() || hasRowsApart(link)))
        return { next: 'again', fresh: [], gone: [] };
      return { next: 'done', state: summarise(key, link) };
    }
    try {
      return await this.perform(link, link.intent, write);
    } catch (error) {
      return this.recovery.recover(link, write, error);
    }
  }

  /**
   * The link: from memory if this process has saved this revision, otherwise from the store. An earlier attempt may have
   * saved a later revision in another process.
   */
  private async linkAtWork(rev: number | null): Promise<Link | null> {
    const { store } = this.context;
    const known = rev === null || isRepeated() ? null : store.takeSaved(this.key, rev);
    return known ?? store.get(this.key);
  }

  private async perform(link: Link, intent: Intent, write: PlannedWrite): Promise<WriteOutcome> {
    const { context, side, key } = this;
    const port = context.systems[side];
    const table = context.mapping.entities[link.entity];
    const kind = table.kind[side];
    const target = write.ref === null ? null : parseRef(write.ref);
    switch (write.op) {
      case 'create': {
        const backRef = write.backRef ?? originRef(key);
        if (!port.uniqueBackRef(kind) && (write.lookFirst || isRepeated())) {
          const found = await this.recovery.findByBackRef(kind, backRef, write);
          if (found.length > 0) return this.recovery.adopt(link, found, backRef);
        }
        const { staged, files } = await this.files.stage(intent.next.files ?? []);
        const created = await port.create(kind, write.values, {
          idempotencyKey: write.idempotencyKey,
          backRef,
          staged,
          ...(write.names && { names: write.names }),
        });
        const owner = await context.store.claims.claim(refKey(created.ref), key);
        if (owner !== key)
          throw new Error(`${key}: the record just created, ${refKey(created.ref)}, is claimed by ${owner}`);
        return this.done(link, withFiles(intent, files), write, created);
      }
      case 'update':
        if (!target || write.version === null) throw new Error(`${key}: an update without record or version`);
        if (!port.hasPrecondition(kind)) await this.expectUnmoved(link, write);
        return this.updated(
          link,
          intent,
          write,
          await port.update(target, write.values, {
            version: write.version,
            backRef: write.backRef,
            ...(write.names && { names: write.names }),
          }),
        );
      case 'followUp': {
        if (!target || write.backRef === null)
          throw new Error(`${key}: a follow-up without record or source`);
        const options = { idempotencyKey: write.idempotencyKey, backRef: write.backRef };
        return this.done(link, intent, write, await port.followUp(target, write.values, options));
      }
      case 'archive':
      case 'redact':
        if (!target || write.version === null)
          throw new Error(`${key}: ${write.op} without record or version`);
        return this.done(link, intent, write, await port[write.op](target, { version: write.version }));
      case 'attach':
      case 'detach': {
        const carried = await this.files.carry(intent, write);
        return this.done(link, carried.intent, write, carried.record);
      }
    }
  }

  /**
   * Replaces the precondition if the system has none: reads the record and compares it, before it is written.
   * @throws PreconditionFailed, RecordGone
   */
  private async expectUnmoved(link: Link, write: PlannedWrite): Promise<void> {
    const { context, side } = this;
    if (write.ref === null) return;
    const [current] = await context.systems[side].read([parseRef(write.ref)]);
    if (!current?.record) throw new RecordGone(`${write.ref} is gone`);
    const { values } = current.record;
    const moved = await this.unexpected(link, write, values, current.record);
    for (const { property, before } of write.restores ?? [])
      if (!sameValue(values[property], before)) moved[property] = values[property] ?? null;
    // An earlier attempt may have been done, and a person may have taken its value back.
    if ((write.lookFirst || isRepeated()) && current.record.version !== write.version)
      throw new PreconditionFailed(`${write.ref} changed since it was read`);
    if (Object.keys(moved).length > 0)
      throw new PreconditionFailed(
        `${write.ref}: ${Object.keys(moved).join(', ')} changed since it was read`,
      );
  }

  /** A person's edit that the precondition could not detect was overwritten: it goes to the link's history. */
  private async updated(
    link: Link,
    intent: Intent,
    write: PlannedWrite,
    { record, replaced }: Updated,
  ): Promise<WriteOutcome> {
    const lost = await this.unexpected(link, write, replaced, record);
    const at = this.context.now().toISOString();
    const overruled = Object.entries(lost).map(([row, value]) => ({
      at,
      row,
      side: write.side,
      lost: value,
      kept: intent.next.snapshot[row] ?? null,
      rule: 'written in the same moment',
    }));
    const next = { ...intent.next, overruled: [...intent.next.overruled, ...overruled] };
    return this.done(link, { ...intent, next }, write, record, replaced);
  }

  private async unexpected(
    link: Link,
    write: PlannedWrite,
    held: Values,
    record: SyncRecord,
  ): Promise<Values> {
    if (Object.keys(held).length === 0) return {};
    const { mapping } = this.context;
    const table = mapping.entities[link.entity];
    const records = [{ ...record, values: { ...record.values, ...held } }];
    const references = await this.references.read([{ table, records, link }]);
    return unexpectedValues(mapping, table, write, held, references);
  }

  /** Stores the answer. After the last write, commits the link. */
  private async done(
    link: Link,
    intent: Intent,
    write: PlannedWrite,
    answer: SyncRecord | null,
    replaced: Values = {},
  ): Promise<WriteOutcome> {
    const { context, side, key } = this;
    const { store, mapping } = context;
    const table = mapping.entities[link.entity];
    const now = context.now().toISOString();
    const ref = answer && refKey(answer.ref);
    const references = await this.references.read([
      { table, records: answer ? [answer] : [], link: { ...link, snapshot: intent.next.snapshot } },
      ...formerReferences(context, link, [write]),
    ]);
    const compared =
      !answer || write.op === 'archive' || write.op === 'redact'
        ? uncompared(intent.next, side)
        : compareAnswer(mapping, table, write, answer, intent.next, references);
    // If somebody else has changed the record meanwhile, the answer stays an observation for the next plan.
    const taking = takingInToo(intent, answer, compared.changedRows);
    const told = withAnswer(link, taking, write, answer, compared, now);
    const more = told.intent.writes.some((other) => !other.done);
    context.metrics.written(side, link.entity, write.op, causeOf(intent, write, store.since));
    activityLog(context.log, key).debug(
      { side, op: write.op, rows: write.rows, ref: ref ?? write.ref },
      'written',
    );
    await this.note({ link, intent, write, outcome: 'done', answer, replaced }, told, references);
    if (answer && (more || compared.changedRows.length > 0)) await store.observations.keep([answer]);
    if (more) {
      const { rev } = await store.save(told);
      await finishUndo(context, told, write, answer);
      return { next: 'done', state: summarise(key, told), rev };
    }

    await forgetRedacted(context, key, intent.next);
    const committed = commit(told, now);
    const saved = await store.save(committed);
    tellNewConflicts(context, told, saved);
    await finishUndo(context, told, write, answer);
    await this.dropActedOn(link, intent, write, saved);
    if (saved.waitsFor.length === 0)
      await this.forgetSeen(told.intent, compared.changedRows.length > 0 ? ref : null);
    if (link.snapshot === null || link.status === 'tombstone' || link.unlinked)
      await signalWaitingPairs(context, recordsOf(saved));
    if (ref !== null && compared.changedRows.length > 0) return { next: 'again', fresh: [ref], gone: [] };
    if (intent.then === 'linked' && fileWork(saved.files ?? []).length > 0)
      return { next: 'again', fresh: [], gone: [] };
    if (saved.waitsFor.length > 0 || hasRowsApart(saved)) return { next: 'again', fresh: [], gone: [] };
    return { next: 'done', state: summarise(key, saved) };
  }

  /** @param told the link with the answer */
  private note(written: Written, told: LinkAtWork, references: References): Promise<void> {
    const { notTaken } = told.intent.next;
    return noteWritten(this.context, [{ ...written, ...(notTaken && { notTaken }) }], references);
  }

  /** A person's decision is kept until what it asked for is done, so that a refused write does not lose it. */
  private async dropActedOn(before: Link, intent: Intent, write: PlannedWrite, after: Link): Promise<void> {
    const open = new Set(after.conflicts.map(({ row }) => row));
    const rows = before.conflicts.map(({ row }) => row).filter((row) => !open.has(row));
    if (rows.length === 0 && !before.unlinked && !write.insisted) return;
    const ids = new Map(intent.decided ?? []);
    await this.context.store.decisions.drop(this.key, actedOn({ ids }, rows));
  }

  /** Drops the observations that the plan was based on. Newer ones stay for the next plan. */
  private async forgetSeen({ takenIn = {} }: Intent, keep: RefKey | null): Promise<void> {
    const seen = Object.entries(takenIn).filter(([ref]) => ref !== keep);
    await this.context.store.observations.forgetTakenIn(Object.fromEntries(seen));
  }
}

/** Adds the answer to the observations that the intent covers, unless it shows a change by somebody else. */
function takingInToo(intent: Intent, answer: SyncRecord | null, changedRows: readonly string[]): Intent {
  if (!answer || changedRows.length > 0) return intent;
  return { ...intent, takenIn: { ...intent.takenIn, [refKey(answer.ref)]: observationDigest(answer) } };
}

/** ISO time of the change that a write copies; null if it is older than the sync, or our own. */
function causeOf(intent: Intent, { side }: PlannedWrite, since: string): string | null {
  const from = otherSide(side);
  const changedAt = intent.seen[from]?.updatedAt;
  const ours = intent.writes.some((write) => write.side === from && write.done);
  return changedAt === undefined || ours || Date.parse(changedAt) < Date.parse(since) ? null : changedAt;
}
