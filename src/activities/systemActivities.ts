import { cancellationSignal, heartbeat } from '@temporalio/activity';
import { parseCanonicalKey, parseRef, refKey, type CanonicalKey } from '../sync/canonicalKey';
import type { Lane } from '../sync/lane';
import { commit, withAnswer } from '../sync/commit';
import { abandonIntent, seenVersion, type Intent, type Link, type PlannedWrite } from '../sync/link';
import { fileWork, type LinkedFile } from '../sync/pairFiles';
import { compareAnswer, unexpectedValues } from '../sync/planner';
import { SIDES, otherSide, type RefKey, type Side, type SyncRecord, type Values } from '../sync/record';
import { inCallContext } from '../systems/callContext';
import {
  AlreadyExists,
  NeedsHuman,
  PreconditionFailed,
  RecordGone,
  ReferenceGone,
  RetryLater,
  publicMessage,
} from '../systems/errors';
import type { StagedFile, Updated } from '../systems/port';
import { ReferenceReader, callWaiting, originRef, summarise, type ActivityContext } from './activityContext';
import { dispatchChanges } from './dispatch';
import { guardedBy } from './guarded';
import { readHinted } from './readHinted';
import { attemptNumber, isRepeated } from './heartbeats';
import { activityLog } from './log';
import { expectKnownMapping } from './remapActivities';
import { Repeats, isQuiet } from './quietStreams';
import type { ReadOutcome, SystemActivities, WriteOutcome } from './types';

/** Pages that one poll reads before it hands over to the next; the cursor is stored after each. */
const PAGES_PER_POLL = 200;

/** Activities that call one system's API, in one lane. They run on that API's and lane's task queue. */
export function systemActivities(live: ActivityContext, side: Side, lane: Lane): SystemActivities {
  const { store, systems, metrics } = live;
  const port = systems[side];
  const nameOf = (stream: string) => `${side}:${stream}`;
  const repeats = new Map<string, Repeats>();
  const repeatsOf = (stream: string): Repeats => {
    const known = repeats.get(stream) ?? new Repeats();
    repeats.set(stream, known);
    return known;
  };

  const guarded = guardedBy(live, lane);

  const read = async (refs: RefKey[]): Promise<ReadOutcome> => {
    const results = await port.read(refs.map(parseRef));
    const records = results.flatMap(({ record }) => record ?? []);
    await store.observations.keep(records);
    return {
      fresh: records.map((record) => refKey(record.ref)),
      gone: results.flatMap(({ ref, record }) => (record ? [] : refKey(ref))),
    };
  };

  return {
    readRecords: ({ key, refs }) => guarded(key, () => read(refs)),

    lookForMatches: ({ key, origin, counterparts = [] }) =>
      guarded(key, async ({ mapping }) => {
        const table = mapping.entities[parseCanonicalKey(key).entity];
        // One that is another pair's already brings no rival of ours.
        const owners = await store.claims.owners(counterparts);
        const free = counterparts.filter((ref) => (owners.get(ref) ?? key) === key);
        const found = new Map<RefKey, SyncRecord>();
        for (const record of (await store.observations.get([origin, ...free])).values()) {
          for (const rule of table.match) {
            const wanted = record.values[rule[record.ref.side]] ?? null;
            for (const value of Array.isArray(wanted) ? wanted : [wanted]) {
              if (value === null || value === '') continue;
              for (const match of await port.findByProperty(table.kind[side], rule[side], value)) {
                found.set(refKey(match.ref), match);
              }
            }
          }
        }
        found.delete(origin);
        await store.observations.keep([...found.values()]);
        return [...found.keys()];
      }),

    writePlanned: ({ key }) => guarded(key, (context) => new PlannedWrites(context, side, key, read).next()),

    pollStream: ({ stream }) =>
      guarded(null, async (context) => {
        const name = nameOf(stream);
        const outcome = { pages: 0, records: 0, hinted: 0 };
        const position = await store.cursors.position(name);
        // Where it begins, a backfill is about to say.
        if (position === null && (await store.backfill.isAnnounced())) return outcome;
        const leader = port.follows[stream];
        if (
          leader !== undefined &&
          isQuiet(await store.cursors.position(nameOf(leader)), position, context.now())
        ) {
          await store.cursors.noteCurrent(name, context.now());
          return outcome;
        }
        const recent = repeatsOf(stream);
        let cursor = position?.cursor ?? null;
        for (;;) {
          const began = context.now();
          // What came since the last poll is somebody's edit; a stream that is far behind can wait.
          const pageLane = outcome.pages === 0 ? lane : 'background';
          const page = await inCallContext({ lane: pageLane }, () => port.changes(stream, cursor));
          const records = recent.news(cursor, page.records);
          outcome.hinted += await dispatchChanges(context, { ...page, records });
          outcome.pages += 1;
          outcome.records += records.length;
          // Only now: a page that fails half-way is read again, never skipped.
          if (page.cursor !== cursor && !(await store.cursors.advance(name, cursor, page.cursor)))
            return outcome;
          recent.handedOn(page.cursor, page.records);
          cursor = page.cursor;
          metrics.pageDispatched(side, stream, page.records.length, newestOf(page.records), !page.more);
          heartbeat(outcome);
          if (!page.more) await store.cursors.noteRead(name, began);
          // A worker that is told to stop leaves the rest to the next poll: the cursor is stored.
          const stopping = cancellationSignal().aborted;
          if (!page.more || stopping || outcome.pages >= PAGES_PER_POLL) return outcome;
        }
      }),

    listStreams: async () => [...port.streams],

    readHinted: () => guarded(null, (context) => readHinted(context, side)),
  };
}

