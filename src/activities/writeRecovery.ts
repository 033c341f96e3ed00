import { refKey, type CanonicalKey } from '../sync/canonicalKey';
import { abandonIntent } from '../sync/abandonedIntent';
import { seenVersion, type Link, type PlannedWrite } from '../sync/link';
import { withoutNotTaken } from '../sync/notTaken';
import { otherSide, type RefKey, type Side, type SyncRecord } from '../sync/record';
import { isAboutSomeRow, refusedRows, type RefusedWrite } from '../sync/rules/taken';
import { withRowsApart, withNotTaken, withRowsTogether } from '../sync/refusedWrite';
import type { ReasonCode } from '../sync/reasons';
import {
  AlreadyExists,
  NeedsHuman,
  PreconditionFailed,
  RecordGone,
  ReferenceGone,
  RetryLater,
} from '../systems/errors';
import {
  signalWaitingPairs,
  loadReferences,
  originRef,
  recordsOf,
  summarise,
  type ActivityContext,
} from './activityContext';
import { attemptNumber } from './heartbeats';
import { noteEnded, noteWritten } from './journalling';
import { activityLog } from './log';
import { noteRefusedUndo } from './pairUndo';
import type { ReadOutcome, WriteOutcome } from './types';

/**
 * Writes that add a record, a comment or a file each time they are sent, unless the system recognizes their idempotency
 * keys.
 */
const NOT_REPEATABLE: ReadonlySet<PlannedWrite['op']> = new Set(['create', 'followUp', 'attach']);

/** Handles a write that failed: because the system refused it, or because the record exists already. */
export class WriteRecovery {
  constructor(
    private readonly context: ActivityContext,
    private readonly side: Side,
    private readonly key: CanonicalKey,
    private readonly read: (refs: RefKey[]) => Promise<ReadOutcome>,
  ) {}

  /** Records with this back-reference. If a person asked for a new counterpart, records of other pairs are left out. */
  async findByBackRef(kind: string, backRef: RefKey, write: PlannedWrite): Promise<SyncRecord[]> {
    const { store, systems } = this.context;
    const found = await systems[this.side].findByBackRef(kind, backRef, write.values);
    if (!write.insisted || found.length === 0) return found;
    const owners = await store.claims.owners(found.map((record) => refKey(record.ref)));
    return found.filter((record) => (owners.get(refKey(record.ref)) ?? this.key) === this.key);
  }

  /**
   * The record exists already: it becomes the counterpart, and the next plan merges the two records as they are now.
   */
  async adopt(link: Link, found: SyncRecord[], backRef: RefKey): Promise<WriteOutcome> {
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
    const write = link.intent?.writes.find(({ op, done }) => op === 'create' && !done);
    if (link.intent && write)
      await noteWritten(
        context,
        [{ link, intent: link.intent, write, outcome: 'done', answer: only }],
        await loadReferences(context, []),
      );
    // An earlier attempt of the sync created this record, perhaps from an older plan. abandonIntent notes the values of
    // that attempt, so that the next plan does not take them for a person's edit.
    await store.save({
      ...withoutNotTaken(abandonIntent(link)),
      snapshot: null,
      sides: {
        ...link.sides,
        [other]: { ...seen, residue: {}, backRef: false },
        [side]: { ...seenVersion(only), residue: {}, backRef: true, made: true },
      },
    });
    return { next: 'again', fresh: [refKey(only.ref)], gone: [] };
  }

