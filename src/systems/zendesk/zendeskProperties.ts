/** The names of records' properties. */

/** Before the id of a ticket's custom field. */
export const CUSTOM_FIELD = 'custom_fields.';
/** Before the key of an organization's custom field. */
export const ORGANIZATION_FIELD = 'organization_fields.';

/** Properties of each kind, and whether they can be written. */
export const PROPERTIES: Record<string, Record<string, boolean>> = {
  organization: {
    name: true,
    domain_names: true,
    details: true,
    notes: true,
    tags: true,
    shared_tickets: true,
    shared_comments: true,
    created_at: false,
    url: false,
  },
  ticket: {
    subject: true,
    description: true,
    status: true,
    priority: true,
    type: true,
    tags: true,
    due_at: true,
    requester: true,
    requester_name: false,
    assignee: true,
    submitter: false,
    organization_id: true,
    group: false,
    channel: false,
    public: true,
    is_public: false,
    recipient: false,
    'satisfaction_rating.score': false,
    url: false,
    created_at: false,
  },
  comment: {
    ticket_id: true,
    body: true,
    html_body: false,
    public: true,
    author: true,
    author_name: true,
    created_at: false,
  },
};
