import type { Json, Side } from './record';

/**
 * A value of one side that the other did not take. It is kept beside the snapshot: neither value is written to the
 * other side until a possible cause changes. This file imports types only, because the code of the workflows includes
 * it.
 */
export interface NotTaken {
  row: string;
  /** The side that did not take the value. */
  side: Side;
  /** What the other side shows, or, with `byElement`, what this side should show; canonical. */
  offered: Json;
  /** What the side showed instead; canonical. Absent while its record is not created yet. */
  shown?: Json;
  /**
   * `refused`: an error named the property. `ignored`: the write was accepted, and the value is as before. `emptied`:
   * the write was accepted, and the property is empty. `apart`: a refusal named no property, and the row waits to be
   * tried in its `group`. `discarded`: a person discarded the change; it is never offered again.
   */
  why: 'refused' | 'ignored' | 'emptied' | 'apart' | 'discarded';
  /** The API's words of a refusal; our own if it gave none. */
  words: string;
  /** ISO time of the first offer. */
  since: string;
  /**
   * The versions of both records that a refused offer was based on. After an accepted write, those in `link.sides`
   * count.
   */
  tried?: Partial<Record<Side, string>>;
  /**
   * The value is a person whom the side does not know or accept. Neither record shows when this changes, so only a
   * resync, a reconcile or a new mapping offers the value again.
   */
  unknownPerson?: true;
  /** Offer it again at the next plan, although no cause has changed, e.g. for a resync or a reconcile. */
  due?: true;
  /** The row is a set: `shown` lacks elements of `offered`, or has more. Each side may have an entry of its own. */
  byElement?: true;
  /**
   * A digest of the fields that the row named. If the row names other fields now, the entry does not count. Absent if
   * the fields were not known.
   */
  bound?: string;
  /**
   * `shown` is an edit that the offered value overrules: once the side takes the value, the edit goes to the history.
   */
  overrules?: true;
  /** Only with `apart`: rows with the same number are tried together. */
  group?: number;
}

/** The entry of a row. A set may have one for each side: an entry for the whole value goes before one by element. */
export function notTakenOf(
  { notTaken = [] }: { notTaken?: readonly NotTaken[] },
  row: string,
): NotTaken | undefined {
  return wholeFirst(notTaken.filter((each) => each.row === row))[0];
}

export function wholeFirst(all: readonly NotTaken[]): NotTaken[] {
  return [...all].sort((a, b) => Number(a.byElement ?? false) - Number(b.byElement ?? false));
}

/** The field of a document, which is left out if the list is empty. */
export function orAbsent(notTaken: readonly NotTaken[]): { notTaken?: NotTaken[] } {
  return notTaken.length > 0 ? { notTaken: [...notTaken] } : {};
}

/** Drops the values that were not taken: the pair ends, or its two records meet anew. */
export function withoutNotTaken<T extends { notTaken?: NotTaken[] }>(link: T): T {
  const rest = { ...link };
  delete rest.notTaken;
  return rest;
}
