import { pipeline, Transform, type Readable, type TransformCallback } from 'node:stream';
import type { Attachment } from '../sync/record';
import { NeedsHuman, RetryLater } from './errors';
import type { OpenFile } from './port';

/** Rules for files that both adapters share. */

/** The limit, unless the connection sets another. */
export const FILE_LIMIT_BYTES = 20 * 1024 * 1024;
const NAME_LENGTH = 255;
const PLAIN_TYPE = 'application/octet-stream';

export type FileInfo = Pick<Attachment, 'fileName' | 'contentType' | 'size'>;

/** @throws NeedsHuman if it is larger than the limit */
export function checkSize({ size }: Pick<FileInfo, 'size'>, limitBytes: number): void {
  if (size > limitBytes)
    throw new NeedsHuman('attachment_too_large', `found ${size} bytes, expected ${limitBytes} at most`);
}

/** Checks the status of an answer about a file. @throws NeedsHuman, RetryLater */
export function checkFileStatus(status: number, where: string): void {
  if (status >= 200 && status < 300) return;
  if (status === 429 || status >= 500)
    throw new RetryLater(`${where}: answered ${status}`, { unknownOutcome: false });
  throw new NeedsHuman('attachment_unavailable', `${where}: answered ${status}`);
}

/** The stream of a file, with a check of its announced size, so that a truncated file does not count as complete. */
export function openFile({ fileName, contentType, size }: FileInfo, source: Readable): OpenFile {
  let bytes = 0;
  const broken = (found: string) =>
    new RetryLater(`the file came with ${found}, expected ${size} bytes`, { unknownOutcome: false });
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      bytes += chunk.length;
      if (bytes > size) done(broken('more'));
      else done(null, chunk);
    },
    flush(done: TransformCallback) {
      done(bytes < size ? broken(`${bytes}`) : null);
    },
  });
  // The reader of `content` gets the error.
  pipeline(source, counted, () => undefined);
  return { fileName: safeName(fileName), contentType: safeType(contentType), size, content: counted };
}

/** Removes control characters and the path from a file name, and keeps its extension. */
function safeName(name: string): string {
  // eslint-disable-next-line no-control-regex
  const clean = name.replace(/[\u0000-\u001f\u007f/\\]/g, '_');
  if (clean.length <= NAME_LENGTH) return clean === '' ? 'file' : clean;
  const extension = /\.\w{1,16}$/.exec(clean)?.[0] ?? '';
  return clean.slice(0, NAME_LENGTH - extension.length) + extension;
}

/** A content type that is safe to put into a header. */
function safeType(type: string): string {
  return /^[\w.+-]+\/[\w.+-]+(; ?[\w-]+=("[\w .+-]*"|[\w.+-]+))*$/.test(type) ? type : PLAIN_TYPE;
}
