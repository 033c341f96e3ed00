import type { JournalFilter } from '../links/journalStore';
import type { LinkStore } from '../links/linkStore';
import type { JournalEntry, JournalRow } from '../sync/journal';
import type { Json } from '../sync/record';
import { BadInput } from './operatorErrors';

/** Formats the journal of writes for the command line and for the console, in the same words. */

export const HISTORY_COLUMNS = [
  'When',
  'Pair',
  'Record',
  'What',
  'Property',
  'Before',
  'After',
  'Why',
  'Outcome',
] as const;

/** One row of one write. A write without rows has one line, too. */
export interface HistoryLine {
  /** ISO time. */
  at: string;
  key: string;
  record: string;
  what: string;
  row: string;
  /** In the side's own form; undefined if not known. */
  before: Json | undefined;
  after: Json | undefined;
  why: string;
  outcome: string;
  /** The outcome of the write, and a note about this row. `outcome` joins both. */
  result: string;
  notes: readonly string[];
}

const WHAT: Record<JournalEntry['op'], string> = {
  create: 'created',
  update: 'updated',
  followUp: 'commented',
  archive: 'archived',
  redact: 'redacted',
  attach: 'file added',
  detach: 'file removed',
};

export function linesOf(entry: JournalEntry): HistoryLine[] {
  const { at, key, side, ref, op, joins, rows, causes, outcome, words } = entry;
  const common = {
    at,
    key,
    record: ref ?? `a new record of ${side === 'zendesk' ? 'Zendesk' : 'the PMS'}`,
    what: joins ? 'joined' : WHAT[op],
    why: causes.join(', '),
  };
  const said = words === null ? outcome : `${outcome}: ${words}`;
  const line = (row: string, before?: Json, after?: Json, notes: string[] = []) => ({
    ...{ ...common, row, before, after, result: said, notes },
    outcome: [said, ...notes].join('; '),
  });
  if (rows.length === 0) return [line('')];
  return rows.map((row) => line(row.row, row.before, row.shown ?? row.after, notesOn(row)));
}

function notesOn({ notTaken, known, before, cut }: JournalRow): string[] {
  return [
    ...(notTaken ? ['not taken'] : []),
    ...(before !== undefined && known === 'agreed' ? ['before: as agreed'] : []),
    ...(cut ? ['incomplete: it cannot be undone'] : []),
  ];
}

export interface HistoryPage {
  entries: JournalEntry[];
  /** The position of the next page; null on the last page. */
  next: string | null;
}

/** @param after `next` of the previous page; null for the first page @throws BadInput if it is no such position */
export async function historyPage(
  { journal }: Pick<LinkStore, 'journal'>,
  filter: JournalFilter,
  after: string | null,
  limit: number,
): Promise<HistoryPage> {
  const found = await journal.page(filter, after === null ? null : placeOf(after), limit + 1);
  const entries = found.slice(0, limit);
  const last = entries.at(-1);
  return { entries, next: found.length > limit && last ? `${last.at}~${last.id}` : null };
}

function placeOf(text: string): { at: string; id: string } {
  const [at = '', ...rest] = text.split('~');
  const id = rest.join('~');
  if (id === '' || Number.isNaN(Date.parse(at)))
    throw new BadInput(
      `--after: found "${text.slice(0, 80)}", expected the end of an earlier page of the history`,
    );
  return { at, id };
}