  /**
   * @throws the error, if only a retry can help or a person must correct the credential; a retry may get a longer delay
   * (see {@link delayedUntilFinal})
   */
  async recover(link: Link, write: PlannedWrite, error: unknown): Promise<WriteOutcome> {
    const { store } = this.context;
    const refused = isFirstAttempt(write) ? write : null;
    if (error instanceof PreconditionFailed || error instanceof RecordGone) {
      if (write.ref === null) throw error;
      const found = await this.read([write.ref]);
      const seen = refused ? [] : [...(await store.observations.get([write.ref])).values()];
      await this.noteEnded(link, { refused, records: seen, words: error.message });
      await store.save(abandonIntent(link, refused));
      return { next: 'again', ...found };
    }
    if (await this.isRefusedUndo(link, write, error)) {
      await this.noteEnded(link, { refused: write, records: [], words: messageOf(error) });
      await store.save(abandonIntent(link, refused));
      return { next: 'again', fresh: [], gone: [] };
    }
    if (error instanceof ReferenceGone) return this.waitForReference(link, write, error);
    if (error instanceof AlreadyExists) return this.alreadyExists(link, write, error, refused);
    if (error instanceof NeedsHuman && error.code !== 'unauthorized') {
      const aside = await this.setAside(link, write, error);
      if (aside) return aside;
      const field = error.field === null ? '' : ` (${error.field})`;
      return this.park(link, 'quarantined', error.code, `${error.message}${field}`, [], refused);
    }
    throw this.delayedUntilFinal(link, write, error);
  }

  /**
   * Whether the system refused a write of an undo. The refusal is then noted on the undo, so that the pair is planned
   * again without the former values of this side, and is not left to a person.
   */
  private async isRefusedUndo(link: Link, write: PlannedWrite, error: unknown): Promise<boolean> {
    const isRefusal =
      error instanceof ReferenceGone ||
      error instanceof AlreadyExists ||
      (error instanceof NeedsHuman && error.code !== 'unauthorized');
    return isRefusal && noteRefusedUndo(this.context, link, write, messageOf(error));
  }

  /**
   * A request that timed out may still be carried out. An immediate look-up would not find the record yet, and the sync
   * would create it twice. The error therefore delays the next attempt, which looks first, until the request can no
   * longer be carried out.
   */
  private delayedUntilFinal({ entity }: Link, { op }: PlannedWrite, error: unknown): unknown {
    const port = this.context.systems[this.side];
    const { lateMs = 0 } = port;
    const kind = this.context.mapping.entities[entity].kind[this.side];
    if (op === 'create' && (port.hasIdempotencyKeys(kind) || port.uniqueBackRef(kind))) return error;
    if (!(error instanceof RetryLater) || !error.options.unknownOutcome || !NOT_REPEATABLE.has(op))
      return error;
    const retryAfterMs = Math.max(error.options.retryAfterMs ?? 0, lateMs);
    return retryAfterMs === 0 ? error : new RetryLater(error.message, { ...error.options, retryAfterMs });
  }

  /**
   * Sets the refused rows aside, so that the next plan writes the other rows.
   * @returns null if the refusal does not concern a value, or if the sync cannot find out which row it concerns
   */
  private async setAside(
    link: Link,
    write: PlannedWrite,
    { message, code, fields }: RefusedWrite & { message: string },
  ): Promise<WriteOutcome | null> {
    const { context, side } = this;
    const refusal = {
      words: message,
      now: context.now().toISOString(),
      isCertain: isFirstAttempt(write),
    };
    const table = context.mapping.entities[link.entity];
    const rows = refusedRows(table, write, { code, fields }, link);
    const next =
      rows.length > 0
        ? withNotTaken(link, write, { ...refusal, rows })
        : isAboutSomeRow({ code, fields })
          ? withRowsApart(link, write, { ...refusal, rows: write.rows })
          : null;
    if (!next) return null;
    await this.noteEnded(link, { refused: write, records: [], words: message });
    activityLog(context.log, this.key).warn({ side, rows, apart: rows.length === 0 }, 'not taken');
    await context.store.save(next);
    return { next: 'again', fresh: [], gone: [] };
  }

