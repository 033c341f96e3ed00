import { paint, printLine } from './output';

/**
 * Says under a table what its words mean: only the words whose count is not zero everywhere, so that a quiet table stays
 * short.
 */
export function printLegend<Word extends string>(
  meanings: Readonly<Record<Word, string>>,
  rows: readonly Readonly<Record<NoInfer<Word>, number>>[],
): void {
  const words = (Object.keys(meanings) as Word[]).filter((word) => rows.some((row) => row[word] > 0));
  const width = Math.max(...words.map((word) => word.length));
  for (const word of words) printLine(paint('dim', `  ${word.padEnd(width)}  ${meanings[word]}`));
}
