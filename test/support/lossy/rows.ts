import { comparedRows, type PropertyRow } from '../../../src/sync/mapping';
import type { Json, Side, SyncRecord } from '../../../src/sync/record';
import { isSet } from '../../../src/sync/rules/sets';
import { NO_REFERENCES, toCanonical } from '../../../src/sync/values';
import { testMapping } from '../world';

/** The table of the histories of lost answers: one row for each way to decide between two edits. */

const OPTIONS = ['new', 'open', 'held', 'done', 'shut'];

export const MAPPING = testMapping([
  { zendesk: 'subject', pms: 'title', type: 'string', direction: 'both', winner: 'latest' },
  { zendesk: 'note', pms: 'memo', type: 'string', direction: 'both', winner: 'zendesk' },
  { zendesk: 'hint', pms: 'clue', type: 'text', direction: 'both', winner: 'pms' },
  { zendesk: 'remark', pms: 'remark', type: 'text', direction: 'both', winner: 'manual' },
  { zendesk: 'tags', pms: 'labels', type: 'string[]', direction: 'both', transform: 'tags' },
  { zendesk: 'channel', pms: 'source', type: 'string', direction: 'toPms' },
  { zendesk: 'place', pms: 'room', type: 'string', direction: 'toZendesk' },
  {
    ...{ zendesk: 'description', pms: 'text', type: 'text', direction: 'both', winner: 'zendesk' },
    ...{ fixedOn: 'zendesk', onEdit: 'followUp' },
  },
  { zendesk: 'flag', pms: 'flag', type: 'boolean', direction: 'both', winner: 'latest', default: false },
  {
    ...{ zendesk: 'status', pms: 'state', type: 'enum', direction: 'both', winner: 'pms' },
    ...{ transform: 'enum', table: Object.fromEntries(OPTIONS.map((each) => [each, each])) },
  },
  {
    zendesk: 'requester',
    pms: 'owner',
    type: 'person',
    direction: 'both',
    transform: 'person',
    winner: 'latest',
  },
]);
const table = MAPPING.entities.TicketToProject;

export const ROWS: readonly PropertyRow[] = comparedRows(table);
export const SET = ROWS.find(isSet) as PropertyRow;

/** What a person may write into a row: a value that nobody wrote before, as far as the row has one. */
export function valueFor({ type, id }: PropertyRow, n: number): string | boolean | null {
  switch (type) {
    case 'boolean':
      return n % 2 === 0;
    case 'enum':
      return OPTIONS[n % OPTIONS.length] ?? null;
    case 'person':
      return `p${n}@x.example`;
    default:
      return `${id}${n}`;
  }
}

/** Whether each edit of the row has a value of its own, so that it can be followed. */
export const isTraceable = ({ type }: PropertyRow): boolean => type !== 'boolean' && type !== 'enum';

export function canonicalValue(row: PropertyRow, side: Side, record: SyncRecord): Json {
  const value = toCanonical(row, side, record.values[row[side] ?? ''], NO_REFERENCES, () => table.kind);
  if (!value.ok) throw new Error(`${row.id} on ${side} is not canonical`);
  return value.value;
}