/** How often one file is tried before the pair goes on without it. */
const FILE_ATTEMPTS = 5;

/** Carries out the write that a pair's intent holds for one side, and commits the link once none is left. */
class PlannedWrites {
  private readonly references: ReferenceReader;

  constructor(
    private readonly context: ActivityContext,
    private readonly side: Side,
    private readonly key: CanonicalKey,
    private readonly read: (refs: RefKey[]) => Promise<ReadOutcome>,
  ) {
    this.references = new ReferenceReader(context);
  }

  async next(): Promise<WriteOutcome> {
    const { context, key, side } = this;
    const link = await this.linkAtWork();
    if (!link) throw new Error(`${key}: a write was planned, but there is no link`);
    await expectKnownMapping(context, link.mappingVersion);
    const write = link.intent?.writes.find((candidate) => candidate.side === side && !candidate.done);
    if (!link.intent || !write) {
      // An earlier attempt committed and then failed to say so: what follows a commit is repeated.
      if (link.intent === null) await callWaiting(context, this.refsOf(link));
      return { next: 'done', state: summarise(key, link) };
    }
    try {
      return await this.perform(link, link.intent, write);
    } catch (error) {
      return this.recover(link, write, error);
    }
  }

  /** As the plan saved it, where that was just now and here. An earlier attempt, or the write before this, may have saved it since. */
  private async linkAtWork(): Promise<Link | null> {
    const { store } = this.context;
    const known = isRepeated() ? null : store.justSaved(this.key);
    const next = known?.intent?.writes.find(({ done }) => !done);
    return next?.side === this.side ? known : store.get(this.key);
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
          const found = await this.madeFor(kind, backRef, write);
          if (found.length > 0) return this.adopt(link, found, backRef);
        }
        const { staged, files } = await this.stage(intent.next.files ?? []);
        const created = await port.create(kind, write.values, {
          idempotencyKey: write.idempotencyKey,
          backRef,
          staged,
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
          await port.update(target, write.values, { version: write.version, backRef: write.backRef }),
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
      case 'detach':
        return this.carryFile(link, intent, write);
    }
  }

  /**
   * Stands in for a precondition where the system has none: read, compare, then write.
   * @throws PreconditionFailed, RecordGone
   */
  private async expectUnmoved(link: Link, write: PlannedWrite): Promise<void> {
    const { context, side } = this;
    if (write.ref === null) return;
    const [current] = await context.systems[side].read([parseRef(write.ref)]);
    if (!current?.record) throw new RecordGone(`${write.ref} is gone`);
    const moved = await this.unexpected(link, write, current.record.values, current.record);
    if (Object.keys(moved).length > 0)
      throw new PreconditionFailed(
        `${write.ref}: ${Object.keys(moved).join(', ')} changed since it was read`,
      );
  }

  /** What a person wrote while the precondition could not tell is overruled, and kept in the link's history. */
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
    return this.done(link, { ...intent, next }, write, record);
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

