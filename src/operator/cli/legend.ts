import { paint, printLine } from './output';

/**
 * Explains the words of a table below it: only words with a count above zero in some row, so that a table without
 * problems stays short.
 */
export function printLegend<Word extends string>(
  meanings: Readonly<Record<Word, string>>,
  rows: readonly Readonly<Record<NoInfer<Word>, number>>[],
): void {
  const words = (Object.keys(meanings) as Word[]).filter((word) => rows.some((row) => row[word] > 0));
  const width = Math.max(...words.map((word) => word.length));
  for (const word of words) printLine(paint('dim', `  ${word.padEnd(width)}  ${meanings[word]}`));
}
