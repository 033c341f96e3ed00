import type { Report } from '../checklistLine';
import { MARKS, cellsOf, groupsOf, headOf, summaryOf } from './words';

/** The report as Markdown. Synced contents are escaped. */
export function markdownOf(report: Report): string {
  const tables = groupsOf(report.results).map(([title, results]) => {
    const rows = results.map((result) => [MARKS[result.status], ...cellsOf(result)]);
    return [
      `## ${title}`,
      '',
      ...[HEAD, HEAD.map(() => '---'), ...rows.map((row) => row.map(text))].map(tableRow),
    ].join('\n');
  });
  const left = report.leftBehind.map((each) => `- ${text(each)}`);
  return [
    '# Verified mapping',
    text(headOf(report)),
    `**${summaryOf(report)}**`,
    ...tables,
    ...(left.length > 0 ? ['## Left behind', left.join('\n')] : []),
    '',
  ].join('\n\n');
}

const HEAD = ['', 'property', 'direction', 'what', 'evidence', 'records', 'after'];

function tableRow(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** No markup, no HTML, no end of the cell. */
function text(words: string): string {
  return words
    .replace(/\s+/g, ' ')
    .replace(/[\\`*_{}[\]()#!|~]/g, '\\$&')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;');
}
