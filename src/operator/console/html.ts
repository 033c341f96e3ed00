/**
 * Markup. A part of a template is escaped as text, unless it is itself the result of a template: strangers write
 * synced content.
 */
export class Html {
  constructor(readonly markup: string) {}
}

export type Part = Html | string | number | null | undefined | false | readonly Part[];

/** Escapes every part that is not our own markup; null, undefined and false give no text. */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Html {
  let markup = strings[0] ?? '';
  parts.forEach((part, n) => {
    markup += markupOf(part) + (strings[n + 1] ?? '');
  });
  return new Html(markup);
}

function markupOf(part: Part): string {
  if (part === null || part === undefined || part === false) return '';
  if (part instanceof Html) return part.markup;
  if (typeof part === 'string' || typeof part === 'number') return escapeText(String(part));
  return part.map(markupOf).join('');
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

/**
 * Escapes a text for the content of an element and for a quoted attribute. Invisible characters that change the
 * direction of the text are replaced by a visible mark.
 */
export function escapeText(text: string): string {
  return text
    .replace(/[^\P{Cc}\t\n\r]|[\u202a-\u202e\u2066-\u2069\ufffe\uffff]/gu, '\ufffd')
    .replace(/[&<>"'`]/g, (character) => ENTITIES[character] ?? '');
}
