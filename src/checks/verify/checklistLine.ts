import type { EntityType, Json, Side } from '../../sync/record';

/** The lines of the checklist, and their results. */

export const CHECKS = [
  /** A new record gets exactly one counterpart. */
  'pair',
  /** The pair is kept in sync: an edit of the counterpart comes back to the record that it was made for. */
  'keep',
  /** The value is there as soon as the counterpart is. */
  'create',
  /** A changed value arrives. */
  'edit',
  /** An emptied value is emptied. */
  'clear',
  /** One-way row: the sync reverts an edit on the other side. */
  'putBack',
  /**
   * The other side refuses the value: both sides keep their values, the reason is reported, and other rows are
   * synced.
   */
  'notTaken',
  /** As `notTaken`; the sync offers the value again when the cause of the refusal has changed. */
  'offeredAgain',
  /** A file arrives, byte for byte. */
  'file',
  /** A file that is removed for good is removed on the other side. */
  'redactFile',
  /** The whole text is removed for good. */
  'redact',
  /** A comment from a PMS without a visibility property is internal. */
  'internal',
] as const;
export type Check = (typeof CHECKS)[number];

export interface Line {
  /** Unique and stable: `TicketToProject/title/zendesk-pms/edit`; a comment's names the mode, too. */
  id: string;
  entity: EntityType;
  /** Where comments live in the PMS; null for the other entities. */
  mode: 'note' | 'project' | null;
  /** The row's id; null for a line about whole records. */
  row: string | null;
  /** Both properties of the row, or what the line is about. */
  subject: string;
  /** The side on which the change is made. */
  from: Side;
  check: Check;
  /** The description of the check. */
  what: string;
  /** The reason why the line cannot be checked; null if it can. */
  cannot: string | null;
}

export type Status = 'passed' | 'failed' | 'not checked';

export interface Result {
  line: Line;
  status: Status;
  /** The reason of a failure or of an unchecked line, or a note for the reader. */
  reason: string | null;
  /** The records on both sides, e.g. `zendesk:ticket:12`; null if there is none. */
  zendesk: string | null;
  pms: string | null;
  /** The value that was written, and the value found on the other side, in canonical form. */
  written: Json | undefined;
  found: Json | undefined;
  /** The time from the answer to the write until the value was seen; null if it was not seen. */
  seconds: number | null;
}

export type Outcome = Omit<Result, 'line'>;

export const NOTHING: Outcome = {
  status: 'not checked',
  reason: null,
  zendesk: null,
  pms: null,
  written: undefined,
  found: undefined,
  seconds: null,
};

export interface Report {
  results: Result[];
  /** ISO time. */
  startedAt: string;
  seconds: number;
  mappingFile: string;
  mappingVersion: string;
  /** Part of the names of all records that were made; null for a sandbox, whose records end with it. */
  tag: string | null;
  /** Records that could not be removed afterwards, with the cause. */
  leftBehind: string[];
}

export function countsOf(results: readonly Result[]): Record<Status, number> {
  const counts: Record<Status, number> = { passed: 0, failed: 0, 'not checked': 0 };
  for (const { status } of results) counts[status] += 1;
  return counts;
}
