import Table from 'cli-table3';
import { csvRow } from './csv';
import { COLUMN_GAP, fitted } from './fitTable';
import type { Json } from '../../sync/record';

/**
 * Prints the output of commands: tables for people, JSON or CSV for programs. Results go to stdout, errors to stderr.
 */

export type Colour = 'red' | 'green' | 'yellow' | 'dim' | 'bold';
const CODES: Record<Colour, number> = { red: 31, green: 32, yellow: 33, dim: 2, bold: 1 };

/** Uses colours only on a terminal. https://no-color.org */
export function paint(colour: Colour, text: string): string {
  const plain = !process.stdout.isTTY || (process.env['NO_COLOR'] ?? '') !== '';
  return plain ? text : `\u001b[${CODES[colour]}m${text}\u001b[0m`;
}

/**
 * Makes a text of a record safe for a terminal: one line, without control characters. Strangers write synced content.
 */
export function safe(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, '�')
    .trim();
}

/** Shown if there is no value. */
const NOTHING = '—';

/** The text of a property's value. */
export function shown(value: Json | undefined): string {
  if (value === undefined || value === null) return NOTHING;
  return safe(typeof value === 'string' ? value : JSON.stringify(value));
}

let tablesAs: 'text' | 'csv' = 'text';

/** Selects how the running command prints tables: as text, or as CSV (`--csv`). */
export function printTablesAs(form: 'text' | 'csv'): void {
  tablesAs = form;
}

/** Prints a line for people. With CSV, it goes to stderr, so that stdout has the table only. */
export function printLine(text = ''): void {
  (tablesAs === 'csv' ? process.stderr : process.stdout).write(`${text}\n`);
}

/** A value, shortened to the width that a table has for it. CSV has the whole value. */
export function clipped(text: string, width: number): string {
  return tablesAs === 'csv' ? text : text.slice(0, width);
}

/** JSON that is safe for a terminal: control characters that JSON allows are escaped. */
export function jsonOf(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(
    /[\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

export function printJson(value: unknown): void {
  printLine(jsonOf(value, 2));
}

/** Prints one row of CSV. A dash in a table is an empty cell in CSV. */
export function printCsvRow(cells: readonly string[]): void {
  process.stdout.write(csvRow(cells.map((cell) => (cell === NOTHING ? '' : safe(cell)))));
}

/**
 * Prints rows below their titles. On a terminal, cells are broken to its width, and nothing is cut; in a file, each
 * row is one line.
 * @param none printed if there are no rows; if absent, the titles are printed
 */
export function printTable(titles: string[], rows: string[][], none?: string): void {
  if (tablesAs === 'csv') {
    for (const cells of [titles, ...rows]) printCsvRow(cells);
    return;
  }
  if (rows.length === 0 && none !== undefined) return printLine(none);
  const { isTTY, columns } = process.stdout;
  const cells = rows.map((row) => row.map(safe));
  const fit = isTTY ? fitted(titles, cells, columns) : { titles, rows: cells };
  if (!fit) return printRecords(titles, cells);
  const table = new Table({
    head: fit.titles,
    chars: NO_LINES,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': COLUMN_GAP },
  });
  table.push(...fit.rows);
  const heading = Math.max(...fit.titles.map((title) => title.split('\n').length));
  table
    .toString()
    .split('\n')
    .forEach((line, n) => printLine(n < heading ? paint('bold', line.trimEnd()) : line.trimEnd()));
}

/** Prints the cells of a row below each other, for columns that do not fit beside each other. */
function printRecords(titles: string[], rows: string[][]): void {
  rows.forEach((row, n) => {
    if (n > 0) printLine();
    row.forEach((cell, column) => printLine(`${paint('bold', `${titles[column] ?? ''}:`)} ${cell}`));
  });
}

/** No lines between cells, so that columns are easy to copy and to parse. */
const NO_LINES = Object.fromEntries(
  ['top', 'bottom', 'left', 'mid', 'right']
    .flatMap((edge) => [edge, `${edge}-mid`, `${edge}-left`, `${edge}-right`])
    .concat('middle')
    .map((name) => [name, '']),
);

/**
 * Shows the progress of a long command on a terminal. In a file, it writes nothing, or a line at intervals.
 * @param linesEverySeconds for a command that may print nothing else for minutes
 */
export function progressLine({ linesEverySeconds }: { linesEverySeconds?: number } = {}): {
  update: (text: string) => void;
  finish: () => void;
} {
  const { stderr } = process;
  const clear = () => void (stderr.isTTY && stderr.write('\r\u001b[K'));
  let lastLine = Date.now();
  return {
    update(text) {
      clear();
      if (stderr.isTTY) stderr.write(text.slice(0, stderr.columns - 1));
      else if (linesEverySeconds !== undefined && Date.now() - lastLine >= linesEverySeconds * 1000) {
        lastLine = Date.now();
        stderr.write(`${text}\n`);
      }
    },
    finish: clear,
  };
}