  /**
   * The record that the write refers to is gone, and the pair of that record may not know it yet: this pair waits for
   * the record, and the other pair is asked to read it.
   */
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
    await this.noteEnded(link, { refused: write, records: [], words: error.message });
    const saved = await store.save({
      ...abandonIntent(link),
      waitsFor: [parent],
      reason: { code: 'waiting', text, since, nextAttempt: null },
    });
    const owner = (await store.claims.owners([parent])).get(parent);
    if (owner !== undefined)
      await context.signalPair(owner, {
        hints: [{ ref: parent, version: null }],
        force: true,
        hops: 0,
        causes: ['pair'],
      });
    return { next: 'done', state: summarise(key, saved) };
  }

  /**
   * Another record holds the unique value. It is either the record that an earlier attempt created, or a foreign
   * record.
   */
  private async alreadyExists(
    link: Link,
    write: PlannedWrite,
    error: AlreadyExists,
    refused: PlannedWrite | null,
  ): Promise<WriteOutcome> {
    const { context, side } = this;
    const port = context.systems[side];
    const table = context.mapping.entities[link.entity];
    const kind = table.kind[side];
    if (write.op === 'create' && write.backRef !== null) {
      const own = await this.findByBackRef(kind, write.backRef, write);
      if (own.length > 0) return this.adopt(link, own, write.backRef);
      const value = write.values[error.field];
      const holders = value === undefined ? [] : await port.findByProperty(kind, error.field, value);
      const owners = await context.store.claims.owners(holders.map((record) => refKey(record.ref)));
      const free = holders.filter((record) => record.backRef === null && !owners.has(refKey(record.ref)));
      if (!write.insisted && free.length > 0 && table.match.some((rule) => rule[side] === error.field)) {
        // The matching record was created after the look-up for matches: plan again, with a new look-up.
        await this.noteEnded(link, { refused: write, records: [], words: error.message });
        await context.store.save(abandonIntent(link));
        return { next: 'again', fresh: [], gone: [] };
      }
      const taken = holders.map((record) => {
        const ref = refKey(record.ref);
        return `${ref} (${owners.get(ref) ?? record.backRef ?? 'not linked'})`;
      });
      const text = `${side} ${kind}: ${error.field} is taken by ${taken.join(', ') || 'a record that cannot be found'}; expected a free value`;
      return this.park(link, 'quarantined', 'duplicate_value', text, [], refused);
    }
    const aside = await this.setAside(link, write, {
      message: error.message,
      code: 'duplicate_value',
      fields: [error.field],
    });
    return aside ?? this.park(link, 'quarantined', 'duplicate_value', error.message, [], refused);
  }

  private noteEnded(link: Link, how: Parameters<typeof noteEnded>[2]): Promise<void> {
    return noteEnded(this.context, link, how);
  }

  private async park(
    link: Link,
    status: 'conflict' | 'quarantined',
    code: ReasonCode,
    text: string,
    candidates: RefKey[] = [],
    /** The write that failed, if it was certainly not done; otherwise null. */
    refused: PlannedWrite | null = null,
  ): Promise<WriteOutcome> {
    const { context, key } = this;
    context.metrics.pairParked(link.entity, status, code);
    activityLog(context.log, key).warn({ status, code }, 'left to a person');
    // A pair that fails again with the same text keeps the time of its first failure.
    const again = link.status === status && link.reason?.text === text ? link.reason : null;
    const since = again?.since ?? context.now().toISOString();
    await this.noteEnded(link, { refused, records: [], words: text });
    const refusedOn = link.intent?.takenIn;
    const saved = await context.store.save({
      ...withRowsTogether(abandonIntent(link, refused)),
      ...(refusedOn && { refusedOn }),
      status,
      candidates,
      reason: { code, text, since, nextAttempt: null },
    });
    // Later comments do not wait for one that waits for a person: signal the waiting pairs, so that they plan again.
    await signalWaitingPairs(context, recordsOf(saved));
    return { next: 'done', state: summarise(key, saved) };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Whether the refused write was certainly not done. If it was sent before, an earlier attempt may have done it, and the
 * system may refuse the repeat for that reason.
 */
function isFirstAttempt(write: PlannedWrite): boolean {
  return attemptNumber() === 1 && !write.lookFirst;
}
