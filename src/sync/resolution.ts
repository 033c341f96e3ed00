import { isAbsent } from './absentRecord';
import { parseCanonicalKey, refKey, tryParseRef, type CanonicalKey } from './canonicalKey';
import type { Link } from './link';
import type { EntityMapping } from './mapping';
import { SIDES, otherSide, type Json, type RefKey, type Side } from './record';

/** A person's decisions about a pair, and whether they can be carried out. */

/** The reference of the counterpart, `create` for a new record, or `none` for no counterpart. */
export type Counterpart = RefKey;

/**
 * The argument of the signal and of the Update `resolveConflict`. Either one property: whose value counts, or
 * `merged`, whose value the link store holds already (values stay out of workflow histories). Or the whole pair.
 * `by` names the person, for the link's history.
 */
export type Resolution = { row: string; choice: Side | 'merged'; by?: string } | { counterpart: Counterpart };

/** A resolution as it is stored until its pair has carried it out. A merged value is canonical. */
export type Decision =
  | { row: string; choice: Side; by?: string }
  | { row: string; choice: 'merged'; value: Json; by?: string }
  | { counterpart: Counterpart };

/** The decisions of one pair that were not carried out yet. */
export interface Decisions {
  rows: ReadonlyMap<string, RowDecision>;
  counterpart: Counterpart | null;
  /**
   * The ids of the decisions, by row or {@link WHOLE_PAIR}; null for one without an id. Absent if they are not dropped
   * later.
   */
  ids?: ReadonlyMap<string, string | null>;
}
/** The key of the decision about the whole pair, instead of a row id. */
export const WHOLE_PAIR = '';

/** The decisions that were carried out: those on these rows, and the one on the whole pair. */
export function actedOn(
  { ids = new Map() }: Pick<Decisions, 'ids'>,
  rows: readonly string[],
): [string, string | null][] {
  return [...ids].filter(([row]) => row === WHOLE_PAIR || rows.includes(row));
}
export type RowDecision = Exclude<Decision, { counterpart: unknown }>;

export const NO_DECISIONS: Decisions = { rows: new Map(), counterpart: null };

export function decisionsOf(list: Decision[]): Decisions {
  const rows = new Map<string, RowDecision>();
  let counterpart: Decisions['counterpart'] = null;
  for (const decision of list) {
    if ('row' in decision) rows.set(decision.row, decision);
    else counterpart = decision.counterpart;
  }
  return { rows, counterpart };
}

/** The longest name of a person, in characters. */
export const NAME_LIMIT = 100;

const EXPECTED =
  'expected {"row": "title", "choice": "zendesk" | "pms" | "merged"} or {"counterpart": "pms:project:P-1" | "create" | "none"}';

/** @returns what is wrong with the form of an argument, which a person may have typed; null if it is well-formed */
export function malformed(input: unknown): string | null {
  const found = `found ${shown(input)}, ${EXPECTED}`;
  if (input === null || typeof input !== 'object' || Array.isArray(input)) return found;
  const { row, choice, by, counterpart, ...rest } = input as Record<string, unknown>;
  if (Object.keys(rest).length > 0) return found;
  if (counterpart !== undefined) {
    const fits =
      counterpart === 'create' ||
      counterpart === 'none' ||
      (typeof counterpart === 'string' && tryParseRef(counterpart) !== null);
    return fits && [row, choice, by].every((it) => it === undefined) ? null : found;
  }
  const choices: unknown[] = [...SIDES, 'merged'];
  const signed = by === undefined || (typeof by === 'string' && by !== '' && by.length <= NAME_LIMIT);
  return typeof row === 'string' && row !== '' && choices.includes(choice) && signed ? null : found;
}

/** The argument without values, which may be content of records: messages go into logs. */
function shown(input: unknown): string {
  const known = ['', 'row', 'choice', 'counterpart', 'by'];
  const text =
    JSON.stringify(input, (name, value: unknown) => (known.includes(name) ? value : '…')) ?? 'nothing';
  return text.slice(0, 120);
}

/** @returns why a well-formed resolution cannot be carried out in the pair's present state; null if it can */
export function refusalOf(
  key: CanonicalKey,
  link: Link | null,
  table: EntityMapping,
  resolution: Resolution,
): string | null {
  if ('row' in resolution) {
    const rows = link?.conflicts.map((conflict) => conflict.row) ?? [];
    if (rows.includes(resolution.row)) return null;
    return `${key} has no conflict on "${resolution.row}"; ${rows.length > 0 ? `it has one on ${rows.join(', ')}` : 'it has none on any property'}`;
  }
  const { counterpart } = resolution;
  if (counterpart === 'none') return null;
  const { origin } = parseCanonicalKey(key);
  const other = otherSide(origin.side);
  const linked = link?.sides[origin.side] ? link.sides[other]?.ref : undefined;
  if (linked !== undefined && !link?.unlinked) {
    if (counterpart === 'create' && link && missesRecord(link)) return null;
    return `${key} is linked to ${linked}; unlink it first`;
  }
  if (counterpart === 'create') {
    return linked === undefined
      ? null
      : `${key} was linked to ${linked}, which still names it; link it to that record, or to another existing one`;
  }
  const ref = tryParseRef(counterpart);
  if (ref?.side === other && ref.kind === table.kind[other]) return null;
  return `${refKey(origin)} cannot be linked to ${counterpart}: expected a record such as ${other}:${table.kind[other]}:1`;
}

/** Whether one of the pair's two records is gone according to the link: a person may have it created again. */
export function missesRecord(link: Link): boolean {
  const { zendesk, pms } = link.sides;
  if (!zendesk || !pms || link.unlinked) return false;
  const isGone = [zendesk, pms].map(({ ref, state }) => isAbsent(link, ref) || state === 'deleted');
  return isGone.filter(Boolean).length === 1;
}
