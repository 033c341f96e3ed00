import type { EntityType, Json, Side } from '../../sync/record';

/** One line of the checklist, and what came of it. */

export const CHECKS = [
  /** A new record gets exactly one counterpart. */
  'pair',
  /** The pair is kept in sync: an edit of the counterpart comes back to the record that it was made for. */
  'keep',
  /** The value is there when the counterpart is. */
  'create',
  /** A changed value arrives. */
  'edit',
  /** An emptied value is emptied. */
  'clear',
  /** One-way: a change on the other side is taken back. */
  'putBack',
  /** A value that the other side refuses: both stay, with the reason, and other rows go on. */
  'notTaken',
  /** The same, and it is offered again once its cause has changed. */
  'offeredAgain',
  /** A file arrives, byte for byte. */
  'file',
  /** A file that is removed for good goes from the other side. */
  'redactFile',
  /** The whole text is removed for good. */
  'redact',
  /** What comes from the PMS without a word on visibility is internal. */
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
  /** What is done, in words. */
  what: string;
  /** Why it cannot be checked; null where it can. */
  cannot: string | null;
}

export type Status = 'passed' | 'failed' | 'not checked';

export interface Result {
  line: Line;
  status: Status;
  /** Why it failed or was not checked, or what a reader should know; null where there is nothing to say. */
  reason: string | null;
  /** Records on both sides, e.g. `zendesk:ticket:12`; null where there is none. */
  zendesk: string | null;
  pms: string | null;
  /** What was written, and what was found on the other side, in the mapping's common form. */
  written: Json | undefined;
  found: Json | undefined;
  /** From the answer to the write until the value was seen; null where it was not. */
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
  /** Marks all that was made; null in the sandbox, which ends with all that it holds. */
  tag: string | null;
  /** Records that could not be removed afterwards, with the cause. */
  leftBehind: string[];
}

export function countsOf(results: readonly Result[]): Record<Status, number> {
  const counts: Record<Status, number> = { passed: 0, failed: 0, 'not checked': 0 };
  for (const { status } of results) counts[status] += 1;
  return counts;
}
