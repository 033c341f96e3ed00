import type { Attachment, AuditEvent } from '../model';
import { invalid } from '../refusal';

/**
 * Rule 22 [R AF]: a file after its redaction. The answer to the redaction still shows the old name and size [R ZP].
 */
export function redactedFile(file: Attachment): Attachment {
  return {
    ...file,
    file_name: 'redacted.txt',
    content_type: 'text/plain',
    size: 1,
    width: null,
    height: null,
    inline: false,
    thumbnails: [],
  };
}

/** The redaction's event, in which ids are texts [R AF]. */
export const redactionEvent = (commentId: number): Omit<AuditEvent, 'id'> & { type: string } => ({
  type: 'CommentRedactionEvent',
  comment_id: String(commentId),
});
export const fileRedactionEvent = (
  commentId: number,
  attachmentId: number,
): Omit<AuditEvent, 'id'> & { type: string } => ({
  type: 'AttachmentRedactionEvent',
  attachment_id: String(attachmentId),
  comment_id: commentId,
});

/** The older endpoints for the redaction of words and files refuse closed tickets [D Z:ticket_comments]. */
export function checkOlderRedaction(status: string): void {
  if (status === 'closed') throw invalid('status', 'closed prevents ticket update', 'InvalidValue');
}
