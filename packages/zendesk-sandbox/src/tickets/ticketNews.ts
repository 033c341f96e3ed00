import { randomUUID } from 'node:crypto';
import type { Attachment, AuditEvent, Comment, Fields, Ticket, User } from '../model';
import type { Store } from '../store';

/** Event types with another name than the field's (rule 28). Null: the field has no event. */
const EVENT_NAMES: Record<string, string | null> = {
  assignee_id: 'agent_assignment',
  group_id: 'group_assignment',
  organization_id: 'organization',
  requester_id: 'requester',
  due_at: 'task_due_at',
  custom_status_id: 'custom_status',
  brand_id: 'brand',
  ticket_form_id: 'form',
  problem_id: 'problem_link',
  follower_ids: 'followers',
  email_cc_ids: 'email_ccs',
  collaborator_ids: null,
  recipient: null,
};
/** Values that events contain in capitals (rule 29). */
const WORDS = ['status', 'priority', 'type'];

/**
 * Sends a ticket's changes to webhooks and triggers. The events of one action share a sequence (rule 30).
 * https://developer.zendesk.com/api-reference/webhooks/event-types/ticket-events
 */
export class TicketNews {
  private position = 0;
  private readonly sequence = randomUUID();

  constructor(
    private readonly store: Store,
    private readonly ticket: Ticket,
    private readonly actor: User | null,
  ) {}

  tell(type: string, change: Fields = {}): void {
    this.position += 1;
    const sequence = { id: this.sequence, position: this.position };
    this.store.onEvent({
      type,
      kind: 'ticket',
      record: this.ticket,
      actorId: this.actor?.id ?? null,
      change,
      sequence,
    });
  }

  tellChanges(events: readonly AuditEvent[]): void {
    for (const { field_name: field, previous_value: previous, value } of events) {
      if (typeof field !== 'string') continue;
      const name = EVENT_NAMES[field] === undefined ? field : EVENT_NAMES[field];
      if (/^\d+$/.test(field)) this.tellCustomField(Number(field), value, previous);
      else if (field === 'tags') this.tell('ticket.tags_changed', this.tagsChange(value, previous));
      else if (name !== null)
        this.tell(`ticket.${name}_changed`, { current: told(field, value), previous: told(field, previous) });
    }
  }

  tellComment(comment: Comment): void {
    const author = this.store.users.get(comment.author_id ?? 0);
    this.tell('ticket.comment_added', {
      comment: {
        id: String(comment.id),
        body: comment.body,
        is_public: comment.public,
        author: {
          id: String(comment.author_id ?? 0),
          is_staff: author ? this.store.isAgent(author.id) : false,
          name: author?.name ?? '',
        },
      },
    });
    for (const file of comment.attachments) this.tellFile(comment, file);
  }

  private tellFile(comment: Comment, file: Attachment): void {
    const { id, file_name: filename, content_type: contentType, content_url: url } = file;
    this.tell('ticket.attachment_linked_to_comment', {
      comment: {
        id: String(comment.id),
        attachment: {
          id: String(id),
          filename,
          content_type: contentType,
          content_url: url,
          is_public: comment.public,
        },
      },
    });
  }

  private tellCustomField(id: number, current: unknown, previous: unknown): void {
    const field = this.store.ticketFields.find(id);
    const about = { id: String(id), title: field?.title ?? '', type: field?.type ?? '' };
    this.tell('ticket.custom_field_changed', { current, previous, field: about });
  }

  private tagsChange(value: unknown, previous: unknown): Fields {
    const [now, before] = [value, previous].map((tags) => (Array.isArray(tags) ? (tags as string[]) : []));
    const added = (now ?? []).filter((tag) => !before?.includes(tag));
    const removed = (before ?? []).filter((tag) => !now?.includes(tag));
    return this.store.rules.ticketTagKeys === 'tags_added'
      ? { tags_added: added, tags_removed: removed }
      : { added: { tags: added }, removed: { tags: removed } };
  }
}

/** Ids are texts, and a missing id is `"0"` (rule 29). */
function told(field: string, value: unknown): unknown {
  if (WORDS.includes(field)) return typeof value === 'string' ? value.toUpperCase() : '';
  if (field.endsWith('_id') && field !== 'external_id')
    return typeof value === 'number' ? String(value) : '0';
  if (field.endsWith('_ids')) return (Array.isArray(value) ? value : []).map(String);
  return value ?? '';
}
