import type { Side } from '../../sync/record';

/** What the two APIs let a person do with each property, as far as a check has to know it. */

export interface Fact {
  /** Only the system can set it, and shows the value. */
  system?: string;
  /** Why it cannot be changed after creation. */
  fixed?: string;
  /** Why it cannot be empty. */
  required?: string;
  /** Values that end a record's life: tried last. */
  last?: readonly string[];
  /** Values that a record can only begin with. */
  first?: readonly string[];
  /** The empty value, if it is not null. */
  empty?: string;
  /** The kind of person whose address it accepts. */
  person?: 'agent' | 'customer';
  /** It takes names of domains. */
  domain?: true;
  /** It takes one of the account's groups. */
  group?: true;
  /** It depends on other properties, so it is checked on a separate record. */
  apart?: true;
  /** Takes effect only where another property has a value. */
  needs?: { property: string; value: string } | { property: string; person: 'agent' };
}

const SET_BY_ZENDESK = 'set by Zendesk';
const SAID = 'what was said cannot be changed, only redacted';

const ZENDESK: Record<string, Record<string, Fact>> = {
  // https://developer.zendesk.com/api-reference/ticketing/organizations/organizations/
  organization: {
    name: { required: 'an organization must have a name' },
    domain_names: { domain: true },
    created_at: { system: SET_BY_ZENDESK },
    url: { system: SET_BY_ZENDESK },
  },
  // https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/
  ticket: {
    description: { fixed: 'a description is the first comment and cannot be changed' },
    status: {
      required: 'a ticket always has a status',
      last: ['closed'],
      first: ['new'],
      // Nobody can solve a ticket that is nobody's.
      needs: { property: 'assignee', person: 'agent' },
    },
    priority: { required: 'a priority cannot be emptied again' },
    // A due date belongs to a task, so that the type must stay where one is checked.
    type: { apart: true },
    due_at: { needs: { property: 'type', value: 'task' } },
    requester: { required: 'a ticket always has a requester', person: 'customer' },
    requester_name: { system: SET_BY_ZENDESK },
    assignee: { person: 'agent' },
    // An assignee must be a member of the group.
    group: { group: true, apart: true },
    // It can be made internal, and never public again.
    public: { required: 'a ticket is either public or internal', last: ['false'], apart: true },
    submitter: { system: SET_BY_ZENDESK },
    channel: { system: SET_BY_ZENDESK },
    is_public: { system: SET_BY_ZENDESK },
    recipient: { system: SET_BY_ZENDESK },
    'satisfaction_rating.score': { system: SET_BY_ZENDESK },
    url: { system: SET_BY_ZENDESK },
    created_at: { system: SET_BY_ZENDESK },
  },
  // https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_comments/
  comment: {
    ticket_id: { fixed: 'a comment stays on its ticket', required: 'a comment is always on a ticket' },
    body: { required: 'a comment cannot be emptied; that all of it is redacted is a line of its own' },
    html_body: { system: SET_BY_ZENDESK },
    // It can be made internal, and never public again.
    public: { required: 'a comment is either public or internal', last: ['false'] },
    author: { fixed: SAID, person: 'agent' },
    // Only for a person whom Zendesk does not know, and who is therefore not the author there.
    author_name: { system: SET_BY_ZENDESK, apart: true },
    created_at: { system: SET_BY_ZENDESK },
  },
};

/** docs/pms-openapi.yaml */
const PMS: Record<string, Record<string, Fact>> = {
  customer: { name: { required: 'a customer must have a name' } },
  project: {
    title: { required: 'a project must have a title' },
    status: { required: 'a project always has a status' },
    visibility: { required: 'a project is either public or internal' },
    requesterName: { system: 'set by the PMS' },
  },
  note: {
    projectId: { fixed: 'a note stays on its project', required: 'a note is always on a project' },
    body: { empty: '' },
    visibility: { required: 'a note is either public or internal' },
    redacted: { system: 'set by the PMS' },
  },
};

export function factOf(side: Side, kind: string, property: string): Fact {
  return (side === 'zendesk' ? ZENDESK : PMS)[kind]?.[property] ?? {};
}
