import { type CanonicalKey, refKey } from './canonicalKey';
import { newLink, seenVersion, type Link } from './link';
import { comparedRows, type EntityMapping, type Mapping, type PropertyRow } from './mapping';
import { SIDES, otherSide, type Json, type Side, type SyncRecord } from './record';
import { sideWithoutProperty, shownValue } from './rules/absence';
import { bindingsAfter } from './rules/binding';
import { reservedIn, reservedOn } from './rules/reserved';
import { BLACK, isRedactedFrom } from './redaction';
import { referenceKinds, sameValue, textOf, toCanonical, type References } from './values';

/**
 * A link as it was lost, from the two records alone. What both sides agree on is the snapshot. A property in which
 * they differ is left out of it, so that the next plan decides it by its declared winner, as at a first meeting.
 * For texts that one side cannot edit, see {@link unlikeTexts}.
 */
export function rebuiltLink(
  key: CanonicalKey,
  mapping: Mapping,
  table: EntityMapping,
  records: Record<Side, SyncRecord>,
  references: References,
  now: string,
): { link: Link; differing: string[] } {
  const link = newLink(key, table.entity, mapping.version, now);
  for (const side of SIDES) {
    const record = records[side];
    const backRef = record.backRef === refKey(records[otherSide(side)].ref);
    link.sides[side] = { ...seenVersion(record), residue: {}, backRef };
  }
  link.snapshot = {};
  const differing: string[] = [];
  const rested: string[] = [];
  const kinds = referenceKinds(mapping, table);
  for (const row of comparedRows(table)) {
    if (sideWithoutProperty(row, records)) {
      rested.push(row.id);
      continue;
    }
    const canonical = (side: Side) =>
      toCanonical(row, side, shownValue(row, side, records[side]), references, kinds);
    const [zendesk, pms] = [canonical('zendesk'), canonical('pms')];
    const values = zendesk.ok && pms.ok && { zendesk: zendesk.value, pms: pms.value };
    const met: Meeting = values ? meeting(row, values) : { isPlanned: true };
    if (met.agreed !== undefined) link.snapshot[row.id] = met.agreed;
    if (met.isPlanned) differing.push(row.id);
    const fixed = row.fixed && link.sides[row.fixed.side];
    if (fixed && met.residue !== undefined) fixed.residue = { ...fixed.residue, [row.id]: met.residue };
  }
  link.bound = bindingsAfter(table, {}, link.snapshot, []);
  if (rested.length > 0) link.rested = rested;
  Object.assign(
    link,
    reservedIn(table, (row, side) => reservedOn(row, side, records[side], null)),
  );
  const ended = SIDES.map((side) => records[side]).find((record) => record.state !== 'live');
  link.status = ended ? 'tombstone' : 'linked';
  if (ended) {
    const text = `${refKey(ended.ref)} was ${ended.state} when the links were rebuilt`;
    link.reason = { code: 'ended', text, since: now, nextAttempt: null };
  }
  return { link, differing: ended ? [] : differing };
}

interface Meeting {
  /** What both sides agree on; absent if the next plan decides it as at a first meeting. */
  agreed?: Json;
  /** What the side that cannot be edited shows instead; absent where it shows the agreed value, or is to be planned. */
  residue?: Json;
  /** Whether the next plan has something to do. */
  isPlanned: boolean;
}

/** What becomes of a row of which both values are known. */
function meeting(row: PropertyRow, values: Record<Side, Json>): Meeting {
  if (sameValue(values.zendesk, values.pms)) return { agreed: values.zendesk, isPlanned: false };
  return row.fixed?.onEdit === 'followUp' ? unlikeTexts(row.fixed.side, values) : { isPlanned: true };
}

/**
 * Two texts of which the one on the `fixed` side cannot be edited. The other was edited, so that the follow-up is
 * planned: Zendesk looks whether it says this already. If the fixed text was redacted, the redaction is planned where
 * the two show which words it took; a follow-up could say those words again, so that both texts stay otherwise.
 */
function unlikeTexts(fixed: Side, values: Record<Side, Json>): Meeting {
  const [kept, edited] = [values[fixed], values[otherSide(fixed)]];
  const isRedacted = textOf(kept ?? '').includes(BLACK);
  if (isRedacted && isRedactedFrom(textOf(edited ?? ''), textOf(kept ?? '')))
    return { agreed: edited, isPlanned: true };
  return isRedacted || fixed === 'pms'
    ? { agreed: edited, residue: kept, isPlanned: false }
    : { agreed: kept, isPlanned: true };
}
