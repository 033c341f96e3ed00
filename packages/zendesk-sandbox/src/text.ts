/** Converts texts, tags and times to Zendesk's forms. */

/**
 * Zendesk's tags: lower-case, no spaces, each once. Those of tickets come back sorted, those of organizations in the
 * order in which they were given (rule 13 [R AF]).
 */
export function normaliseTags(tags: readonly string[], order: 'sorted' | 'asGiven' = 'sorted'): string[] {
  const words = tags.flatMap((tag) => tag.toLowerCase().split(/[\s,]+/));
  const unique = [...new Set(words.filter((tag) => tag !== ''))];
  return order === 'sorted' ? unique.sort() : unique;
}

/** Times have one-second resolution. */
export function isoSeconds(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}

export function secondsOf(time: string): number {
  return Math.floor(Date.parse(time) / 1000);
}

export function escapeHtml(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}

/** Wraps a comment's HTML like the API. */
function wrapped(html: string): string {
  return `<div class="zd-comment" dir="auto">${html}</div>`;
}

/** Paragraphs, as recorded (rule 24 [R AF]); line breaks within one are `<br>`. */
export function htmlOf(text: string): string {
  const paragraphs = escapeHtml(text).split(/(?:\r?\n){2,}/);
  return wrapped(paragraphs.map((each) => `<p dir="auto">${each.replace(/\r?\n/g, '<br>')}</p>`).join(''));
}

/** Removes active content from HTML. */
export function sanitised(html: string): string {
  return wrapped(
    html
      .replace(/<(script|style|iframe|object)\b[\s\S]*?(<\/\1\s*>|$)/gi, '')
      .replace(/\son\w+\s*=\s*("[^"]*"|'[^']*'|[^\s>]+)/gi, '')
      .replace(/\b(href|src)\s*=\s*(?:(["'])\s*)?javascript:[^"'\s>]*\2/gi, ''),
  );
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', nbsp: ' ', apos: "'" };

/** The text of HTML, with a line for each block and line break. */
export function textOf(html: string): string {
  return html
    .replace(/<(script|style)\b[\s\S]*?(<\/\1\s*>|$)/gi, '')
    .replace(/\r?\n/g, ' ')
    .replace(/<br\s*\/?>/gi, '\n')
    .replace(/<li\b[^>]*>/gi, '- ')
    .replace(/<\/p\s*>/gi, '\n\n')
    .replace(/<\/(div|li|tr|h\d|ul|ol|table|blockquote)\s*>/gi, '\n')
    .replace(/<[^<>]*>/g, '')
    .replace(/&(#x?[\da-f]+|\w+);/gi, (entity, name: string) => {
      if (!name.startsWith('#')) return ENTITIES[name.toLowerCase()] ?? entity;
      const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
      return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : entity;
    })
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}