  /**
   * Puts files there before the record that will have them, where the side wants it so. One that fails stays pending:
   * what was said goes without it, and it is tried again by itself.
   */
  private async stage(files: LinkedFile[]): Promise<{ staged: StagedFile[]; files: LinkedFile[] }> {
    const { systems, log } = this.context;
    const port = systems[this.side];
    const staged: StagedFile[] = [];
    const after: LinkedFile[] = [];
    for (const file of files) {
      const source = file.ids[otherSide(this.side)];
      if (!port.stage || file.state !== 'pending' || source === undefined) {
        after.push(file);
        continue;
      }
      try {
        const open = await systems[otherSide(this.side)].openFile(parseRef(originRef(this.key)), source);
        const one = await port.stage({ ...open, fileName: file.fileName, contentType: file.contentType });
        staged.push(one);
        after.push({ ...file, ids: { ...file.ids, [this.side]: one.id }, state: 'copied' });
      } catch (error) {
        if (!isFilesOwn(error)) throw error;
        activityLog(log, this.key).warn(`a file stays behind for now: ${publicMessage(error)}`);
        after.push(file);
      }
    }
    return { staged, files: after };
  }

  /** Carries one file across, or removes it there. Where that fails for good, the link says so and goes on. */
  private async carryFile(link: Link, intent: Intent, write: PlannedWrite): Promise<WriteOutcome> {
    const { context, side, key } = this;
    const port = context.systems[side];
    const { file, ref, backRef } = write;
    const known = file && intent.next.files?.[file.place];
    if (!known || ref === null || backRef === null) throw new Error(`${key}: a file without a place`);
    const target = parseRef(ref);
    let after: LinkedFile;
    let record: SyncRecord | null = null;
    try {
      if (write.op === 'attach') {
        const source = context.systems[otherSide(side)];
        const attached = await port.attach(target, () => source.openFile(parseRef(backRef), file.source), {
          idempotencyKey: write.idempotencyKey,
          backRef,
          isPublic: write.values['public'] === true,
        });
        record = attached.record;
        after = { ...known, ids: { ...known.ids, [side]: attached.id }, state: 'copied' };
      } else {
        record = await port.detach(target, file.source);
        after = { ...known, state: 'ended' };
      }
    } catch (error) {
      const again = error instanceof RetryLater && attemptNumber() < FILE_ATTEMPTS;
      if (again || !isFilesOwn(error)) throw error;
      after = { ...known, state: 'failed', reason: error.message };
    }
    const files = (intent.next.files ?? []).map((each, place) => (place === file.place ? after : each));
    return this.done(link, withFiles(intent, files), write, record);
  }

  /** Notes the answer; after the last write the link becomes what was planned. */
  private async done(
    link: Link,
    intent: Intent,
    write: PlannedWrite,
    answer: SyncRecord | null,
  ): Promise<WriteOutcome> {
    const { context, side, key } = this;
    const { store, mapping } = context;
    const table = mapping.entities[link.entity];
    const now = context.now().toISOString();
    const ref = answer && refKey(answer.ref);
    const references = await this.references.read([
      { table, records: answer ? [answer] : [], link: { ...link, snapshot: intent.next.snapshot } },
    ]);
    const compared =
      !answer || write.op === 'archive' || write.op === 'redact'
        ? { residue: intent.next.residue[side], changedRows: [], restingRows: [] }
        : compareAnswer(mapping, table, write, answer, intent.next, references);
    // What somebody else changed meanwhile is not seen yet: it stays an observation for the next plan.
    const told = withAnswer(link, intent, write, answer, compared);
    const more = told.intent.writes.some((other) => !other.done);
    context.metrics.written(side, link.entity, write.op, causeOf(intent, write, store.since));
    activityLog(context.log, key).debug({ side, op: write.op, rows: write.rows }, 'written');
    if (answer && (more || compared.changedRows.length > 0)) await store.observations.keep([answer]);
    if (more) {
      await store.save(told);
      return { next: 'done', state: summarise(key, told) };
    }

    const committed = commit(told, now);
    const saved = await store.save(committed);
    await this.dropActedOn(link, write, saved);
    if (saved.waitsFor.length === 0)
      await this.forgetSeen(saved, intent, compared.changedRows.length > 0 ? ref : null);
    if (link.snapshot === null || link.status === 'tombstone' || link.unlinked)
      await callWaiting(context, this.refsOf(saved));
    if (ref !== null && compared.changedRows.length > 0) return { next: 'again', fresh: [ref], gone: [] };
    if (intent.then === 'linked' && fileWork(saved.files ?? []).length > 0)
      return { next: 'again', fresh: [], gone: [] };
    if (saved.waitsFor.length > 0) return { next: 'again', fresh: [], gone: [] };
    return { next: 'done', state: summarise(key, saved) };
  }

