import { absentReason } from '../absentRecord';
import type { BrakeHold, BrakeMark } from '../holds';
import {
  blankWrite,
  brakeText,
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
import { lastOverrulingOf } from './overruling';
import type { LinkedPair } from './plannedPair';
import type { Plan } from './state';

/**
 * One record ended (deleted, archived or redacted): the mapping says what becomes of the other.
 *
 * @param record null where nothing is left of it
 */
export function endPlan(pair: LinkedPair, side: Side, record: SyncRecord | null): Plan {
  const { state, table, link, sides } = pair;
  const how = record?.state ?? 'removed';
  const other = otherSide(side);
  const repeated = how === 'redacted' && redactionReaches(table, other);
  const rule = repeated ? `onRedact: ${table.onRedact}` : `onDelete: ${table.onDelete}`;
  const reason = `${sides[side].ref} was ${how}; ${rule}`;
  const overruling = lastOverrulingOf(pair, side, record);
  const ended = { side, seen: record ? seenVersion(record) : goneFrom(sides[side]) };
  const archives = !repeated && table.onDelete === 'archive' && isAlive(pair, other);
  const hold = how === 'redacted' ? null : holdOnEnd(pair, other, archives);
  if (hold && hold.state !== 'discarding') return heldEnd(hold, sides[side].ref);
  if (hold?.kind === 'ends') return { do: 'absent', reason: absentReason(sides[side].ref) };
  if (!isAlive(pair, other) || (!repeated && (!archives || hold)))
    return { do: 'bury', reason, intent: null, ended, ...overruling };
  const op = repeated ? 'redact' : 'archive';
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
      next: repeated ? nothingLeft(pair) : { ...emptyAgreement(), snapshot: link.snapshot ?? {} },
      then: 'tombstone',
      seen: { [side]: ended.seen },
    },
  };
}

/** Where both records are gone, there is nothing to hold; what was redacted is redacted, whatever the brake holds. */
function holdOnEnd(pair: LinkedPair, other: Side, archives: boolean): BrakeHold | null {
  if (!isAlive(pair, other)) return null;
  const { state } = pair;
  return holdOn(state.holds ?? [], { kind: archives ? 'archives' : 'ends', row: null, side: other });
}

function heldEnd({ id }: BrakeHold, ref: RefKey): Plan {
  const mark: BrakeMark = { hold: id, gone: ref };
  return { do: 'brake', mark, reason: brakeText([mark]) };
}

/** What is known of a record of which nothing is left: so that its return is seen. */
function goneFrom({ ref, version, order, updatedAt }: LinkedSide): SeenVersion {
  return { ref, version, order, state: 'deleted', updatedAt };
}

/** Whether there is still something to be ended on that side. */
function isAlive({ state, link }: LinkedPair, side: Side): boolean {
  return isThere(link, side, state.observed[side]?.record);
}

/** What was redacted as a whole leaves no value behind, in the link's history either. */
function nothingLeft({ table }: LinkedPair): Agreement {
  const rows = comparedRows(table).map((row) => row.id);
  const snapshot = Object.fromEntries(rows.map((row) => [row, null]));
  return { ...emptyAgreement(), snapshot, redacted: rows };
}
