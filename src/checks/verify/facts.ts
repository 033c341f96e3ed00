import type { Side } from '../../sync/record';

/** Restrictions of the two APIs on single properties, as far as a check depends on them. */

export interface Fact {
  /** The property is read-only: who sets it. */
  system?: string;
  /** The reason why the property cannot be changed after creation. */
  fixed?: string;
  /** The reason why the property cannot be empty. */
  required?: string;
  /** Values after which the record cannot be changed, such as `closed`; tested last. */
  last?: readonly string[];
  /** Values that only a new record can have. */
  first?: readonly string[];
  /** The empty value, if it is not null. */
  empty?: string;
  /** The kind of person whose address the property accepts. */
  person?: 'agent' | 'customer';
  /** The property accepts domain names. */
  domain?: true;
  /** The property accepts one of the account's groups. */
  group?: true;
  /** The property depends on other properties, so it is checked on a separate record. */
  apart?: true;
  /** The property takes effect only if another property has this value. */
  needs?: { property: string; value: string } | { property: string; person: 'agent' };
}

const SET_BY_ZENDESK = 'set by Zendesk';
const FIXED_COMMENT = 'a comment cannot be changed, only redacted';

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
      // A ticket without an assignee cannot be solved.
      needs: { property: 'assignee', person: 'agent' },
    },
    priority: { required: 'a priority cannot be emptied again' },
    // Only tasks have a due date, so the type must not change on the record that tests `due_at`.
    type: { apart: true },
    due_at: { needs: { property: 'type', value: 'task' } },
    requester: { required: 'a ticket always has a requester', person: 'customer' },
    requester_name: { system: SET_BY_ZENDESK },
    assignee: { person: 'agent' },
    // An assignee must be a member of the group.
    group: { group: true, apart: true },
    // A public ticket can be made internal, but not the other way round.
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
    body: { required: 'a comment cannot be emptied; another line checks that all of it is redacted' },
    html_body: { system: SET_BY_ZENDESK },
    // A public comment can be made internal, but not the other way round.
    public: { required: 'a comment is either public or internal', last: ['false'] },
    author: { fixed: FIXED_COMMENT, person: 'agent' },
    // The sync sets the name only for an author without a Zendesk account.
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
