/** Parses how long an answer asks to wait. It checks the value, because one header must not block an API for years. */

/** The longest wait that is respected. */
export const LONGEST_WAIT_MS = 15 * 60_000;
/** A larger number is a time, and no number of seconds: seconds since 1970 or, if it is even larger, milliseconds. */
const A_TIME = 1e9;
const A_TIME_IN_MS = 1e12;

/**
 * @param value seconds, a time as a number, or an HTTP date
 * @returns milliseconds from now, between 0 and {@link LONGEST_WAIT_MS}; null if the value cannot be parsed
 */
export function waitOf(value: string | null | undefined, now = Date.now()): number | null {
  const text = value?.trim() ?? '';
  if (text === '') return null;
  const number = Number(text);
  if (Number.isNaN(number)) {
    const date = Date.parse(text);
    return Number.isNaN(date) ? null : bounded(date - now);
  }
  if (number > A_TIME_IN_MS) return bounded(number - now);
  return bounded(number > A_TIME ? number * 1000 - now : number * 1000);
}

const bounded = (ms: number): number => Math.min(LONGEST_WAIT_MS, Math.max(0, ms));

/** A whole number of calls, 0 or more; null for anything else. */
export function callsIn(text: string | null | undefined): number | null {
  const value = text === null || text === undefined || text.trim() === '' ? NaN : Number(text);
  return Number.isFinite(value) && value >= 0 ? Math.floor(value) : null;
}
