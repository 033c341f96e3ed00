import { changeOf, type HeldChange, type HoldCause } from './holds';
import { meantOn, type Link } from './link';
import { comparedRows, writesTo, type EntityMapping, type Mapping, type PropertyRow } from './mapping';
import type { PairState, Plan } from './planner/state';
import { otherSide, type RefKey, type Side, type SyncRecord } from './record';
import { offers } from './rules/absence';
import { agreedValue } from './rules/binding';
import { bindingsOf } from './rules/sameFields';
import { holdOn, isThere } from './rules/brake';
import { lastSeen } from './rules/taken';
import { referenceKinds, toCanonical, type References } from './values';

/**
 * The brake: which changes are counted, and when it is too many of a kind. Pure. A change that destroys is counted when
 * it is planned, before it is written.
 */

/**
 * What is counted apart. All are kinds of change, but for `remapped`: a value replaced because the row was never agreed
 * on for the fields that it names now. A mistake in the mapping does that, and nobody edited anything.
 */
export const BRAKE_MEASURES = ['ends', 'archives', 'emptied', 'replaced', 'remapped'] as const;
export type BrakeMeasure = (typeof BRAKE_MEASURES)[number];

/** How many pairs may be changed alike within the window. */
export interface Threshold {
  /** Of the linked pairs of the entity, from 0 to 1. */
  share: number;
  /** So many may be in any case, however few pairs there are. */
  least: number;
  /** More may not be in any case, however many pairs there are. */
  most: number;
}

export interface BrakeSettings {
  windowMinutes: number;
  /** Null: never held. */
  thresholds: Readonly<Record<BrakeMeasure, Threshold | null>>;
}

/** docs/operations.md says why. */
export const BRAKE_DEFAULTS: BrakeSettings = {
  windowMinutes: 60,
  thresholds: {
    ends: { share: 0.1, least: 10, most: 2_000 },
    archives: { share: 0.05, least: 10, most: 1_000 },
    emptied: { share: 0.05, least: 10, most: 1_000 },
    replaced: { share: 0.5, least: 25, most: 20_000 },
    remapped: { share: 0.05, least: 10, most: 1_000 },
  },
};

/** @param linked pairs of the entity that are linked @returns how many of them may be changed alike */
export function allowedOf({ share, least, most }: Threshold, linked: number): number {
  return Math.max(least, Math.min(most, Math.floor(share * linked)));
}

/** A change that is counted: what a hold on it would be, and by which threshold it is judged. */
export interface CountedChange {
  change: HeldChange & { side: Side };
  measure: BrakeMeasure;
  cause: HoldCause;
  /** A digest of the row's fields, if the hold must end when they change. */
  bound?: string;
  /** Of an end: the pair's other record, if it was not just read. Where it is gone, too, the end is not counted. */
  unread?: RefKey;
}

interface Planned {
  state: PairState;
  table: EntityMapping;
}

/** The changes of a plan that destroy something; none at a first meeting. */
export function countedChanges(plan: Plan, { state, table }: Planned): CountedChange[] {
  const { link } = state;
  if (!link?.snapshot || link.status === 'tombstone') return [];
  if (plan.do === 'bury') return endCounted(plan, link, state);
  // What is resumed was counted when it was planned.
  if (plan.do !== 'write' || plan.intent.id === link.intent?.id) return [];
  const { writes, next } = plan.intent;
  return writes.flatMap(({ op, side, rows, expects }) => {
    if (op !== 'update') return [];
    const counted = rows.filter(
      (id) => !next.redacted?.includes(id) && state.decisions?.rows.has(id) !== true,
    );
    return counted.flatMap((id): CountedChange[] => {
      const row = table.rows.find((each) => each.id === id);
      const after = meantOn(next, side, id) ?? null;
      const kind = changeOf(expects[id] ?? null, after);
      if (!row || kind === null || kind === 'filled') return [];
      return rowCounted(kind, row, { side, link, table, from: state.observed[otherSide(side)]?.record });
    });
  });
}

function rowCounted(
  kind: 'emptied' | 'replaced',
  row: PropertyRow,
  {
    side,
    link,
    table,
    from,
  }: { side: Side; link: Link; table: EntityMapping; from?: SyncRecord | null | undefined },
): CountedChange[] {
  const change = { entity: table.entity, kind, row: row.id, side };
  if (agreedValue(table, row, link) === undefined) {
    const bound = bindingsOf(table)[row.id];
    return [
      {
        ...{ change, measure: kind === 'emptied' ? 'emptied' : 'remapped', cause: 'mapping changed' },
        ...(bound !== undefined && kind === 'replaced' && { bound }),
      },
    ];
  }
  if (kind === 'emptied') return [{ change, measure: kind, cause: causeOfLess(row, otherSide(side), from) }];
  return isState(row) ? [] : [{ change, measure: kind, cause: 'many changes' }];
}

/**
 * Automations close, escalate and flag many tickets at once, as part of their work: a state that is replaced is no
 * loss.
 */
function isState({ type }: PropertyRow): boolean {
  return type === 'enum' || type === 'boolean';
}

function causeOfLess(row: PropertyRow, from: Side, record: SyncRecord | null | undefined): HoldCause {
  const property = row[from];
  const isNamed = !record || property === null || (property in record.values && offers(record, property));
  return isNamed ? 'side answered with less' : 'field gone';
}

/** A redaction is asked for by name, and is never held. What ended before it was linked ends no pair. */
function endCounted(
  { ended, intent, reason }: Extract<Plan, { do: 'bury' }>,
  link: Link,
  { observed, holds = [] }: PairState,
): CountedChange[] {
  const { entity } = link;
  if (!ended || ended.seen.state === 'redacted' || intent?.writes.some(({ op }) => op === 'redact'))
    return [];
  const side = otherSide(ended.side);
  const seen = observed[side];
  if (!isThere(link, side, seen?.record)) return [];
  // The other record is left alone, because a person discarded that it is archived.
  if (!intent && holdOn(holds, { kind: 'archives', row: null, side })?.state === 'discarding') return [];
  const kind = intent ? 'archives' : 'ends';
  const cause = reason.includes(' was removed;') ? 'records not found' : 'many changes';
  const ref = link.sides[side]?.ref;
  const unread = ref === undefined || seen?.fresh === true ? {} : { unread: ref };
  return [{ change: { entity, kind, row: null, side }, measure: kind, cause, ...unread }];
}

/** Rows of a walked record that its side has emptied; counted before the pair is signalled. */
export function emptiedRows(
  mapping: Mapping,
  table: EntityMapping,
  link: Link,
  record: SyncRecord,
  references: References,
): CountedChange[] {
  const from = record.ref.side;
  const side = otherSide(from);
  const kinds = referenceKinds(mapping, table);
  return comparedRows(table).flatMap((row): CountedChange[] => {
    const property = row[from];
    const before = lastSeen(table, row, link);
    if (property === null || !writesTo(row, side) || !before || row.restsOn || row.fixed) return [];
    const now = toCanonical(row, from, record.values[property] ?? null, references, kinds);
    if (!now.ok || changeOf(before[from], now.value) !== 'emptied') return [];
    const change = { entity: table.entity, kind: 'emptied' as const, row: row.id, side };
    return [{ change, measure: 'emptied', cause: causeOfLess(row, from, record) }];
  });
}
