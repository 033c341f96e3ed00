import { z } from 'zod';

/**
 * Schemas of the parts of Zendesk's answers that the sync reads. Unknown fields pass; almost any field may be null.
 * https://developer.zendesk.com/api-reference/ticketing/introduction/
 */

const text = z.string().nullable();
const id = z.number();
const optionalId = z.number().nullish();

export const organizationSchema = z.looseObject({
  id,
  name: z.string(),
  external_id: text.optional(),
  domain_names: z.array(z.string()).default([]),
  details: text.optional(),
  notes: text.optional(),
  tags: z.array(z.string()).default([]),
  shared_tickets: z.boolean().default(false),
  shared_comments: z.boolean().default(false),
  organization_fields: z.record(z.string(), z.json()).nullish(),
  created_at: z.string(),
  updated_at: z.string(),
  deleted_at: text.optional(),
});

export const ticketSchema = z.looseObject({
  id,
  external_id: text.optional(),
  subject: text.optional(),
  description: text.optional(),
  status: z.string(),
  priority: text.optional(),
  type: text.optional(),
  requester_id: optionalId,
  submitter_id: optionalId,
  assignee_id: optionalId,
  organization_id: optionalId,
  group_id: optionalId,
  due_at: text.optional(),
  tags: z.array(z.string()).default([]),
  recipient: text.optional(),
  /** `ai_agent` if only an AI agent answers. */
  support_type: text.optional(),
  is_public: z.boolean().optional(),
  /** Present if it was side-loaded; exports have none. */
  comment_count: z.number().optional(),
  via: z.looseObject({ channel: z.union([z.string(), z.number()]).nullish() }).nullish(),
  /** The reference documents a rating or only a state ("offered"); real answers contain an object for both. */
  satisfaction_rating: z.union([z.looseObject({ score: text.optional() }), z.string()]).nullish(),
  custom_fields: z.array(z.looseObject({ id, value: z.json() })).nullish(),
  created_at: z.string(),
  updated_at: z.string(),
});

/** https://developer.zendesk.com/api-reference/ticketing/tickets/ticket-attachments/ */
export const attachmentSchema = z.looseObject({
  id,
  file_name: z.string(),
  content_url: z.string(),
  content_type: text.optional(),
  size: z.number().nullish(),
});
export const attachmentAnswer = z.looseObject({ attachment: attachmentSchema });
export const uploadAnswer = z.looseObject({
  upload: z.looseObject({ token: z.string(), attachment: attachmentSchema }),
});

export const commentSchema = z.looseObject({
  id,
  author_id: optionalId,
  body: text.optional(),
  plain_body: text.optional(),
  html_body: text.optional(),
  public: z.boolean(),
  audit_id: optionalId,
  attachments: z.array(attachmentSchema).default([]),
  created_at: z.string(),
});

/** The metadata of an audit, which may hold the sync's marks. */
const metadata = z.looseObject({ custom: z.record(z.string(), z.json()).nullish() }).nullish();
const childEvent = z.looseObject({
  id: z.number().optional(),
  type: text.optional(),
  event_type: text.optional(),
  /** The text, if the event is a comment. */
  body: text.optional(),
});

export const auditSchema = z.looseObject({
  id,
  ticket_id: id,
  created_at: z.string(),
  metadata,
  events: z.array(childEvent),
});
export const ticketEventSchema = z.looseObject({
  id,
  ticket_id: id,
  created_at: z.string().optional(),
  /** The user who caused the event; negative for the system itself. */
  updater_id: z.number().nullish(),
  metadata,
  child_events: z.array(childEvent),
});
export const userSchema = z.looseObject({
  id,
  name: z.string(),
  email: text.optional(),
  role: text.optional(),
});

export const ticketAnswer = z.looseObject({ ticket: ticketSchema, audit: auditSchema.nullish() });
export const organizationAnswer = z.looseObject({ organization: organizationSchema });
export const ticketsAnswer = z.looseObject({ tickets: z.array(ticketSchema) });
export const organizationsAnswer = z.looseObject({ organizations: z.array(organizationSchema) });
export const identitiesAnswer = z.looseObject({
  identities: z.array(z.looseObject({ type: z.string(), value: text.optional() })),
});
export const usersAnswer = z.looseObject({ users: z.array(userSchema) });
/** For a call that is not signed in, the answer is a user without an id. */
export const meAnswer = z.looseObject({
  user: z.looseObject({ id: id.nullable(), email: text.optional(), role: text.optional() }),
});
const cursor = { meta: z.looseObject({ has_more: z.boolean(), after_cursor: text }) };
/**
 * A list without `meta` is complete: short lists of definitions, and audits of archived tickets (zendesk-rules.md rule
 * 12).
 */
