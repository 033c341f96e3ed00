import { parseCanonicalKey } from '../canonicalKey';
import { seenVersion, type Link, type LinkedSide, type SeenVersion } from '../link';
import type { EntityMapping, Mapping, PropertyRow } from '../mapping';
import {
  SIDES,
  type Names,
  type RecordRef,
  type RefKey,
  type Side,
  type SyncRecord,
  type Values,
} from '../record';
import { NO_DECISIONS, type Decisions } from '../resolution';
import { differingRows } from '../rules/echo';
import { isBehind, isDoubtful } from '../rules/fence';
import { shownValue } from '../rules/absence';
import { referenceKinds, toCanonical, type Canonical } from '../values';
import type { PairState } from './state';

/** The planner's input: the state of a pair, and the mapping of its entity. */
export interface Pair {
  state: PairState;
  mapping: Mapping;
  /** The mapping of the pair's entity. */
  table: EntityMapping;
  /** The record that the pair began with. */
  origin: RecordRef;
  decisions: Decisions;
}

/** A pair of which both records are known. */
export interface LinkedPair extends Pair {
  link: Link;
  sides: Record<Side, LinkedSide>;
  /** The records that were seen, without those that no longer exist, and without observations older than the link. */
  current: Partial<Record<Side, SyncRecord>>;
}

/** @throws Error if the state's key is not a canonical key */
export function pairOf(state: PairState, mapping: Mapping): Pair {
  const { entity, origin } = parseCanonicalKey(state.key);
  const table = mapping.entities[entity];
  return { state, mapping, table, origin, decisions: state.decisions ?? NO_DECISIONS };
}

/** @returns null while the pair has no counterpart */
export function linkedPair(pair: Pair): LinkedPair | null {
  const { link, observed } = pair.state;
  const { zendesk, pms } = link?.sides ?? {};
  if (!link || !zendesk || !pms) return null;
  const sides = { zendesk, pms };
  const current: Partial<Record<Side, SyncRecord>> = {};
  for (const side of SIDES) {
    const seen = observed[side];
    if (seen?.record && !isBehind(seen, sides[side])) current[side] = seen.record;
  }
  return { ...pair, link, sides, current };
}

/** The sides that the pair's own workflow has not just read. */
export function unreadSides({ state }: Pair): Side[] {
  return SIDES.filter((side) => !state.observed[side]?.fresh);
}

/** The sides whose observation may be old, or a change (rules/fence.ts). */
export function doubtfulSides({ state, mapping, table, link, sides }: LinkedPair): Side[] {
  const differs = (record: SyncRecord) =>
    differingRows(mapping, table, link, record, state.references).length > 0;
  return SIDES.filter((side) => {
    const seen = state.observed[side];
    return seen?.record && isDoubtful(seen, sides[side], differs);
  });
}

/** The value that a record shows, in canonical form. */
export function canonicalOf(
  { state, mapping, table }: Pair,
  row: PropertyRow,
  side: Side,
  record: SyncRecord,
): Canonical {
  const raw = shownValue(row, side, record);
  return toCanonical(row, side, raw, state.references, referenceKinds(mapping, table));
}

/**
 * Parents that a child's records name and that are not linked. The child does nothing until they are, e.g. a comment of
 * a ticket that a person unlinked.
 */
export function missingParents(pair: LinkedPair): RefKey[] {
  const required = pair.table.rows.filter(
    ({ transform }) => transform.kind === 'reference' && transform.required,
  );
  return SIDES.flatMap((side) => {
    const record = pair.current[side];
    if (!record) return [];
    return required.flatMap((row) => {
      const parent = canonicalOf(pair, row, side, record);
      return !parent.ok && 'waitsFor' in parent ? parent.waitsFor : [];
    });
  });
}

/** The versions that a plan is based on, by side. */
export function versionsOf(records: Partial<Record<Side, SyncRecord>>): Partial<Record<Side, SeenVersion>> {
  const seen: Partial<Record<Side, SeenVersion>> = {};
  for (const side of SIDES) if (records[side]) seen[side] = seenVersion(records[side]);
  return seen;
}

/** The names of the people in the values of a write to `side`, as far as the source record `from` has them. */
export function namesOf(
  { rows }: EntityMapping,
  side: Side,
  values: Values,
  from: SyncRecord | undefined,
): { names?: Names } {
  const named = rows.flatMap((row): [string, string][] => {
    const address = row.type === 'person' && row[side] !== null ? values[row[side]] : null;
    const name = typeof address === 'string' ? from?.names?.[address] : undefined;
    return typeof address === 'string' && name !== undefined ? [[address, name]] : [];
  });
  return named.length > 0 ? { names: Object.fromEntries(named) } : {};
}
