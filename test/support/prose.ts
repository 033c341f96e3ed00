/** Wraps lines at 100 columns, for the documents that tests write. Code spans and links are not broken. */
const COLUMNS = 100;

/**
 * @param text a paragraph on one line
 * @param first the beginning of the first line, such as `- `
 * @param rest the beginning of all other lines
 */
export function wrapped(text: string, first = '', rest = ' '.repeat(first.length)): string {
  // A space inside of a code span is part of its word.
  const words = text.match(/(?:`[^`]*`|\S)+/g) ?? [];
  const lines: string[] = [];
  let line = first;
  for (const word of words) {
    const longer = line === first || line === rest ? line + word : `${line} ${word}`;
    const isEmpty = line === first || line === rest;
    if ([...longer].length > COLUMNS && !isEmpty) {
      lines.push(line);
      line = rest + word;
    } else line = longer;
  }
  return [...lines, line].join('\n');
}
