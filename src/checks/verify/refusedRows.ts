import { writesTo, type EntityMapping, type PropertyRow } from '../../sync/mapping';

/** Rows by which it is seen what becomes of a value that Zendesk does not take. */
export interface RefusedRow {
  row: PropertyRow;
  /** What a person does in the PMS, in the PMS's form; undefined where the table does not have it. */
  asked: string | null | undefined;
  what: string;
}

const GOES_ON = 'the link says why, and other rows go on';

/**
 * Values of a ticket that Zendesk refuses: a priority cannot be emptied again, and a ticket that is nobody's cannot be solved
 * where the assignee is required (zendesk-rules.md rules 10 and 11).
 */
export function refusedRows(table: EntityMapping): Partial<Record<'notTaken' | 'offeredAgain', RefusedRow>> {
  if (table.entity !== 'TicketToProject') return {};
  const both = (property: string) =>
    table.rows.find(
      (row) =>
        row.zendesk === property &&
        row.write === 'always' &&
        writesTo(row, 'zendesk') &&
        writesTo(row, 'pms'),
    );
  const [priority, status, assignee] = [both('priority'), both('status'), both('assignee')];
  const solved = status?.transform.kind === 'enum' ? status.transform.toPms.get('solved') : undefined;
  return {
    ...(priority?.default === undefined &&
      priority && {
        notTaken: { row: priority, asked: null, what: `emptied, which Zendesk refuses: ${GOES_ON}` },
      }),
    ...(status &&
      assignee && {
        offeredAgain: {
          row: status,
          asked: solved,
          what: `solved without an assignee: ${GOES_ON}; solved once it is assigned`,
        },
      }),
  };
}
