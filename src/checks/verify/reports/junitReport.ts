import { countsOf, type Report, type Result } from '../checklistLine';
import { directionOf, evidenceOf, groupsOf, recordsOf } from './words';

/** The report as JUnit XML, which CI systems read. One suite for each entity. */
export function junitOf(report: Report): string {
  const suites = groupsOf(report.results).map(([title, results]) =>
    suiteOf(title, results, report.startedAt),
  );
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="zendesk-pms-sync verify" ${totals(report.results)} time="${report.seconds.toFixed(3)}">`,
    ...suites,
    '</testsuites>',
    '',
  ].join('\n');
}

function suiteOf(title: string, results: readonly Result[], startedAt: string): string {
  const time = results.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0).toFixed(3);
  return [
    `  <testsuite name="${escaped(title)}" ${totals(results)} errors="0" timestamp="${escaped(startedAt)}" time="${time}">`,
    ...results.map((result) => caseOf(title, result)),
    '  </testsuite>',
  ].join('\n');
}

function totals(results: readonly Result[]): string {
  const { failed, 'not checked': skipped } = countsOf(results);
  return `tests="${results.length}" failures="${failed}" skipped="${skipped}"`;
}

function caseOf(title: string, result: Result): string {
  const { line, status, seconds } = result;
  const name = `${line.subject} (${directionOf(result)}): ${line.what}`;
  const message = escaped(evidenceOf(result));
  const inner = {
    passed: `<system-out>${escaped(`${recordsOf(result)} ${evidenceOf(result)}`.trim())}</system-out>`,
    failed: `<failure message="${message}">${escaped(recordsOf(result))}</failure>`,
    'not checked': `<skipped message="${message}"/>`,
  }[status];
  const time = (seconds ?? 0).toFixed(3);
  return `    <testcase classname="${escaped(title)}" name="${escaped(name)}" time="${time}">${inner}</testcase>`;
}

/** XML 1.0 forbids control characters, even escaped ones. */
function escaped(words: string): string {
  return words
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
    .replace(/[\t\n\r]/g, ' ');
}
