/** The custom fields that every sandbox account has, and the system's own. */

export interface CustomField {
  id: number;
  type: string;
  title: string;
  /** Organization fields are written by key, ticket fields by id. */
  key: string | null;
  /** The tags of the options of a drop-down or multi-select. */
  options: readonly string[];
  /** The tag of a ticked checkbox. */
  tag?: string;
  /** Whether a ticket cannot be solved without it. */
  required?: boolean;
}

const ticketField = (
  id: number,
  type: string,
  title: string,
  options: readonly string[] = [],
): CustomField => ({ id: 360100000000 + id, type, title, key: null, options });
const organizationField = (
  id: number,
  type: string,
  title: string,
  key: string,
  options: readonly string[] = [],
): CustomField => ({ id: 360200000000 + id, type, title, key, options });

export const TICKET_FIELDS: readonly CustomField[] = [
  ticketField(1, 'text', 'Order number'),
  ticketField(2, 'tagger', 'Severity', ['s1', 's2', 's3', 's4']),
  ticketField(3, 'integer', 'Affected users'),
  ticketField(4, 'decimal', 'Effort'),
  ticketField(5, 'date', 'Release date'),
  { ...ticketField(6, 'checkbox', 'Escalated'), tag: 'escalated' },
  ticketField(7, 'multiselect', 'Components', ['api', 'app', 'billing', 'reports']),
];
export const ORGANIZATION_FIELDS: readonly CustomField[] = [
  organizationField(1, 'text', 'Plan', 'plan'),
  organizationField(2, 'dropdown', 'Region', 'region', ['emea', 'amer', 'apac']),
  organizationField(3, 'checkbox', 'VIP', 'vip'),
  organizationField(4, 'date', 'Contract end', 'contract_end'),
  organizationField(5, 'decimal', 'Annual revenue', 'annual_revenue'),
];

const options = (...words: string[]) => ({
  system_field_options: words.map((word) => ({ name: word, value: word.toLowerCase() })),
});
/** The system fields, with their additional keys (AF). A new account requires an assignee for solved tickets. */
export const SYSTEM_FIELDS: readonly (CustomField & { more?: object })[] = [
  ticketField(101, 'subject', 'Subject'),
  ticketField(102, 'description', 'Description'),
  { ...ticketField(103, 'status', 'Status'), more: options('New', 'Open', 'Pending', 'Hold', 'Solved') },
  {
    ...ticketField(104, 'tickettype', 'Type'),
    more: options('Question', 'Incident', 'Problem', 'Task'),
  },
  { ...ticketField(105, 'priority', 'Priority'), more: options('Low', 'Normal', 'High', 'Urgent') },
  ticketField(106, 'group', 'Group'),
  { ...ticketField(107, 'assignee', 'Assignee'), required: true },
  ticketField(108, 'custom_status', 'Ticket status'),
];
