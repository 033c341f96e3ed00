import { absentReason } from '../absentRecord';
import { brakeText } from '../openReason';
import type { BrakeHold, BrakeMark } from '../holds';
import {
  blankWrite,
  emptyAgreement,
  seenVersion,
  type Agreement,
  type LinkedSide,
  type PlannedWrite,
  type SeenVersion,
} from '../link';
import { comparedRows, redactionReaches } from '../mapping';
import { otherSide, type RefKey, type Side, type SyncRecord } from '../record';
import { holdOn, isThere } from '../rules/brake';
import { finalOverrulingOf } from './overruling';
import type { LinkedPair } from './plannedPair';
import type { Plan } from './state';

/**
 * Plans the end of a pair, because one of its records was deleted, archived or redacted. The mapping says what happens
 * to the other record.
 *
 * @param side of the record that ended
 * @param record null if the side no longer has it
 */
export function endPlan(pair: LinkedPair, side: Side, record: SyncRecord | null): Plan {
  const { state, table, link, sides } = pair;
  const how = record?.state ?? 'removed';
  const other = otherSide(side);
  const repeatsRedaction = how === 'redacted' && redactionReaches(table, other);
  const rule = repeatsRedaction ? `onRedact: ${table.onRedact}` : `onDelete: ${table.onDelete}`;
  const reason = `${sides[side].ref} was ${how}; ${rule}`;
  const overruling = finalOverrulingOf(pair, side, record);
  const ended = { side, seen: record ? seenVersion(record) : deletedVersion(sides[side]) };
  const archives = !repeatsRedaction && table.onDelete === 'archive' && isAlive(pair, other);
  const hold = how === 'redacted' ? null : holdOnEnd(pair, other, archives);
  if (hold && hold.state !== 'discarding') return planHeldEnd(hold, sides[side].ref);
  if (hold?.kind === 'ends') return { do: 'absent', reason: absentReason(sides[side].ref) };
  if (!isAlive(pair, other) || (!repeatsRedaction && (!archives || hold)))
    return { do: 'bury', reason, intent: null, ended, ...overruling };
  const op = repeatsRedaction ? 'redact' : 'archive';
  const write: PlannedWrite = {
    ...blankWrite(other, op),
    ref: sides[other].ref,
    version: state.observed[other]?.record?.version ?? sides[other].version,
    idempotencyKey: `${state.key}@${link.rev}/${op}`,
  };
  return {
    do: 'bury',
    reason,
    ended,
    ...overruling,
    intent: {
      id: write.idempotencyKey,
      writes: [write],
      next: repeatsRedaction
        ? redactedAgreement(pair)
        : { ...emptyAgreement(), snapshot: link.snapshot ?? {} },
      then: 'tombstone',
      seen: { [side]: ended.seen },
    },
  };
}

/** The hold that applies to the end of the pair. None does if both records are gone, or if the pair has ended before. */
function holdOnEnd(pair: LinkedPair, other: Side, archives: boolean): BrakeHold | null {
  if (!isAlive(pair, other)) return null;
  const { state } = pair;
  return holdOn(state.holds ?? [], { kind: archives ? 'archives' : 'ends', row: null, side: other });
}

/** The pair rests as it is, with a mark on its link. */
function planHeldEnd({ id }: BrakeHold, ref: RefKey): Plan {
  const mark: BrakeMark = { hold: id, gone: ref };
  return { do: 'brake', mark, reason: brakeText([mark]) };
}

/**
 * The version of a record that its side no longer has. The link keeps it, so that a return of the record is noticed.
 */
function deletedVersion({ ref, version, order, updatedAt }: LinkedSide): SeenVersion {
  return { ref, version, order, state: 'deleted', updatedAt };
}

/** Whether the record of a side still exists and can be archived or redacted. */
function isAlive({ state, link }: LinkedPair, side: Side): boolean {
  return isThere(link, side, state.observed[side]?.record);
}

/** The agreement after a record was redacted as a whole: all values are removed, also from the link's history. */
function redactedAgreement({ table }: LinkedPair): Agreement {
  const rows = comparedRows(table).map((row) => row.id);
  const snapshot = Object.fromEntries(rows.map((row) => [row, null]));
  return { ...emptyAgreement(), snapshot, redacted: rows };
}
