import { parse } from 'lossless-json';

/** A number with more digits than a double may represent exactly. */
const LONG = /[\d.]{16}/;

/**
 * Parses JSON. A number that JavaScript cannot represent exactly, such as the id 12345678901234567891, becomes a
 * string, because the rounded number would be the id of another record.
 *
 * @throws SyntaxError if the text is no JSON
 */
export function parseJson(text: string): unknown {
  // Most answers have no such number, and the built-in parser is several times faster.
  if (!LONG.test(text)) return JSON.parse(text) as unknown;
  // If a key occurs twice, the last value counts, as in `JSON.parse`.
  return parse(text, null, { parseNumber: exactNumber, onDuplicateKey: ({ newValue }) => newValue });
}

/** A number in JSON: as a number if it is exact, otherwise as a string. */
function exactNumber(text: string): number | string {
  const number = Number(text);
  return isExact(text, number) ? number : text;
}

/** Whether a number represents its text exactly. */
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
