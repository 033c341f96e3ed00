import type { Report, Result } from '../checklistLine';
import { MARKS, cellsOf, groupsOf, headOf, summaryOf } from './words';

/** The report as one page, without scripts and without anything from a network. */
export function htmlOf(report: Report): string {
  const tables = groupsOf(report.results)
    .map(
      ([title, results]) =>
        `<h2>${escaped(title)}</h2>\n<table>\n<thead><tr>${HEAD.map((cell) => `<th scope="col">${cell}</th>`).join('')}</tr></thead>\n<tbody>\n${results.map(rowOf).join('\n')}\n</tbody>\n</table>`,
    )
    .join('\n');
  const left = report.leftBehind.map((each) => `<li>${escaped(each)}</li>`).join('');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Verified mapping</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Verified mapping</h1>
<p>${escaped(headOf(report))}</p>
<p><strong>${escaped(summaryOf(report))}</strong></p>
${tables}
${left === '' ? '' : `<h2>Left behind</h2><ul>${left}</ul>`}
</main>
</body>
</html>
`;
}

const HEAD = ['Result', 'Property', 'Direction', 'What', 'Evidence', 'Records', 'After'];
const STYLE = `:root{color-scheme:light dark}body{font:15px/1.45 system-ui,sans-serif;margin:0 auto;max-width:90rem;padding:1rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.25rem .6rem;border-bottom:1px solid #8885}
td{overflow-wrap:anywhere}.passed td:first-child{color:#1a7f37}.failed td:first-child{color:#cf222e;font-weight:bold}
.unchecked{opacity:.75}.failed{background:#cf222e1a}@media(prefers-color-scheme:dark){.passed td:first-child{color:#56d364}.failed td:first-child{color:#ff7b72}}`;

function rowOf(result: Result): string {
  const { status } = result;
  const cells = [`${MARKS[status]} ${status}`, ...cellsOf(result)];
  const style = status === 'not checked' ? 'unchecked' : status;
  return `<tr class="${style}">${cells.map((cell) => `<td>${escaped(cell)}</td>`).join('')}</tr>`;
}

function escaped(words: string): string {
  return words
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
    .replace(/'/g, '&#39;');
}
