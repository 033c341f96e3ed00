/** Fits a table into the width of a terminal: breaks cells between words. Pure. */

export interface Fitted {
  titles: string[];
  rows: string[][];
}

/** Blanks between two columns. */
export const COLUMN_GAP = 2;
/** The least width of a column, unless its cells are narrower. */
const LEAST = 8;

/** @returns cells with line breaks; null if the columns do not fit beside each other */
export function fitted(titles: string[], rows: string[][], width: number): Fitted | null {
  const natural = titles.map((title, n) =>
    Math.max(lengthOf(title), ...rows.map((row) => lengthOf(row[n] ?? ''))),
  );
  const room = width - COLUMN_GAP * (titles.length - 1);
  if (sum(natural) <= room) return { titles, rows };
  const words = titles.map((title, n) =>
    Math.max(...[title, ...rows.map((row) => row[n] ?? '')].map(longestWord)),
  );
  const widths = shared(natural, words, room);
  if (!widths) return null;
  const broken = (cells: string[]) =>
    cells.map((cell, n) => brokenLines(cell, widths[n] ?? LEAST).join('\n'));
  return { titles: broken(titles), rows: rows.map(broken) };
}

/**
 * Each column gets the width of its longest word first, so that ids are not broken. The rest goes to the columns that
 * need more.
 */
function shared(natural: readonly number[], words: readonly number[], room: number): number[] | null {
  const wholeWords = natural.map((width, n) => Math.min(width, Math.max(LEAST, words[n] ?? 0)));
  const least = sum(wholeWords) <= room ? wholeWords : natural.map((width) => Math.min(width, LEAST));
  if (sum(least) > room) return null;
  const widths = [...least];
  for (let left = room - sum(widths); left > 0; left -= 1) {
    const wanting = [...widths.keys()].filter((n) => (widths[n] ?? 0) < (natural[n] ?? 0));
    const [narrowest] = wanting.sort((a, b) => (widths[a] ?? 0) - (widths[b] ?? 0));
    if (narrowest === undefined) break;
    widths[narrowest] = (widths[narrowest] ?? 0) + 1;
  }
  return widths;
}

/** Breaks a text into lines: at blanks first, then after `:`, `/`, `.`, `-` and `_`, and otherwise anywhere. */
export function brokenLines(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').flatMap((each) => partsOf(each, width))) {
    const { part, glued } = word;
    const joined = line === '' ? part : glued ? line + part : `${line} ${part}`;
    if (lengthOf(joined) <= width) line = joined;
    else {
      if (line !== '') lines.push(line);
      line = part;
    }
  }
  return [...lines, line];
}

/** Splits a word that is too long. `glued`: the part follows the previous part without a blank. */
function partsOf(word: string, width: number): { part: string; glued: boolean }[] {
  if (lengthOf(word) <= width) return [{ part: word, glued: false }];
  const parts = word.split(/(?<=[:/._-])/).flatMap((each) => chopped(each, width));
  return parts.map((part, n) => ({ part, glued: n > 0 }));
}

function chopped(text: string, width: number): string[] {
  const letters = [...text];
  const count = Math.max(1, Math.ceil(letters.length / width));
  return Array.from({ length: count }, (_, n) => letters.slice(n * width, (n + 1) * width).join(''));
}

function longestWord(text: string): number {
  return Math.max(...text.split(' ').map(lengthOf));
}

function lengthOf(text: string): number {
  return [...text].length;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
