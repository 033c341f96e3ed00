import { parse } from 'lossless-json';

/** A run of digits that may be more than a double holds. */
const LONG = /[\d.]{16}/;

/**
 * Parses JSON. A number that JavaScript cannot hold exactly, such as the id 12345678901234567891, becomes its text:
 * rounded, it would name another record.
 *
 * @throws SyntaxError where the text is no JSON
 */
export function parseJson(text: string): unknown {
  // Most answers hold no such number, and the parser of the platform is several times faster.
  if (!LONG.test(text)) return JSON.parse(text) as unknown;
  // Of two values of one key the last counts, as everywhere.
  return parse(text, null, { parseNumber: exactNumber, onDuplicateKey: ({ newValue }) => newValue });
}

/** A number in JSON, as a number where that says the same, and as its text otherwise. */
function exactNumber(text: string): number | string {
  const number = Number(text);
  return isExact(text, number) ? number : text;
}

/** Whether a number says just what its text does. */
export function isExact(text: string, number: number): boolean {
  if (!Number.isFinite(number)) return false;
  const digits = significant(text);
  return digits.length <= 15 || digits === significant(String(number));
}

/** The digits of a decimal number from the first to the last that is not zero. */
function significant(text: string): string {
  const [mantissa = ''] = text.toLowerCase().split('e');
  const digits = mantissa.replace(/\D/g, '');
  let from = 0;
  let to = digits.length;
  while (digits[from] === '0') from += 1;
  while (to > from && digits[to - 1] === '0') to -= 1;
  return digits.slice(from, to);
}
