import { refKey } from '../../../src/sync/canonicalKey';
import { abandonIntent } from '../../../src/sync/abandonedIntent';
import { withAnswer } from '../../../src/sync/commit';
import { elementsOf } from '../../../src/sync/heldSets';
import { meantOn, type Intent, type Link, type PlannedWrite } from '../../../src/sync/link';
import { compareAnswer, uncompared } from '../../../src/sync/planner';
import type { Side, SyncRecord } from '../../../src/sync/record';
import {
  hasRowsApart,
  withNotTaken,
  withRowsApart,
  withRowsTogether,
  type Refusal,
} from '../../../src/sync/refusedWrite';
import { refusedRows } from '../../../src/sync/rules/taken';
import { NO_REFERENCES } from '../../../src/sync/values';
import { NOW } from '../world';
import { MAPPING, SET } from './rows';
import { Died, type Moment } from './moments';
import { digestOf } from './pairStore';
import type { LossyPair } from './lossyPair';

/** Carries out the writes of a pair's intent, as src/activities/plannedWrites.ts and writeRecovery.ts do. */

const table = MAPPING.entities.TicketToProject;
const ATTEMPTS_AT_MOST = 20;

type Outcome = { next: 'done' } | { next: 'again'; fresh: Side[] };
const DONE: Outcome = { next: 'done' };
const again = (...fresh: Side[]): Outcome => ({ next: 'again', fresh });

/** The write is at the system, or not, and the activity is repeated. */
const REPEATED = 'repeated';
type Result = Outcome | typeof REPEATED;

export class PairWrites {
  constructor(private readonly pair: LossyPair) {}

  writeAll(sides: readonly Side[]): Outcome {
    let outcome = DONE;
    for (const side of sides) {
      outcome = this.next(side);
      if (outcome.next === 'again') return outcome;
    }
    return outcome;
  }

  /** The activity `writePlanned`, until an attempt is answered. */
  private next(side: Side): Outcome {
    for (let attempt = 1; attempt < ATTEMPTS_AT_MOST; attempt += 1) {
      const { link } = this.pair;
      if (!link) throw new Error('a write was planned, but there is no link');
      const { intent } = link;
      const write = intent?.writes.find((each) => each.side === side && !each.done);
      if (!intent || !write) return intent === null && (attempt > 1 || hasRowsApart(link)) ? again() : DONE;
      const moment = this.pair.begin();
      this.pair.fates.push(moment.fate);
      const result = this.perform(link, intent, write, moment, attempt);
      if (result === REPEATED) this.noteUnknown(write);
      this.pair.end(moment);
      if (moment.fate === 'died' || moment.fate === 'diedUnsent') throw new Died();
      if (result !== REPEATED) return result;
    }
    throw new Error('is repeated for ever');
  }

  private noteUnknown({ op, rows, expects, side }: PlannedWrite): void {
    const { at } = this.pair.systems;
    if (op === 'update') this.pair.unknownWrites.push(...rows.map((row) => ({ side, row, at })));
    const { next } = this.pair.link?.intent ?? {};
    if (!rows.includes(SET.id) || !next) return;
    const [before, after] = [elementsOf(expects[SET.id]), elementsOf(meantOn(next, side, SET.id))];
    for (const each of before) if (!after.includes(each)) this.pair.unknownRemovals.add(each);
  }

  private perform(
    link: Link,
    intent: Intent,
    write: PlannedWrite,
    { fate }: Moment,
    attempt: number,
  ): Result {
    const { systems } = this.pair;
    const isFirst = attempt === 1 && !write.lookFirst;
    if (write.op === 'create' && (write.lookFirst || attempt > 1)) {
      const found = systems.findByBackRef(write.side, write.backRef);
      if (found) {
        this.pair.adopt(link, found);
        return again(write.side);
      }
    }
    if (fate === 'unsent' || fate === 'diedUnsent') return REPEATED;
    // A system that did the write before notices first that the record changed.
    const isMoved = write.ref !== null && systems.records[write.side]?.version !== write.version;
    if (fate.startsWith('refused') && (isFirst || !isMoved)) {
      const refused = this.refused(link, write, fate, isFirst);
      if (refused) return refused;
    }
    const answer = systems.write(write, !isFirst);
    if (answer === 'moved') {
      this.pair.read(write.side);
      this.pair.store.save(abandonIntent(link, isFirst ? write : null));
      return again(write.side);
    }
    if (fate === 'unanswered' || fate === 'died') return REPEATED;
    return this.done(link, intent, write, answer);
  }

  /** @returns null if this write cannot be refused in this way */
  private refused(link: Link, write: PlannedWrite, fate: Moment['fate'], isFirst: boolean): Result | null {
    const { store } = this.pair;
    if (write.op === 'followUp') return null;
    const [row] = write.rows;
    const property = table.rows.find(({ id }) => id === row)?.[write.side];
    const refusal: Omit<Refusal, 'rows'> = { words: fate, now: NOW, isCertain: isFirst };
    if (fate === 'refusedRow' && property != null) {
      const rows = refusedRows(table, write, { code: 'invalid_field', fields: [property] }, link);
      const next = rows.length > 0 ? withNotTaken(link, write, { ...refusal, rows }) : null;
      if (next) {
        store.save(next);
        return again();
      }
    }
    if (fate === 'refusedRows') {
      const rows = refusedRows(table, write, { code: 'invalid_field', fields: [] }, link);
      const next =
        rows.length > 0
          ? withNotTaken(link, write, { ...refusal, rows })
          : withRowsApart(link, write, { ...refusal, rows: write.rows });
      if (next) {
        store.save(next);
        return again();
      }
    }
    const refusedOn = link.intent?.takenIn;
    store.save({
      ...withRowsTogether(abandonIntent(link, isFirst ? write : null)),
      ...(refusedOn && { refusedOn }),
      status: 'quarantined',
      candidates: [],
      reason: { code: 'invalid_field', text: fate, since: NOW, nextAttempt: null },
    });
    return DONE;
  }

  /** See `PlannedWrites.done`. */
  private done(link: Link, intent: Intent, write: PlannedWrite, answer: SyncRecord | null): Outcome {
    const { side } = write;
    const { store } = this.pair;
    const compared = answer
      ? compareAnswer(MAPPING, table, write, answer, intent.next, NO_REFERENCES)
      : uncompared(intent.next, side);
    const isChanged = compared.changedRows.length > 0;
    const taking =
      answer && !isChanged
        ? { ...intent, takenIn: { ...intent.takenIn, [refKey(answer.ref)]: digestOf(answer) } }
        : intent;
    const told = withAnswer(link, taking, write, answer, compared, NOW);
    const more = told.intent.writes.some(({ done }) => !done);
    if (answer && (more || isChanged)) store.keep(answer);
    if (more) {
      store.save(told);
      return DONE;
    }
    const saved = this.pair.commit(told);
    this.pair.dropActedOn(told, saved);
    const taken = Object.entries(told.intent.takenIn ?? {}).filter(
      ([ref]) => !isChanged || !answer || ref !== refKey(answer.ref),
    );
    store.forget(Object.fromEntries(taken));
    if (isChanged) return again(side);
    return hasRowsApart(saved) ? again() : DONE;
  }
}
