import type { Json } from '../../../sync/record';
import { countsOf, type Report, type Result, type Status } from '../checklistLine';

/** Texts that all report formats share. */

export const MARKS: Record<Status, string> = { passed: '✓', failed: '✗', 'not checked': '–' };
const LONGEST = 80;

export function directionOf({ line }: Result): string {
  return line.from === 'zendesk' ? 'Zendesk → PMS' : 'PMS → Zendesk';
}

/** A value as text, truncated to fit into a table cell. */
export function valueIn(value: Json | undefined): string {
  if (value === undefined) return 'nothing';
  if (value === null || value === '') return 'empty';
  const text = (typeof value === 'string' ? value : JSON.stringify(value)).replace(/\s+/g, ' ');
  const letters = [...text];
  return letters.length > LONGEST ? `${letters.slice(0, LONGEST - 1).join('')}…` : text;
}

export function recordsOf({ zendesk, pms }: Result): string {
  return zendesk === null && pms === null ? '' : `${zendesk ?? '—'} ↔ ${pms ?? '—'}`;
}

export function secondsIn(seconds: number | null): string {
  return seconds === null ? '' : `${seconds.toFixed(1)} s`;
}

/** The reason, and the written and found values; empty if there are none. */
export function evidenceOf(result: Result): string {
  const { status, reason, written, found } = result;
  if (status === 'not checked') return reason ?? '';
  const values =
    status === 'passed'
      ? valueIn(found)
      : written === undefined && found === undefined
        ? ''
        : `wrote ${valueIn(written)}, found ${valueIn(found)}`;
  return [reason, values].filter((each) => each !== null && each !== '').join(': ');
}

/** The table cells of a result, after its mark. */
export function cellsOf(result: Result): string[] {
  const { line } = result;
  return [
    line.subject,
    directionOf(result),
    line.what,
    evidenceOf(result),
    recordsOf(result),
    secondsIn(result.seconds),
  ];
}

/** Results by entity, and comments by mode, in the order of the checklist. */
export function groupsOf(results: readonly Result[]): [string, Result[]][] {
  const groups = new Map<string, Result[]>();
  for (const result of results) {
    const { entity, mode } = result.line;
    const title = mode === null ? entity : `${entity} (mode: ${mode})`;
    groups.set(title, [...(groups.get(title) ?? []), result]);
  }
  return [...groups];
}

export function summaryOf({ results, seconds }: Report): string {
  const { passed, failed, 'not checked': unchecked } = countsOf(results);
  return `${results.length} lines: ${passed} passed, ${failed} failed, ${unchecked} not checked (each says why); ${Math.round(seconds)} s`;
}

export function headOf({ startedAt, mappingFile, mappingVersion, tag }: Report): string {
  const where = tag === null ? 'in the sandbox' : `tag ${tag}`;
  return `${startedAt}, ${mappingFile} (version ${mappingVersion}), ${where}`;
}
