/**
 * Formats rows as CSV: commas between cells, quotes where a cell needs them, CR LF after each row.
 * https://www.rfc-editor.org/rfc/rfc4180
 */

/** A spreadsheet reads a cell that begins with one of these characters as a formula. */
const FORMULA = /^[=+\-@\t\r\0]/;
/** A number may begin with a sign, and is no formula. */
const NUMBER = /^[+-]?\d+(\.\d+)?$/;
const MUST_BE_QUOTED = /[",\r\n]|^\s|\s$/;

/** One row, with its line break. */
export function csvRow(cells: readonly string[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`;
}

/**
 * Formats one cell. Strangers write records, so a cell that a spreadsheet would run as a formula gets a leading
 * apostrophe, which marks it as text.
 * https://github.com/OWASP/ASVS/blob/v5.0.0/5.0/en/0x10-V1-Encoding-and-Sanitization.md (1.2.10)
 */
function csvCell(text: string): string {
  const safe = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  return MUST_BE_QUOTED.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
