import type { Fields } from '../model';

/**
 * Rule 41 [D Z:ticket_comments]: what a comment's text becomes. HTML in a `body` is stripped, runs of spaces and line
 * breaks are collapsed (how many breaks stay is not written: a blank line does here), placeholders are replaced or
 * removed, and what is longer than 64 kB is cut off silently.
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

/** `{{ticket.id}}` becomes the ticket's id; what names nothing known goes. Blanks around the name are taken. */
export function withoutPlaceholders(text: string, ticket: Fields): string {
  return text.replace(/\{\{([^{}]*)\}\}/g, (_, inside: string) => {
    const name = /^[\w.]*/.exec(inside.trim())?.[0] ?? '';
    const [record, key = ''] = name.split('.');
    const value = record === 'ticket' ? ticket[key === 'title' ? 'subject' : key] : undefined;
    return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  });
}

/** No character is torn apart. */
export function cut(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= BYTES_AT_MOST) return text;
  let end = BYTES_AT_MOST;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end).toString();
}
