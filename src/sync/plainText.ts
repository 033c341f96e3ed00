import { convert } from 'html-to-text';

/**
 * Normalizes texts of records. A mail may be a megabyte of blanks or of nested elements, so every function here takes
 * linear time.
 */

/** Unifies line ends and blanks, and removes blanks at the ends of lines and empty lines at both ends of the text. */
export function normalisedText(text: string): string {
  const lines = text
    .replace(/\r\n?/g, '\n')
    .replace(/\u00a0/g, ' ')
    .split('\n')
    .map(withoutEnd);
  const first = lines.findIndex((line) => line !== '');
  return first === -1 ? '' : lines.slice(first).join('\n').trimEnd();
}

/** Removes blanks and tabs at the end of a line. A pattern such as `[ \t]+$` would take quadratic time. */
function withoutEnd(line: string): string {
  let end = line.length;
  while (end > 0 && (line[end - 1] === ' ' || line[end - 1] === '\t')) end -= 1;
  return line.slice(0, end);
}

/** One line: every run of white space is one blank, and there is none at the ends. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

/** The deepest nesting of elements, because the library is recursive. */
const DEEPEST = 100;

/** Converts HTML to the text that a person sees. */
export function textOfHtml(html: string): string {
  return convert(flattened(html), { wordwrap: false });
}

/** Elements without content: they have no end tag. */
const VOID = new Set([
  'area',
  'base',
  'br',
  'col',
  'embed',
  'hr',
  'img',
  'input',
  'link',
  'meta',
  'source',
  'track',
  'wbr',
]);
const TAG = /^<(\/?)([a-z][a-z\d-]*)/i;
const NAME_LENGTH = 40;

/** The same text, without tags that are nested deeper than {@link DEEPEST}. */
function flattened(html: string): string {
  let depth = 0;
  let kept = '';
  let from = 0;
  for (let at = html.indexOf('<'); at !== -1; at = html.indexOf('<', from)) {
    const end = html.indexOf('>', at);
    if (end === -1) break;
    const [, slash, name = ''] = TAG.exec(html.slice(at, at + NAME_LENGTH)) ?? [];
    const isElement = name !== '' && !VOID.has(name.toLowerCase()) && html[end - 1] !== '/';
    if (isElement && slash === '') depth += 1;
    const isTooDeep = isElement && depth > DEEPEST;
    if (isElement && slash !== '') depth = Math.max(0, depth - 1);
    kept += html.slice(from, at) + (isTooDeep ? ' ' : html.slice(at, end + 1));
    from = end + 1;
  }
  return kept + html.slice(from);
}