  /** A person's decision is kept until what it asked for is done, so that a refused write does not lose it. */
  private async dropActedOn(before: Link, write: PlannedWrite, after: Link): Promise<void> {
    const open = new Set(after.conflicts.map(({ row }) => row));
    const rows = before.conflicts.map(({ row }) => row).filter((row) => !open.has(row));
    if (rows.length > 0 || before.unlinked || write.insisted)
      await this.context.store.decisions.drop(this.key, rows);
  }

  private refsOf(link: Link): RefKey[] {
    const refs = SIDES.flatMap((each) => link.sides[each]?.ref ?? []);
    const origin = originRef(this.key);
    return refs.includes(origin) ? refs : [origin, ...refs];
  }

  /** Drops the observations that the plan took in, and older ones; what came since stays for the next plan. */
  private async forgetSeen({ sides }: Link, { takenIn = {} }: Intent, keep: RefKey | null): Promise<void> {
    const seen = SIDES.flatMap((each) => sides[each] ?? []).filter(({ ref }) => ref !== keep);
    await this.context.store.observations.forgetTakenIn(
      seen.map(({ ref, order }) => {
        const digest = takenIn[ref];
        return { ref, order, ...(digest !== undefined && { digest }) };
      }),
    );
  }

  /** Records that carry the back-reference; where a person wants a new one, only those that no other pair has. */
  private async madeFor(kind: string, backRef: RefKey, write: PlannedWrite): Promise<SyncRecord[]> {
    const { store, systems } = this.context;
    const found = await systems[this.side].findByBackRef(kind, backRef, write.values);
    if (!write.insisted || found.length === 0) return found;
    const owners = await store.claims.owners(found.map((record) => refKey(record.ref)));
    return found.filter((record) => (owners.get(refKey(record.ref)) ?? this.key) === this.key);
  }

  /** The record exists already: it becomes the counterpart, and the next plan merges the two as they are. */
  private async adopt(link: Link, found: SyncRecord[], backRef: RefKey): Promise<WriteOutcome> {
    const { context, key, side } = this;
    const { store } = context;
    const live = found.filter((record) => record.state === 'live');
    const [only, ...more] = live.length > 0 ? live : found;
    if (!only || more.length > 0) {
      const names = found.map((record) => refKey(record.ref)).join(', ');
      return this.park(
        link,
        'conflict',
        'several_counterparts',
        `${names} all carry the back-reference ${backRef}; a person must choose`,
        found.map((record) => refKey(record.ref)),
      );
    }
    const owner = await store.claims.claim(refKey(only.ref), key);
    if (owner !== key) {
      return this.park(
        link,
        'conflict',
        'counterpart_taken',
        `${refKey(only.ref)} carries the back-reference ${backRef}, but is linked by ${owner}`,
      );
    }
    const origin = (await store.observations.get([originRef(key)])).get(originRef(key));
    const other = otherSide(side);
    const seen = link.intent?.seen[other] ?? (origin && seenVersion(origin));
    if (!seen) throw new Error(`${key}: the pair's origin was never seen`);
    await store.observations.keep([only]);
    // Made by an attempt of ours, and maybe by an earlier plan: what it shows of that is no person's edit.
    await store.save({
      ...abandonIntent(link),
      snapshot: null,
      sides: {
        ...link.sides,
        [other]: { ...seen, residue: {}, backRef: false },
        [side]: { ...seenVersion(only), residue: {}, backRef: true },
      },
    });
    return { next: 'again', fresh: [refKey(only.ref)], gone: [] };
  }

  private async recover(link: Link, write: PlannedWrite, error: unknown): Promise<WriteOutcome> {
    const { store } = this.context;
    if (error instanceof PreconditionFailed || error instanceof RecordGone) {
      if (write.ref === null) throw error;
      // A repeated one may have been done at an earlier attempt, and be refused for that very reason.
      const refused = attemptNumber() === 1 && !write.lookFirst ? write : null;
      await store.save(abandonIntent(link, refused));
      return { next: 'again', ...(await this.read([write.ref])) };
    }
    if (error instanceof ReferenceGone) return this.waitForReference(link, write, error);
    if (error instanceof AlreadyExists) return this.alreadyExists(link, write, error);
    if (error instanceof NeedsHuman && error.code !== 'unauthorized') {
      const field = error.field === null ? '' : ` (${error.field})`;
      return this.park(link, 'quarantined', error.code, `${error.message}${field}`);
    }
    throw error;
  }

