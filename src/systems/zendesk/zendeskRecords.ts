import { createHash } from 'node:crypto';
import { refKey, tryParseRef } from '../../sync/canonicalKey';
import { isAllBlack } from '../../sync/redaction';
import type { Attachment, Json, SyncRecord, Values } from '../../sync/record';
import type { BulkCreate } from '../bulkWrites';
import { unguarded, withoutAddresses } from './commentText';
import type { KnownPeople } from './people';
import type { KnownTicketFields } from './zendeskFields';
import { CUSTOM_FIELD, ORGANIZATION_FIELD } from './zendeskProperties';
import type { Comment, CommentFile, Organization, Ticket } from './zendeskSchemas';

/** Converts Zendesk's answers to records. */

/** The keys of the sync's marks in an audit's `metadata.custom`. */
export const MARKS = {
  backRef: 'zps_ref',
  followUp: 'zps_follow_up',
  /** The comment that a follow-up belongs to; the follow-up's files count as that comment's. */
  of: 'zps_of',
  idempotencyKey: 'zps_key',
  /** Names one update, so that its audit can be distinguished from an older one. */
  write: 'zps_write',
  /** The author line that the sync put before a comment's text; the line is removed when the comment is read. */
  byline: 'zps_byline',
} as const;

/** The marks of a new record: its counterpart, and the idempotency key. */
export function marksOf({ idempotencyKey, backRef }: Pick<BulkCreate, 'idempotencyKey' | 'backRef'>) {
  return { [MARKS.backRef]: backRef, [MARKS.idempotencyKey]: idempotencyKey };
}

export function organizationRecord(raw: Organization): SyncRecord {
  const values: Values = {
    name: raw.name,
    domain_names: raw.domain_names,
    details: raw.details ?? null,
    notes: raw.notes ?? null,
    tags: raw.tags,
    shared_tickets: raw.shared_tickets,
    shared_comments: raw.shared_comments,
    created_at: raw.created_at,
    url: (raw['url'] as Json | undefined) ?? null,
  };
  for (const [key, value] of Object.entries(raw.organization_fields ?? {}))
    values[`${ORGANIZATION_FIELD}${key}`] = value;
  return {
    ref: { side: 'zendesk', kind: 'organization', id: String(raw.id) },
    ...versionOf(raw.updated_at),
    createdAt: raw.created_at,
    state: raw.deleted_at ? 'deleted' : 'live',
    values,
    complete: true,
    ...backReference(raw.external_id),
    skip: null,
  };
}

/** The account's data that a ticket's record needs. */
export interface KnownAccount {
  people: KnownPeople;
  /** The names of groups, by id. */
  groups: ReadonlyMap<number, string>;
  /** The custom fields. Their tags are removed from a record's `tags` and listed in `owned`. */
  fields: KnownTicketFields;
  /** Whether a ticket's first comment is public, by the ticket's id, as far as it is known. */
  firstComments: ReadonlyMap<string, boolean>;
  baseUrl: string;
  /** Whether tickets that only an AI agent answers are in scope. */
  aiAgentTickets: boolean;
}

/**
 * Whether a ticket's first comment is public. It is not if the ticket has no public comment; it is if the ticket has only
 * one comment, and a public one.
 * @returns null if the ticket does not show it (zendesk-rules.md rule 20)
 */
export function firstIsPublic(raw: Ticket): boolean | null {
  if (raw.is_public === false) return false;
  return raw.is_public === true && raw.comment_count === 1 ? true : null;
}

export function ticketRecord(raw: Ticket, known: KnownAccount): SyncRecord {
  const { people, groups, fields, firstComments, baseUrl, aiAgentTickets } = known;
  const { tags: tagsOfFields } = fields;
  const isPublic = firstIsPublic(raw) ?? firstComments.get(String(raw.id));
  const owned = raw.tags.filter((tag) => tagsOfFields.has(tag));
  const channel = raw.via?.channel;
  const rating = raw.satisfaction_rating;
  const values: Values = {
    subject: raw.subject ?? null,
    description: plainText(raw.description),
    status: raw.status,
    priority: raw.priority ?? null,
    type: raw.type ?? null,
    tags: raw.tags.filter((tag) => !tagsOfFields.has(tag)),
    due_at: raw.due_at ?? null,
    requester: people.email(raw.requester_id),
    requester_name: people.name(raw.requester_id),
    assignee: people.email(raw.assignee_id),
    submitter: people.email(raw.submitter_id),
    organization_id: raw.organization_id == null ? null : String(raw.organization_id),
    group: raw.group_id == null ? null : groups.get(raw.group_id) || null,
    channel: channel == null ? null : String(channel),
    ...(isPublic !== undefined && { public: isPublic }),
    is_public: raw.is_public ?? null,
    recipient: raw.recipient ?? null,
    'satisfaction_rating.score': (typeof rating === 'string' ? rating : rating?.score) ?? null,
    // The address in the agent interface, not the API's.
    url: `${baseUrl}/agent/tickets/${raw.id}`,
    created_at: raw.created_at,
  };
  for (const id of fields.unnamed(raw)) values[`${CUSTOM_FIELD}${id}`] = null;
  for (const { id, value } of raw.custom_fields ?? []) values[`${CUSTOM_FIELD}${id}`] = value;
  return {
    ref: { side: 'zendesk', kind: 'ticket', id: String(raw.id) },
    ...versionOf(raw.updated_at),
    createdAt: raw.created_at,
    state: raw.status === 'deleted' ? 'deleted' : 'live',
    values,
    complete: true,
    ...backReference(raw.external_id),
    ...(owned.length > 0 && { owned: { tags: owned } }),
    ...people.names([raw.requester_id, raw.assignee_id, raw.submitter_id]),
    skip: raw.support_type === 'ai_agent' && !aiAgentTickets ? 'a ticket of an AI agent' : null,
  };
}

