import type { CanonicalKey } from './canonicalKey';
import type { JournalEntry, JournalRow } from './journal';
import type { Cause } from './journalCauses';
import type { EntityType, Json, RefKey, Side } from './record';
import { elementsOf } from './heldSets';
import { sameValue, textOf } from './values';

/** Undo: finds the values that can be put back, from the journal of a pair. Pure. */

/** Which writes are to be undone. An absent criterion excludes no write. `until` is the start of the undo. */
export interface UndoFilter {
  key?: CanonicalKey;
  entity?: EntityType;
  /** ISO times: a write at `since` is undone, and a write at `until` is not. */
  since?: string;
  until: string;
  cause?: Cause;
  row?: string;
}

/** A value of a record to be put back, in the side's own form. */
export interface Restore {
  side: Side;
  ref: RefKey;
  property: string;
  row: string;
  former: Json;
  /** What the side showed after the last of the writes. */
  written: Json;
  /**
   * The property is a set. If several writes changed it, `former` has only the elements that they removed, and
   * `written` only those that they added.
   */
  set?: true;
  /** The sync wrote another value since, for another reason. */
  isOverwritten?: true;
  /** A digest of the fields that the row named when the value was written. */
  binding?: string;
  /**
   * Present if this was the first write after the row was bound to other fields: the canonical value that was agreed on
   * before, and a digest of the former binding, or null if it is unknown.
   */
  agreed?: { value: Json; binding: string | null };
}

/** A write, or one value of it, that cannot be undone. */
export interface Cannot {
  key: CanonicalKey;
  ref: RefKey | null;
  what: 'created' | 'joined' | 'commented' | 'archived' | 'redacted' | 'file' | 'cut' | 'unknown before';
  /** Null for a write as a whole. */
  row: string | null;
}

/** Why something cannot be undone, and what a person can do. */
export const CURES: Record<Cannot['what'], string> = {
  created: 'a record was created; run "links unlink", then delete the unwanted record by hand',
  joined: 'two records were joined; if they do not belong together, run "links unlink", then "links link"',
  commented: 'a comment was added, and an e-mail about it may have been sent; nothing takes that back',
  archived: 'a record was archived; restore it by hand, and its pair is revived',
  redacted: 'a text was redacted; it is gone for good',
  file: 'a file was added or removed; put that right by hand',
  cut: 'the value is shortened or redacted in the journal; set the former value by hand',
  'unknown before': 'the former value is not known in the form of this system; set it by hand',
};

export interface PairUndo {
  /** Names the undo. */
  id: string;
  restores: Restore[];
  /**
   * The undo holds its rows (`--hold`). Former values may then be put back although the mapping still binds the rows as
   * when they were written.
   */
  hold: boolean;
  /** Sides that refused the former values, and their words. */
  refused: Partial<Record<Side, string>>;
}

/** The outcomes for one value. */
export const FATES = [
  'restored',
  'already',
  'edited',
  'public',
  'refused',
  'not offered',
  'other record',
  'cause stands',
] as const;
export type Fate = (typeof FATES)[number];

export const FATE_WORDS: Record<Fate, string> = {
  restored: 'put back',
  already: 'has its former value already',
  edited: 'changed since, left alone',
  public: 'would become public, left alone',
  refused: 'refused by the system',
  'not offered': 'the property is not there any more',
  'other record': 'the pair has another record now',
  'cause stands': 'the mapping still binds the row as when this was written, left alone',
};

/** The outcome for one value. It has names only: the journal has the values, so that redactions remove them. */
export interface Undone extends Pick<Restore, 'side' | 'property' | 'row'> {
  fate: Fate;
}

/**
 * The values of a pair that an undo puts back, and the writes that cannot be undone.
 *
 * @param entries all journal entries of the pair, the oldest first
 */
export function undoOf(
  entries: readonly JournalEntry[],
  filter: UndoFilter,
): { restores: Restore[]; cannot: Cannot[] } {
  const places = new Map<string, Restore>();
  const cannot: Cannot[] = [];
  /**
   * Rows whose chosen writes came from a new binding. If such a row was bound to other fields again later, the first
   * write after that is a consequence, and is undone as well.
   */
  const rebound = new Set<string>();
  for (const entry of entries) {
    if (entry.at >= filter.until || !(entry.outcome === 'done' || entry.outcome === 'unknown')) continue;
    const isChosen = isTaken(entry, filter);
    if (isChosen) cannot.push(...cannotOf(entry));
    if (entry.op !== 'update' || entry.ref === null) continue;
    for (const row of entry.rows) {
      const isWanted = isChosen && wants(row, filter);
      if (row.notTaken) continue;
      const place = `${entry.ref} ${row.property}`;
      const open = places.get(place);
      if (!isWanted && !(row.former && rebound.has(row.row))) {
        const isAnother = open && !alike(open.written, row.shown ?? row.after);
        if (open && isAnother) places.set(place, { ...open, isOverwritten: true });
        continue;
      }
      if (row.former) rebound.add(row.row);
      const restore = restoreOf(entry, row, open?.isOverwritten && !row.set ? undefined : open);
      if ('what' in restore) {
        cannot.push(restore);
        places.delete(place);
      } else places.set(place, restore);
    }
  }
  return { restores: [...places.values()], cannot };
}