  /** What the write refers to is gone, and its own pair may not know yet: wait for it, and have it look. */
  private async waitForReference(
    link: Link,
    write: PlannedWrite,
    error: ReferenceGone,
  ): Promise<WriteOutcome> {
    const { context, side, key } = this;
    const { store, mapping } = context;
    const row = mapping.entities[link.entity].rows.find((each) => each[side] === error.field);
    const id = write.values[error.field];
    if (row?.transform.kind !== 'reference' || typeof id !== 'string')
      return this.park(link, 'quarantined', 'invalid_field', error.message);
    const parent = refKey({ side, kind: mapping.entities[row.transform.entity].kind[side], id });
    const since = context.now().toISOString();
    const text = `waits for ${parent}, which is gone: ${error.message}`;
    const saved = await store.save({
      ...abandonIntent(link),
      waitsFor: [parent],
      reason: { code: 'waiting', text, since, nextAttempt: null },
    });
    const owner = (await store.claims.owners([parent])).get(parent);
    if (owner !== undefined)
      await context.hint(owner, { hints: [{ ref: parent, version: null }], force: true, hops: 0 });
    return { next: 'done', state: summarise(key, saved) };
  }

  /** A unique value is taken: by the record that we are looking for, or by one that is somebody else's. */
  private async alreadyExists(link: Link, write: PlannedWrite, error: AlreadyExists): Promise<WriteOutcome> {
    const { context, side } = this;
    const port = context.systems[side];
    const table = context.mapping.entities[link.entity];
    const kind = table.kind[side];
    if (write.op === 'create' && write.backRef !== null) {
      const own = await this.madeFor(kind, write.backRef, write);
      if (own.length > 0) return this.adopt(link, own, write.backRef);
      const value = write.values[error.field];
      const holders = value === undefined ? [] : await port.findByProperty(kind, error.field, value);
      const owners = await context.store.claims.owners(holders.map((record) => refKey(record.ref)));
      const free = holders.filter((record) => record.backRef === null && !owners.has(refKey(record.ref)));
      if (!write.insisted && free.length > 0 && table.match.some((rule) => rule[side] === error.field)) {
        // It appeared after the look for matches: look again.
        await context.store.save(abandonIntent(link));
        return { next: 'again', fresh: [], gone: [] };
      }
      const taken = holders.map((record) => {
        const ref = refKey(record.ref);
        return `${ref} (${owners.get(ref) ?? record.backRef ?? 'not linked'})`;
      });
      const text = `${side} ${kind}: ${error.field} is taken by ${taken.join(', ') || 'a record that cannot be found'}; expected a free value`;
      return this.park(link, 'quarantined', 'duplicate_value', text);
    }
    return this.park(link, 'quarantined', 'duplicate_value', error.message);
  }

  private async park(
    link: Link,
    status: 'conflict' | 'quarantined',
    code: string,
    text: string,
    candidates: RefKey[] = [],
  ): Promise<WriteOutcome> {
    const { context, key } = this;
    context.metrics.pairParked(link.entity, status, code);
    activityLog(context.log, key).warn({ status, code }, 'left to a person');
    // One that fails again in the same way has been waiting since the first time.
    const again = link.status === status && link.reason?.text === text ? link.reason : null;
    const since = again?.since ?? context.now().toISOString();
    const saved = await context.store.save({
      ...abandonIntent(link),
      status,
      candidates,
      reason: { code, text, since, nextAttempt: null },
    });
    // Nobody waits for what waits for a person.
    await callWaiting(context, this.refsOf(saved));
    return { next: 'done', state: summarise(key, saved) };
  }
}

/** ISO time of the change that a write carries across; null where it was before the sync began, or is our own. */
function causeOf(intent: Intent, { side }: PlannedWrite, since: string): string | null {
  const from = otherSide(side);
  const changedAt = intent.seen[from]?.updatedAt;
  const ours = intent.writes.some((write) => write.side === from && write.done);
  return changedAt === undefined || ours || Date.parse(changedAt) < Date.parse(since) ? null : changedAt;
}

function newestOf(records: SyncRecord[]): string | null {
  const times = records.map(({ updatedAt }) => Date.parse(updatedAt));
  return times.length === 0 ? null : new Date(times.reduce((a, b) => Math.max(a, b))).toISOString();
}

function withFiles(intent: Intent, files: LinkedFile[]): Intent {
  return files.length === 0 ? intent : { ...intent, next: { ...intent.next, files } };
}

/** What concerns a file and not its record or the connection. */
function isFilesOwn(error: unknown): error is NeedsHuman | RetryLater | AlreadyExists {
  if (error instanceof NeedsHuman) return error.code !== 'unauthorized';
  // Whoever only waits for the API's rate has not tried yet.
  if (error instanceof RetryLater) return error.options.queued !== true;
  return error instanceof AlreadyExists;
}
