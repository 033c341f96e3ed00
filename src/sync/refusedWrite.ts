import { abandonIntent } from './abandonedIntent';
import { meantOn, type Agreement, type Link, type PlannedWrite } from './link';
import { comparedRows, writesTo, type EntityMapping, type PropertyRow } from './mapping';
import { notTakenOf, orAbsent, type NotTaken } from './notTaken';
import { SIDES, otherSide, type Json, type Side } from './record';
import { isSet } from './rules/sets';
import { isCut } from './rules/taken';
import { isEmpty } from './values';

/** After a refused write: stores its values on the link as not taken, so that the next plan writes the others. Pure. */

/**
 * In how many groups the rows of a refused write are tried. All further rows share the last group. If a group of
 * several rows is refused, the pair waits for a person.
 */
const CALLS_APART = 3;

export interface Refusal {
  /** Rows of the write that the refusal concerns. */
  rows: readonly string[];
  /** The API's own words. */
  words: string;
  now: string;
  /** Whether the write was certainly not done; false if an earlier attempt may have done it. */
  isCertain: boolean;
}

/** The link with the refused rows set aside, to be planned anew. */
export function withNotTaken(link: Link, write: PlannedWrite, refusal: Refusal): Link {
  const entries = refusal.rows.map((row) => refusedRow(link, write, row, refusal));
  return planned(link, write, refusal, entries);
}

/**
 * After a refusal that names no property: the link with all rows of the write set aside, to be tried in up to
 * {@link CALLS_APART} groups.
 * @returns null if the rows were tried in groups already, or if the write is no update of at least two rows
 */
export function withRowsApart(link: Link, write: PlannedWrite, refusal: Refusal): Link | null {
  const { rows } = refusal;
  const isTried = rows.some((row) => notTakenOf(link, row)?.why === 'apart');
  if (write.op !== 'update' || rows.length < 2 || isTried) return null;
  const entries = rows.map((row, n): NotTaken => ({
    ...refusedRow(link, write, row, refusal),
    why: 'apart',
    group: Math.min(n, CALLS_APART - 1),
  }));
  return planned(link, write, refusal, entries);
}

/**
 * The link of a pair that waits for a person because a group of rows was refused. The rows stay set aside, without
 * their groups, and the next plan offers them together.
 */
export function withRowsTogether({ notTaken = [], ...link }: Link): Link {
  const together = notTaken.map(({ group, ...each }): NotTaken =>
    group === undefined ? each : { ...each, why: 'refused', due: true },
  );
  return { ...link, ...orAbsent(together) };
}

/** Whether rows wait for their own try, so that the pair's turn goes on. */
export function hasRowsApart({ notTaken = [] }: Link): boolean {
  return notTaken.some(({ why }) => why === 'apart');
}

function planned(link: Link, write: PlannedWrite, { rows, isCertain }: Refusal, entries: NotTaken[]): Link {
  // A create is repeated only after a look-up, so an earlier attempt did not make the record either.
  const isUnsent = isCertain || write.op === 'create';
  const { notTaken = [], ...rest } = abandonIntent(link, isUnsent ? write : null);
  // An entry for the elements of a set that the other side did not take stays.
  const others = notTaken.flatMap((each): NotTaken[] => {
    if (!rows.includes(each.row)) return [each];
    const isOfSet = each.byElement === true || Array.isArray(each.offered);
    return each.side !== write.side && isOfSet ? [{ ...each, byElement: true }] : [];
  });
  return { ...rest, notTaken: [...others, ...entries] };
}

function refusedRow(link: Link, write: PlannedWrite, row: string, { words, now }: Refusal): NotTaken {
  const { side } = write;
  const offered = seenOn(link, otherSide(side), row) ?? null;
  const shown = write.op === 'create' ? undefined : seenOn(link, side, row);
  const before = notTakenOf(link, row);
  const isSame = before?.side === side && before.words === words;
  const overruled = link.intent?.next.overruled ?? [];
  const overrules =
    overruled.some((each) => each.row === row && each.side === side) || (isSame && before.overrules === true);
  const seen = link.intent?.seen ?? {};
  const tried = Object.fromEntries(
    SIDES.flatMap((each) => (seen[each] ? [[each, seen[each].version]] : [])),
  ) as Partial<Record<Side, string>>;
  return {
    row,
    side,
    offered,
    ...(shown !== undefined && { shown }),
    why: 'refused',
    words,
    since: isSame ? before.since : now,
    tried,
    ...(overrules && { overrules }),
    ...boundOf(link.intent?.next, row),
  };
}

/**
 * What a side shows of a row, as far as the intent knows: the value that its update replaces, or the planned value once
 * the update is done or if the intent has none for the row.
 */
function seenOn({ intent }: Link, side: Side, row: string): Json | undefined {
  const own = intent?.writes.find(
    (each) => each.side === side && each.op === 'update' && row in each.expects,
  );
  if (own && !own.done) return own.expects[row];
  return intent ? meantOn(intent.next, side, row) : undefined;
}

/** A digest of the fields that a row named in the plan. */
export function boundOf(next: Agreement | undefined, row: string): Pick<NotTaken, 'bound'> {
  const bound = next?.bound?.[row];
  return bound === undefined ? {} : { bound };
}

/**
 * Makes all values that were not taken due for the next plan. Earlier releases kept such values as residues, which
 * counted as agreed: these are offered, too.
 *
 * @returns null if there are none
 */
export function offeredAgain(link: Link, table: EntityMapping): NotTaken[] | null {
  const known = (link.notTaken ?? []).map((each): NotTaken =>
    each.why === 'discarded' ? each : { ...each, due: true },
  );
  const all = [...known, ...SIDES.flatMap((side) => residuesOf(link, table, side))];
  return all.some(({ due }) => due) ? all : null;
}

function residuesOf(link: Link, table: EntityMapping, side: Side): NotTaken[] {
  const { residue = {} } = link.sides[side] ?? {};
  return comparedRows(table).flatMap((row): NotTaken[] => {
    const offered = link.snapshot?.[row.id];
    const shown = residue[row.id];
    const isParked = link.conflicts.some((conflict) => conflict.row === row.id);
    const isOpen = writesTo(row, side) && row.fixed === null && !isSet(row) && !isParked;
    if (shown === undefined || offered === undefined || !isOpen || notTakenOf(link, row.id)) return [];
    if (isOfSide(row, offered, shown)) return [];
    const words = 'an earlier release found a different value on this side, and kept it';
    return [{ row: row.id, side, offered, shown, why: 'ignored', words, since: link.updatedAt, due: true }];
  });
}

/** A text that was cut off, a number that was rounded, or a person whom the side filled in. */
function isOfSide({ type }: PropertyRow, offered: Json, shown: Json): boolean {
  const isFilledIn = type === 'person' && isEmpty(offered);
  return isFilledIn || type === 'integer' || type === 'decimal' || isCut(offered, shown);
}