/**
 * The body of the comment that is the ticket's description: the ticket carries the text, and the comment only its files.
 */
const DESCRIPTION_FILES = 'Files of the description';

/**
 * A comment's id contains its ticket's id, because the API returns comments only with their ticket. A comment has no
 * version; it changes only by redaction or by being made private, so the version is a digest of its text and visibility.
 *
 * @param followUps the known comments of the sync that belong to this comment
 */
export function commentRecord(
  raw: Comment,
  ticketId: number,
  people: KnownPeople,
  custom: Record<string, Json>,
  isDescription: boolean,
  followUps: Comment[] = [],
): SyncRecord {
  const mark = (name: string) => (typeof custom[name] === 'string' ? custom[name] : null);
  const attachments = [raw, ...followUps].flatMap((each) => each.attachments).map(attachmentOf);
  const hasFiles = raw.attachments.length > 0;
  const text = withoutByline(plainText(raw.body ?? raw.plain_body, raw.attachments), mark(MARKS.byline));
  const body = isDescription ? DESCRIPTION_FILES : text;
  const followsUp = mark(MARKS.followUp) !== null;
  const redactedFiles = attachments.filter(({ redacted }) => redacted);
  return {
    ref: { side: 'zendesk', kind: 'comment', id: commentId(ticketId, raw.id) },
    version: createHash('sha256')
      .update(JSON.stringify([raw.public, body, redactedFiles.map(({ id }) => id)]))
      .digest('hex')
      .slice(0, 16),
    order: 0,
    createdAt: raw.created_at,
    updatedAt: raw.created_at,
    state: isAllBlack(body ?? '') && redactedFiles.length === attachments.length ? 'redacted' : 'live',
    values: {
      ticket_id: String(ticketId),
      body,
      html_body: raw.html_body == null ? null : withoutAddresses(raw.html_body, raw.attachments),
      public: raw.public,
      author: people.email(raw.author_id),
      author_name: people.name(raw.author_id),
      created_at: raw.created_at,
    },
    ...people.names([raw.author_id]),
    // The marks of the description belong to the ticket.
    ...backReference(isDescription ? null : mark(MARKS.backRef)),
    attachments,
    skip:
      isDescription && !hasFiles
        ? "the ticket's description"
        : followsUp
          ? 'a follow-up of an edit in the PMS'
          : null,
    parent: refKey({ side: 'zendesk', kind: 'ticket', id: String(ticketId) }),
  };
}

/**
 * Converts a file. Zendesk replaces a redacted file by `redacted.txt`.
 * https://developer.zendesk.com/api-reference/ticketing/tickets/ticket-attachments/#redact-comment-attachment
 */
export function attachmentOf(raw: CommentFile): Attachment {
  return {
    id: String(raw.id),
    fileName: raw.file_name,
    contentType: raw.content_type ?? 'application/octet-stream',
    size: raw.size ?? 0,
    // Its size is 1 in answers of 2026, and 0 in older ones (zendesk-rules.md rule 22).
    redacted: raw.file_name === 'redacted.txt' && (raw.size ?? 0) <= 1,
  };
}

/** A text of Zendesk without the sync's guards and without the secret addresses of files. */
function plainText(text: string | null | undefined, files?: readonly CommentFile[]): string | null {
  return text == null ? null : withoutAddresses(unguarded(text), files);
}

/** Removes the author line if it is unchanged; a line that was partly redacted remains in the text. */
function withoutByline(body: string | null, byline: string | null): string | null {
  const text = body?.replace(/\r\n?/g, '\n') ?? null;
  return byline !== null && text?.startsWith(byline) ? text.slice(byline.length) : body;
}

export function commentId(ticketId: number | string, id: number): string {
  return `${ticketId}-${id}`;
}

export function parseCommentId(id: string): { ticketId: string; commentId: number } {
  const [ticketId = '', comment = ''] = id.split('-');
  return { ticketId, commentId: Number(comment) };
}

function versionOf(updatedAt: string): Pick<SyncRecord, 'version' | 'order' | 'updatedAt'> {
  return { version: updatedAt, order: Date.parse(updatedAt), updatedAt };
}

function backReference(value: string | null | undefined): Pick<SyncRecord, 'backRef' | 'foreignBackRef'> {
  const ours = tryParseRef(value)?.side === 'pms';
  return { backRef: ours ? (value ?? null) : null, foreignBackRef: !ours && value != null && value !== '' };
}
