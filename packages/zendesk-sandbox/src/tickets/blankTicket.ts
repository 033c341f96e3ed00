import { VIA_API, type Ticket } from '../model';
import { secondsOf } from '../text';

export const DEFAULT_FORM = 360000084116;
export const DEFAULT_BRAND = 360000358316;
const NEW_STATUS = 4044356;

/** A ticket with every key that the live API returns (rule 34, AF, ZP). */
export function blankTicket(ticketId: number, baseUrl: string, now: string): Ticket {
  return {
    url: `${baseUrl}/tickets/${ticketId}.json`,
    id: ticketId,
    external_id: null,
    via: VIA_API,
    created_at: now,
    updated_at: now,
    generated_timestamp: secondsOf(now),
    type: null,
    subject: null,
    raw_subject: null,
    description: null,
    priority: null,
    status: 'new',
    recipient: null,
    requester_id: null,
    submitter_id: null,
    assignee_id: null,
    organization_id: null,
    group_id: null,
    collaborator_ids: [],
    follower_ids: [],
    email_cc_ids: [],
    forum_topic_id: null,
    problem_id: null,
    has_incidents: false,
    is_public: true,
    due_at: null,
    tags: [],
    custom_fields: [],
    satisfaction_rating: { score: 'unoffered' },
    sharing_agreement_ids: [],
    custom_status_id: NEW_STATUS,
    fields: [],
    followup_ids: [],
    ticket_form_id: DEFAULT_FORM,
    deleted_ticket_form_id: null,
    brand_id: DEFAULT_BRAND,
    allow_channelback: false,
    allow_attachments: true,
    from_messaging_channel: false,
  };
}
