import { randomBytes } from 'node:crypto';
import type { Attachment } from './model';
import { notFound } from './refusal';
import type { Store } from './store';
import { isoSeconds } from './text';

interface StoredFile {
  attachment: Attachment;
  content: Buffer;
}

/** 60 minutes are documented, but three days were recorded (rule 54 [R ZP]). */
const KEPT_SECONDS = 3 * 24 * 3_600;

/** https://developer.zendesk.com/api-reference/ticketing/tickets/ticket-attachments/ */
export class Uploads {
  /** Files by upload token. A token is valid for one comment. */
  private readonly tokens = new Map<string, Attachment[]>();
  private readonly files = new Map<string, StoredFile>();
  private readonly byId = new Map<number, StoredFile>();

  constructor(private readonly store: Store) {}

  /** @param token the token of an earlier upload, to add this file to it */
  add(fileName: string, contentType: string, content: Buffer, token = randomBytes(12).toString('hex')) {
    const key = randomBytes(12).toString('hex');
    const id = this.store.newId();
    const base = this.store.baseUrl();
    const attachment: Attachment = {
      url: `${base}/attachments/${id}.json`,
      id,
      file_name: fileName,
      content_url: `${base.replace(/\/api\/v2$/, '')}/attachments/token/${key}/?name=${encodeURIComponent(fileName)}`,
      mapped_content_url: null,
      content_type: contentType,
      size: content.length,
      width: null,
      height: null,
      inline: false,
      deleted: false,
      malware_access_override: false,
      // The file is scanned before a comment contains it (rule 54 [R ZP]).
      malware_scan_result: 'not_scanned',
      thumbnails: [],
    };
    const file = { attachment, content };
    this.files.set(key, file);
    this.byId.set(id, file);
    const attachments = [...(this.tokens.get(token) ?? []), attachment];
    this.tokens.set(token, attachments);
    const expiresAt = isoSeconds(this.store.seconds() + KEPT_SECONDS);
    return { token, expires_at: expiresAt, attachment, attachments };
  }

  remove(token: string): void {
    if (!this.tokens.delete(token)) throw notFound();
  }

  /** Whether a file belongs to no ticket yet. */
  isLoose({ id }: Attachment): boolean {
    return [...this.tokens.values()].some((attachments) => attachments.some((each) => each.id === id));
  }

  take(token: string): Attachment[] {
    const attachments = this.tokens.get(token) ?? [];
    this.tokens.delete(token);
    for (const attachment of attachments) attachment['malware_scan_result'] = 'malware_not_found';
    return attachments;
  }

  show(id: number): Attachment {
    const file = this.byId.get(id);
    if (!file) throw notFound();
    return file.attachment;
  }

  /** Removes the content of a redacted attachment. */
  forget(id: number): void {
    for (const [key, file] of this.files) if (file.attachment.id === id) this.files.delete(key);
    this.byId.delete(id);
  }

  file(key: string): StoredFile {
    const file = this.files.get(key);
    if (!file) throw notFound();
    return file;
  }
}
