/**
 * Texts of comments, on their way to Zendesk and back. From a plain `body`, Zendesk strips HTML, collapses runs of blanks
 * and of empty lines, and replaces placeholders of any author (zendesk-rules.md rule 41,
 * https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_comments/#bodies). The sync prevents that by an
 * invisible zero-width character at each such place, and removes the character when it reads the text.
 */
const GUARD = '\u2060';

/** Guards a text so that Zendesk stores it unchanged. Idempotent. */
export function guarded(text: string): string {
  const plain = unguarded(text)
    .replace(/\r\n?/g, '\n')
    .replace(/\u00a0/g, ' ');
  return (
    withoutOuterBlanks(plain)
      // Placeholders are written in Liquid: `{{…}}` and `{%…%}`.
      .replace(/\{(?=[{%])/g, `{${GUARD}`)
      .replace(/<(?=[a-z/!?])/gi, `<${GUARD}`)
      .replace(/\t/g, `${GUARD}${GUARD} `)
      .replace(/ (?= )/g, ` ${GUARD}`)
      .replace(/^ /gm, `${GUARD} `)
      .replace(/\n(?=\n\n)/g, `\n${GUARD}`)
  );
}

/** Removes blanks at the ends of lines, and outer empty lines, which neither side compares. */
function withoutOuterBlanks(text: string): string {
  const lines = text.split('\n').map((line) => line.trimEnd());
  const first = lines.findIndex((line) => line !== '');
  const last = lines.findLastIndex((line) => line !== '');
  return lines.slice(Math.max(first, 0), last + 1).join('\n');
}

/** Removes the guards from a text of Zendesk. */
export function unguarded(text: string): string {
  return text
    .replace(new RegExp(`${GUARD}${GUARD} `, 'g'), '\t')
    .replace(new RegExp(`(^|[\\s{<])${GUARD}`, 'g'), '$1');
}

/** A file, as the API returns it with a comment. */
interface NamedFile {
  file_name: string;
  content_url: string;
}

/**
 * Matches URLs, bare or in a Markdown image. The URL of an attachment is a secret, because it gives access to the file
 * (https://developer.zendesk.com/api-reference/ticketing/tickets/ticket-attachments/).
 */
const ADDRESS = String.raw`https?:\/\/[^\s<>"')\]]{1,2000}`;
const LINKED = new RegExp(
  String.raw`!?\[[^\][\n]{0,300}\]\((${ADDRESS})(?: [^)\n]{0,300})?\)|(${ADDRESS})`,
  'gi',
);
const OF_FILES = ['/attachments/token/', '.zdusercontent.com/'];

/** The text, with file names instead of the addresses of attachments. */
export function withoutAddresses(text: string, files: readonly NamedFile[] = []): string {
  return text.replace(LINKED, (whole, linked: string | undefined, bare: string | undefined) => {
    const address = linked ?? bare ?? '';
    return OF_FILES.some((part) => address.includes(part)) ? nameAt(address, files) : whole;
  });
}

function nameAt(address: string, files: readonly NamedFile[]): string {
  const named = URL.canParse(address) ? new URL(address).searchParams.get('name') : null;
  const name = named ?? files.find(({ content_url: url }) => url === address)?.file_name;
  return name === undefined || name === '' ? 'a file' : name;
}
