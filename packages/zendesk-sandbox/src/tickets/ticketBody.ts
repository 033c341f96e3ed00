import { z } from 'zod';
import { commentBody } from './comments';

const STATUSES = ['new', 'open', 'pending', 'hold', 'solved', 'closed'] as const;

const text = z.string().nullable();
const id = z.coerce.number().nullable();
const ids = z.array(z.coerce.number());
const person = z.looseObject({ email: z.email(), name: z.string().optional() });
const tags = z.union([z.array(z.string()), z.string().transform((list) => [list])]);
const words = { error: 'is not included in the list' };

/** Properties that are copied unchanged. */
export const plain = {
  external_id: text.optional(),
  recipient: text.optional(),
  problem_id: id.optional(),
  brand_id: z.coerce.number().optional(),
  ticket_form_id: z.coerce.number().optional(),
  collaborator_ids: ids.optional(),
  follower_ids: ids.optional(),
  email_cc_ids: ids.optional(),
  type: z.enum(['question', 'incident', 'problem', 'task'], words).nullable().optional(),
};

/** The body of a ticket's create or update. https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/ */
export const ticketBody = z.looseObject({
  ...plain,
  subject: text.optional(),
  priority: z.enum(['low', 'normal', 'high', 'urgent'], words).nullable().optional(),
  description: z.string().optional(),
  comment: commentBody.optional(),
  status: z.enum(STATUSES, words).optional(),
  custom_status_id: z.coerce.number().optional(),
  organization_id: id.optional(),
  requester_id: id.optional(),
  requester: person.optional(),
  submitter_id: id.optional(),
  assignee_id: id.optional(),
  assignee_email: z.string().nullable().optional(),
  group_id: id.optional(),
  due_at: z
    .string()
    .refine((time) => !Number.isNaN(Date.parse(time)), 'is not a date')
    .nullable()
    .optional(),
  tags: tags.optional(),
  additional_tags: tags.optional(),
  remove_tags: tags.optional(),
  custom_fields: z.array(z.looseObject({ id: z.coerce.number(), value: z.json() })).optional(),
  metadata: z.record(z.string(), z.json()).optional(),
  safe_update: z.union([z.boolean(), z.stringbool()]).optional(),
  updated_stamp: z.string().optional(),
});
export type TicketBody = z.output<typeof ticketBody>;
