/** How long an answer asks to be left alone, read with care: one header must not lock an API for years. */

/** Nobody is believed who asks for more. */
export const LONGEST_WAIT_MS = 15 * 60_000;
/** A number beyond it is no number of seconds but a time: seconds since 1970, or milliseconds where it is larger still. */
const A_TIME = 1e9;
const A_TIME_IN_MS = 1e12;

/**
 * @param value seconds, a time as a number, or an HTTP date
 * @returns milliseconds from now, between 0 and {@link LONGEST_WAIT_MS}; null for nothing that can be read
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
