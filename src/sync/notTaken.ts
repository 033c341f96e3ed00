import type { Json, Side } from './record';

/**
 * A value of one side that the other did not take. It is kept beside what was agreed: neither value moves until one of
 * its causes changes. Types alone, because workflows carry them along.
 */
export interface NotTaken {
  row: string;
  /** The side that did not take the value. */
  side: Side;
  /** What the other side shows; canonical. */
  offered: Json;
  /** What the side showed instead; canonical. Absent while its record is not made yet. */
  shown?: Json;
  /**
   * `refused`: an error named the property. `ignored`: the write was accepted, and the value is as before. `emptied`: it
   * was accepted, and the property is empty. `apart`: a refusal named no property, and the row waits for its own try.
   * `discarded`: a person discarded the change; it is never offered again.
   */
  why: 'refused' | 'ignored' | 'emptied' | 'apart' | 'discarded';
  /** The API's own words of a refusal; ours where it gave none. */
  words: string;
  /** ISO time of the first offer. */
  since: string;
  /** The versions that a refused offer was based on. What was accepted is based on the link's own. */
  tried?: Partial<Record<Side, string>>;
  /** Offer it again at the next plan: a person or a reconcile asks for it. */
  due?: true;
  /** The row's values merge by element: `shown` lacks elements of `offered`, or has more. Each side may have its own. */
  byElement?: true;
  /** What the row was bound to; of other fields it says nothing. Absent where that was not known. */
  bound?: string;
  /** What the side shows is an edit that the offered value overrules: once that is taken, it goes to the history. */
  overrules?: true;
  /** Which rows are tried together; of rows that wait for their own try. */
  group?: number;
}

/** Of a set, each side may have one: then that whose value was refused as a whole. */
export function notTakenOf(
  { notTaken = [] }: { notTaken?: readonly NotTaken[] },
  row: string,
): NotTaken | undefined {
  return wholeFirst(notTaken.filter((each) => each.row === row))[0];
}

export function wholeFirst(all: readonly NotTaken[]): NotTaken[] {
  return [...all].sort((a, b) => Number(a.byElement ?? false) - Number(b.byElement ?? false));
}

/** For a document: absent where there is none. */
export function orAbsent(notTaken: readonly NotTaken[]): { notTaken?: NotTaken[] } {
  return notTaken.length > 0 ? { notTaken: [...notTaken] } : {};
}

/** What was not taken is forgotten where a pair ends, or where its two records meet anew. */
export function withoutNotTaken<T extends { notTaken?: NotTaken[] }>(link: T): T {
  const rest = { ...link };
  delete rest.notTaken;
  return rest;
}
