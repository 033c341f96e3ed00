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
import { otherSide, type Side, type SyncRecord } from '../record';
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
  if (!isAlive(pair, other) || (!repeated && table.onDelete !== 'archive'))
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

/** What is known of a record of which nothing is left: so that its return is seen. */
function goneFrom({ ref, version, order, updatedAt }: LinkedSide): SeenVersion {
  return { ref, version, order, state: 'deleted', updatedAt };
}

/** Whether there is still something to be ended on that side. */
function isAlive({ state, link, sides }: LinkedPair, side: Side): boolean {
  return link.status !== 'tombstone' && sides[side].state === 'live' && state.observed[side]?.record !== null;
}

/** What was redacted as a whole leaves no value behind, in the link's history either. */
function nothingLeft({ table }: LinkedPair): Agreement {
  const rows = comparedRows(table).map((row) => row.id);
  const snapshot = Object.fromEntries(rows.map((row) => [row, null]));
  return { ...emptyAgreement(), snapshot, redacted: rows };
}