const maybeCursor = { meta: cursor.meta.optional() };
export const groupsPage = z.looseObject({
  groups: z.array(z.looseObject({ id, name: z.string() })),
  ...maybeCursor,
});
/** Lists whose records are parsed separately, so that an unreadable record does not block the others. */
const records = z.array(z.unknown());
export const organizationsPage = z.looseObject({ organizations: records, ...cursor });
export const commentsPage = z.looseObject({ comments: z.array(commentSchema), ...cursor });
export const auditsPage = z.looseObject({ audits: z.array(auditSchema), ...maybeCursor });
/** The values of a dropdown: by `value` in records, by `name` for people. */
const options = { custom_field_options: z.array(z.looseObject({ value: z.string() })).optional() };
const field = { title: z.string(), type: z.string(), active: z.boolean().optional(), ...options };
const ticketFieldSchema = z.looseObject({
  id,
  ...field,
  removable: z.boolean().optional(),
  /** The key of a field of Zendesk's add-ons, e.g. `standard::intent`; absent or null for custom fields. */
  key: text.optional(),
  /** The tag that a ticked checkbox adds to a ticket. */
  tag: text,
});
const organizationFieldSchema = z.looseObject({ key: z.string(), ...field });
export const ticketFieldsPage = z.looseObject({
  ticket_fields: z.array(ticketFieldSchema),
  ...maybeCursor,
});
export const organizationFieldsPage = z.looseObject({
  organization_fields: z.array(organizationFieldSchema),
  ...maybeCursor,
});

export const ticketExport = z.looseObject({
  tickets: records,
  after_cursor: text,
  end_of_stream: z.boolean(),
});
const byTime = { end_time: z.number().nullable(), count: z.number(), end_of_stream: z.boolean().optional() };
export const organizationExport = z.looseObject({ organizations: records, ...byTime });
export const eventExport = z.looseObject({ ticket_events: records, ...byTime });

/** https://developer.zendesk.com/api-reference/ticketing/ticket-management/job_statuses/ */
const jobResult = z.looseObject({
  index: z.number().optional(),
  id: id.optional(),
  success: z.boolean().optional(),
  error: text.optional(),
  details: text.optional(),
});
export const jobSchema = z.looseObject({
  id: z.string(),
  status: z.string(),
  message: text.optional(),
  /** A list for bulk writes; `{ "success": true }` for a permanent deletion (zendesk-rules.md rule 9). */
  results: z.union([z.array(jobResult), z.looseObject({}).transform(() => null)]).nullish(),
});
export const jobAnswer = z.looseObject({ job_status: jobSchema });
export const jobsAnswer = z.looseObject({ job_statuses: z.array(jobSchema), next_page: text.optional() });

/** https://developer.zendesk.com/api-reference/introduction/requests/#422-unprocessable-entity */
export const errorAnswer = z.looseObject({
  error: z.union([z.string(), z.looseObject({ message: text.optional() })]).optional(),
  description: text.optional(),
  details: z
    .record(
      z.string(),
      z.array(
        z.looseObject({
          description: text.optional(),
          error: text.optional(),
          ticket_field_id: z.number().nullish(),
          ticket_field_type: text.optional(),
        }),
      ),
    )
    .optional(),
});

export type Organization = z.output<typeof organizationSchema>;
export type TicketExport = z.output<typeof ticketExport>;
export type Ticket = z.output<typeof ticketSchema>;
export type Comment = z.output<typeof commentSchema>;
export type TicketField = z.output<typeof ticketFieldSchema>;
export type OrganizationField = z.output<typeof organizationFieldSchema>;
export type CommentFile = z.output<typeof attachmentSchema>;
export type Audit = z.output<typeof auditSchema>;
export type TicketEvent = z.output<typeof ticketEventSchema>;
export type Job = z.output<typeof jobSchema>;
