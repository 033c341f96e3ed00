import { writesTo, type EntityMapping, type PropertyRow } from '../../sync/mapping';

/** A row and a value that Zendesk refuses, for the checks of refusals. */
export interface RefusedRow {
  row: PropertyRow;
  /** The value that a person enters in the PMS; undefined if the mapping's table has no such value. */
  asked: string | null | undefined;
  what: string;
}

const GOES_ON = 'the link says why, and other rows go on';

/**
 * Ticket values that Zendesk refuses: an empty priority after another one, and `solved` without an assignee if the
 * assignee is required (zendesk-rules.md rules 10 and 11).
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
