/**
 * Rows as CSV: cells between commas, quoted where they must be, each row ended by CR LF.
 * https://www.rfc-editor.org/rfc/rfc4180
 */

/** A spreadsheet takes a cell that begins with one of these for a formula. */
const FORMULA = /^[=+\-@\t\r\0]/;
/** A number may begin with a sign, and is harmless. */
const NUMBER = /^[+-]?\d+(\.\d+)?$/;
const MUST_BE_QUOTED = /[",\r\n]|^\s|\s$/;

/** One row, with its line break. */
export function csvRow(cells: readonly string[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`;
}

/**
 * A cell. Records are written by strangers, so a cell that a spreadsheet would run as a formula gets a leading
 * apostrophe, which spreadsheets read as "this is text".
 * https://github.com/OWASP/ASVS/blob/v5.0.0/5.0/en/0x10-V1-Encoding-and-Sanitization.md (1.2.10)
 */
function csvCell(text: string): string {
  const safe = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  return MUST_BE_QUOTED.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
