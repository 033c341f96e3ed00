import { type CanonicalKey, refKey } from './canonicalKey';
import { newLink, seenVersion, type Link } from './link';
import { comparedRows, type EntityMapping, type Mapping } from './mapping';
import { SIDES, otherSide, type Side, type SyncRecord } from './record';
import { restsOn, shownValue } from './rules/absence';
import { bindingsAfter } from './rules/binding';
import { referenceKinds, sameValue, toCanonical, type References } from './values';

/**
 * A link as it was lost, from the two records alone. What both sides agree on is the snapshot. A property in which
 * they differ is left out of it, so that the next plan decides it by its declared winner, as at a first meeting;
 * only where one side cannot change its value, and an edit there became a follow-up, is the difference as it should be.
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
    if (restsOn(row, records)) {
      rested.push(row.id);
      continue;
    }
    const canonical = (side: Side) =>
      toCanonical(row, side, shownValue(row, side, records[side]), references, kinds);
    const { zendesk, pms } = { zendesk: canonical('zendesk'), pms: canonical('pms') };
    if (zendesk.ok && pms.ok && sameValue(zendesk.value, pms.value)) link.snapshot[row.id] = zendesk.value;
    else if (zendesk.ok && pms.ok && row.fixed?.onEdit === 'followUp') {
      const values = { zendesk: zendesk.value, pms: pms.value };
      const { side } = row.fixed;
      link.snapshot[row.id] = values[otherSide(side)];
      const fixed = link.sides[side];
      if (fixed) fixed.residue = { ...fixed.residue, [row.id]: values[side] };
    } else differing.push(row.id);
  }
  link.bound = bindingsAfter(table, {}, link.snapshot, []);
  if (rested.length > 0) link.rested = rested;
  const ended = SIDES.map((side) => records[side]).find((record) => record.state !== 'live');
  link.status = ended ? 'tombstone' : 'linked';
  if (ended) {
    const text = `${refKey(ended.ref)} was ${ended.state} when the links were rebuilt`;
    link.reason = { code: 'ended', text, since: now, nextAttempt: null };
  }
  return { link, differing: ended ? [] : differing };
}
