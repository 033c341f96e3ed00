import type { Fields } from '../model';

/**
 * Rule 41 [D Z:ticket_comments]: Zendesk's changes to a comment's text. HTML in a `body` is stripped, runs of spaces and
 * line breaks are collapsed (not documented: the sandbox keeps one blank line), placeholders are replaced or removed, and
 * text beyond 64 kB is cut off without an error.
 */
const BYTES_AT_MOST = 65_536;

export function plainText(body: string, ticket: Fields): string {
  const text = body
    .replace(/<\/?[a-z][^<>]*>/gi, '')
    .replace(/\r\n?/g, '\n')
    .replace(/[^\S\n]+/g, ' ')
    .replace(/ ?\n ?/g, '\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
  return withoutPlaceholders(text, ticket);
}

/** Replaces `{{ticket.id}}` by the ticket's id, and removes unknown placeholders. Blanks around the name are allowed. */
export function withoutPlaceholders(text: string, ticket: Fields): string {
  return text.replace(/\{\{([^{}]*)\}\}/g, (_, inside: string) => {
    const name = /^[\w.]*/.exec(inside.trim())?.[0] ?? '';
    const [record, key = ''] = name.split('.');
    const value = record === 'ticket' ? ticket[key === 'title' ? 'subject' : key] : undefined;
    return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  });
}

/** Cuts a text off without splitting a character. */
export function cut(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= BYTES_AT_MOST) return text;
  let end = BYTES_AT_MOST;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end).toString();
}
