import type { Json, Side } from './record';

/** The input and the result of the merge of one property. */

export interface MergeInput {
  /** The value that each side showed at the last agreement; null if the row was never agreed on. */
  base: Record<Side, Json> | null;
  current: Record<Side, Json>;
  /** Time of each record's last change in milliseconds, for the winner `latest`. */
  changedAt: Record<Side, number>;
}

export type MergeResult =
  /** Neither side has changed. */
  | { kind: 'unchanged' }
  /** Both sides have the same value. */
  | { kind: 'agree'; value: Json }
  /**
   * The value of `from` goes to the other side. `lost`: the value that it overrules there; undefined if it overrules
   * none.
   */
  | { kind: 'copy'; from: Side; value: Json; lost: Json | undefined; rule: string }
  /** `from` changed, but the other side can take the value only as a follow-up. */
  | { kind: 'followUp'; from: Side; value: Json }
  /** A person merged both values. The result goes to each side that differs. `lost`: the overruled values, by side. */
  | { kind: 'replace'; value: Json; lost: Partial<Record<Side, Json>>; rule: string }
  /**
   * A text on `from` that cannot be edited there was redacted. `value`: the remaining text. `text`: the other side's
   * text without the redacted words. `edited`: the other side's text had an edit that `from` does not have yet.
   */
  | { kind: 'redact'; from: Side; value: Json; text: Json; edited: boolean }
  /** Each side keeps its value, because neither can be written to the other. `value`: the agreed value. */
  | { kind: 'differ'; value: Json }
  /** Only a person can decide. */
  | { kind: 'park' };
