import type { Readable } from 'node:stream';
import { z } from 'zod';
import { EgressRefused, type Egress } from '../../platform/egress';
import { refKey } from '../../sync/canonicalKey';
import type { RecordRef } from '../../sync/record';
import { NeedsHuman, RetryLater } from '../errors';
import { checkFileStatus, checkSize, openFile } from '../fileRules';
import type { Request } from '../http';
import type { AttachOptions, OpenFile, StagedFile } from '../port';
import { guarded } from './commentText';
import type { ZendeskCalls } from './zendeskCalls';
import { placeOf, sentBefore, ticketOf, type ZendeskComments } from './zendeskComments';
import { attachmentOf, parseCommentId } from './zendeskRecords';
import { attachmentAnswer, attachmentSchema, uploadAnswer, type Audit } from './zendeskSchemas';

/** https://developer.zendesk.com/api-reference/ticketing/tickets/ticket-attachments/ */
export class ZendeskFiles {
  constructor(
    private readonly calls: ZendeskCalls,
    private readonly comments: ZendeskComments,
    private readonly egress: Egress,
    private readonly limitBytes: number,
  ) {}

  /** Requests the address of the file each time: the address gives access to the file, so it is never stored. */
  async open(ref: RecordRef, id: string): Promise<OpenFile> {
    const request: Request = { method: 'GET', path: `/api/v2/attachments/${id}` };
    const answer = await this.calls.http.send(request, [404]);
    if (answer.status === 404)
      throw new NeedsHuman('attachment_unavailable', `${refKey(ref)} has no file ${id} any more`);
    const { attachment } = this.calls.http.parse(attachmentAnswer, request, answer.body);
    const file = attachmentOf(attachment);
    checkSize(file, this.limitBytes);
    const content = await this.download(attachment.content_url);
    return openFile(file, content);
  }

  /** https://developer.zendesk.com/api-reference/ticketing/tickets/ticket-attachments/#upload-files */
  async stage(file: OpenFile): Promise<StagedFile> {
    const request: Request = {
      method: 'POST',
      path: '/api/v2/uploads',
      query: { filename: file.fileName },
      file,
    };
    const { upload } = this.calls.http.parse(uploadAnswer, request, await this.calls.write(request));
    return { token: upload.token, id: String(upload.attachment.id) };
  }

  /** Adds the file with a new comment, because an existing comment cannot get a file. */
  async attach(
    ref: RecordRef,
    open: () => Promise<OpenFile>,
    { idempotencyKey, backRef, isPublic }: AttachOptions,
  ): Promise<{ id: string; record: null }> {
    const audits = await this.comments.auditsOf(ticketOf(ref));
    const earlier = sentBefore(audits, idempotencyKey);
    if (earlier) return { id: fileOf(earlier), record: null };
    const file = await open();
    const { token, id } = await this.stage(file);
    const body = guarded(`Attached in the PMS: ${placeOf(ref)}\n\n${file.fileName}`);
    const audit = await this.comments.say(
      ref,
      { body, public: isPublic, uploads: [token] },
      { idempotencyKey, backRef },
    );
    return { id: audit ? fileOf(audit) : id, record: null };
  }

  /** https://developer.zendesk.com/api-reference/ticketing/tickets/ticket-attachments/#redact-comment-attachment */
  async detach(ref: RecordRef, id: string): Promise<void> {
    const { ticketId, commentId: own } = parseCommentId(ref.id);
    const comments = await this.comments.raw(ticketId);
    const holder = comments.find(({ attachments }) => attachments.some((each) => String(each.id) === id));
    await this.calls.write({
      method: 'PUT',
      path: `/api/v2/tickets/${ticketId}/comments/${holder?.id ?? own}/attachments/${id}/redact`,
    });
  }

  /** @throws NeedsHuman if the address is not allowed or does not exist; RetryLater */
  private async download(address: string): Promise<Readable> {
    try {
      const path = URL.canParse(address) ? new URL(address).pathname : address;
      const answer = await this.calls.http.within({ method: 'GET', path }, () => this.egress.open(address));
      if (answer.statusCode !== 200) answer.destroy();
      checkFileStatus(answer.statusCode ?? 0, 'the file');
      return answer;
    } catch (error) {
      if (error instanceof NeedsHuman || error instanceof RetryLater) throw error;
      if (error instanceof EgressRefused) throw new NeedsHuman('attachment_refused', error.message);
      const code = (error as NodeJS.ErrnoException).code ?? 'no answer';
      throw new RetryLater(`the file: ${code}`, { unknownOutcome: false });
    }
  }
}

/** The file that came with an audit's comment. */
function fileOf(audit: Audit): string {
  const comment = z.looseObject({ attachments: z.array(attachmentSchema) });
  const [file] = audit.events.flatMap((event) => comment.safeParse(event).data?.attachments ?? []);
  if (!file) throw new NeedsHuman('unexpected_response', `Zendesk audit ${audit.id}: found no attachment`);
  return String(file.id);
}
