import type { Json } from '../../sync/record';
import type { SeenFile } from './publicApi';
import type { Audit, File } from './zendeskAnswers';

/** Helpers to read a ticket's comments. */

export function partsOf(id: string): { ticketId: string; commentId: string } {
  const [ticketId = '', commentId = ''] = id.split('-');
  return { ticketId, commentId };
}

export function isAuditOf({ events }: Audit, commentId: number): boolean {
  return events.some(({ id, type }) => type === 'Comment' && id === commentId);
}

/** Removes the zero-width characters by which the sync keeps Zendesk from changing a text (docs/comments.md). */
export function plain(text: Json | undefined): Json {
  return typeof text === 'string' ? text.replaceAll('\u2060', '') : (text ?? null);
}

/** A redacted file is left as a placeholder, which is not a file. */
export function fileOf({ id, file_name: name, size }: File): SeenFile {
  return { id: String(id), name, size: size ?? 0, content: async () => null };
}
