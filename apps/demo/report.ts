/** Prints progress and tables: for a person on a terminal, as plain text into a file. */

export interface Output {
  write(text: string): unknown;
  isTTY?: boolean | undefined;
  columns?: number | undefined;
}

export type Cell = string | number;

export interface Column {
  title: string;
  align?: 'left' | 'right';
}

export type Colour = 'red' | 'green' | 'yellow' | 'dim' | 'bold';

const CODES: Record<Colour, number> = { red: 31, green: 32, yellow: 33, dim: 2, bold: 1 };
const DEFAULT_COLUMNS = 80;
const ELLIPSIS = '…';

/** Characters without width: combining marks, joiners, direction marks, variation selectors. */
const ZERO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}\u{fe00}-\u{fe0f}]+$/u;
/** Characters of two columns: East Asian wide and fullwidth forms, and emoji. */
const WIDE =
  /[\u{1100}-\u{115f}\u{2e80}-\u{303e}\u{3041}-\u{a4cf}\u{ac00}-\u{d7a3}\u{f900}-\u{faff}\u{fe30}-\u{fe6f}\u{ff00}-\u{ff60}\u{ffe0}-\u{ffe6}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\u{fe0f}/u;

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

function graphemeWidth(grapheme: string): number {
  if (ZERO_WIDTH.test(grapheme)) return 0;
  return WIDE.test(grapheme) ? 2 : 1;
}

/** The number of terminal columns of a text. */
export function textWidth(text: string): number {
  let width = 0;
  for (const { segment } of segmenter.segment(text)) width += graphemeWidth(segment);
  return width;
}

/** One line without control characters, of at most `width` columns. */
export function shorten(text: string, width: number): string {
  const line = text.replace(/[\p{Cc}\s]+/gu, ' ').trim();
  if (textWidth(line) <= width) return line;
  let kept = '';
  let used = 0;
  for (const { segment } of segmenter.segment(line)) {
    const next = graphemeWidth(segment);
    if (used + next > width - 1) break;
    kept += segment;
    used += next;
  }
  return kept + ELLIPSIS;
}

function pad(text: string, width: number, align: 'left' | 'right'): string {
  const space = ' '.repeat(Math.max(0, width - textWidth(text)));
  return align === 'right' ? space + text : text + space;
}

/** Colours a text on a terminal. */
export function colour(output: Output, name: Colour, text: string): string {
  return output.isTTY ? `\u001b[${CODES[name]}m${text}\u001b[0m` : text;
}

/** Formats rows below a heading; numbers are aligned right, with separated thousands. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly Cell[])[]): string {
  const texts = rows.map((row) => columns.map((_, n) => formatCell(row[n] ?? '')));
  const widths = columns.map(({ title }, n) =>
    Math.max(textWidth(title), ...texts.map((row) => textWidth(row[n] ?? ''))),
  );
  const aligns = columns.map(({ align }, n) => align ?? (isNumeric(rows, n) ? 'right' : 'left'));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, n) => pad(cell, widths[n] ?? 0, aligns[n] ?? 'left'))
      .join('  ')
      .trimEnd();
  return [
    line(columns.map(({ title }) => title)),
    widths.map((width) => '─'.repeat(width)).join('  '),
    ...texts.map(line),
  ].join('\n');
}

function formatCell(cell: Cell): string {
  return typeof cell === 'number' ? cell.toLocaleString('en-US', { maximumFractionDigits: 2 }) : cell;
}

function isNumeric(rows: readonly (readonly Cell[])[], column: number): boolean {
  return rows.length > 0 && rows.every((row) => typeof row[column] === 'number' || row[column] === undefined);
}

export function printTable(
  output: Output,
  title: string,
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
): void {
  output.write(`\n${colour(output, 'bold', title)}\n${formatTable(columns, rows)}\n`);
}

export function printLine(output: Output, text = ''): void {
  output.write(`${text}\n`);
}

/** `1:04` for 64 seconds; `850 ms` below a second. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

/**
 * A line that is rewritten in place on a terminal. In other output it is printed only when its step changes, so a log
 * has one line per step.
 */
export class ProgressLine {
  private lastStep = '';
  private open = false;

  constructor(private readonly output: Output) {}

  update(step: string, done: number, total: number | null = null, remark = ''): void {
    const count = total === null ? formatCell(done) : `${formatCell(done)} of ${formatCell(total)}`;
    const text = `${step}: ${count}${remark && `  ${remark}`}`;
    if (this.output.isTTY) {
      const columns = this.output.columns ?? DEFAULT_COLUMNS;
      this.output.write(`\r\u001b[2K${shorten(text, columns - 1)}`);
      this.open = true;
    } else if (step !== this.lastStep) {
      printLine(this.output, step);
    }
    this.lastStep = step;
  }

  /** Replaces the line by `text` and ends it. */
  finish(text: string): void {
    this.output.write(this.open ? `\r\u001b[2K${text}\n` : `${text}\n`);
    this.open = false;
    this.lastStep = '';
  }
}