/**
 * Combines successive writes of a property: the value before the first is put back, unless somebody wrote in between.
 */
function restoreOf(entry: JournalEntry, row: JournalRow, open: Restore | undefined): Restore | Cannot {
  const { key, ref, side } = entry;
  const { before, former, binding } = row;
  if (row.cut) return { key, ref, what: 'cut', row: row.row };
  if (before === undefined || ref === null) return { key, ref, what: 'unknown before', row: row.row };
  const written = row.shown ?? row.after;
  if (open && row.set) return { ...open, ...combined(open, { former: before, written }) };
  if (open && alike(open.written, before)) return { ...open, written };
  return {
    side,
    ref,
    property: row.property,
    row: row.row,
    former: before,
    written,
    ...(row.set && { set: row.set }),
    ...(binding !== undefined && { binding }),
    ...(former && { agreed: former }),
  };
}

export function isTaken(entry: JournalEntry, { key, entity, since, cause, row }: UndoFilter): boolean {
  return (
    (key === undefined || entry.key === key) &&
    (entity === undefined || entry.entity === entity) &&
    (since === undefined || entry.at >= new Date(since).toISOString()) &&
    (cause === undefined || entry.causes.some((each) => each === cause || each.startsWith(`${cause}:`))) &&
    (row === undefined || entry.rows.some((each) => each.row === row))
  );
}

/**
 * Whether a row of a chosen write is to be undone. The cause `mapping:…` covers only the rows that the mapping bound
 * anew, and the cause `undo:…` only the values that the undo put back.
 */
function wants({ row, former, restored }: JournalRow, filter: UndoFilter): boolean {
  const [kind] = filter.cause?.split(':') ?? [];
  const isDoing = kind === 'mapping' ? former !== undefined : kind !== 'undo' || restored === true;
  return (filter.row === undefined || filter.row === row) && isDoing;
}

function cannotOf({ key, ref, op, joins }: JournalEntry): Cannot[] {
  const whole = (what: Cannot['what']): Cannot[] => [{ key, ref, what, row: null }];
  switch (op) {
    case 'create':
      return whole('created');
    case 'update':
      return joins ? whole('joined') : [];
    case 'followUp':
      return whole('commented');
    case 'archive':
      return whole('archived');
    case 'redact':
      return whole('redacted');
    case 'attach':
    case 'detach':
      return whole('file');
  }
}

/**
 * Whether two values of one property are the same. A system may show a value in another spelling than the one that was
 * sent.
 */
export function alike(a: Json | undefined, b: Json | undefined): boolean {
  return sameValue(plain(a), plain(b));
}

function plain(value: Json | undefined): Json {
  if (value === undefined || value === null || value === '') return null;
  if (Array.isArray(value)) return value.length === 0 ? null : value.map(textOf).sort();
  if (typeof value === 'object') return value;
  const text = String(value).replace(/\r\n/g, '\n').trim();
  return text === '' ? null : text;
}

/** The present set, without the elements that the writes added, and with those that they removed. */
export function withoutChange(
  { former, written }: Pick<Restore, 'former' | 'written'>,
  now: Json | undefined,
): string[] {
  const [before, after, there] = [former, written, now].map((each) => elementsOf(each));
  const added = new Set((after ?? []).filter((each) => before?.includes(each) !== true));
  const removed = (before ?? []).filter((each) => after?.includes(each) !== true);
  return [...new Set([...(there ?? []).filter((each) => !added.has(each)), ...removed])];
}

/** The first value of each row: later ones are a consequence if the row was bound anew again. See {@link undoOf}. */
export function firstOfRows(restores: readonly Restore[]): Map<string, Restore> {
  const first = new Map<string, Restore>();
  for (const restore of restores) if (!first.has(restore.row)) first.set(restore.row, restore);
  return first;
}

/**
 * Combines two successive changes of a set: `former` has all removed elements, `written` all added ones.
 */
function combined(
  first: Pick<Restore, 'former' | 'written'>,
  second: Pick<Restore, 'former' | 'written'>,
): Pick<Restore, 'former' | 'written'> {
  const [a, b] = [first, second].map(({ former, written }) => {
    const [before, after] = [elementsOf(former), elementsOf(written)];
    return {
      added: after.filter((each) => !before.includes(each)),
      removed: before.filter((each) => !after.includes(each)),
    };
  });
  if (!a || !b) return first;
  const without = (some: string[], others: string[]) => some.filter((each) => !others.includes(each));
  return {
    former: [...without(a.removed, b.added), ...without(b.removed, a.added)],
    written: [...without(a.added, b.removed), ...without(b.added, a.removed)],
  };
}

/**
 * The rows whose mistake is not corrected: a write came from a new binding, and the mapping still binds the row that
 * way.
 * @param bindings the present bindings, by row; see `bindingsOf`
 */
export function standing(restores: readonly Restore[], bindings: Readonly<Record<string, string>>): string[] {
  return [...firstOfRows(restores).values()].flatMap(({ row, agreed, binding }) =>
    agreed && binding !== undefined && bindings[row] === binding ? row : [],
  );
}
