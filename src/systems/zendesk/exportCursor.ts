import type { ChangePage } from '../port';

/**
 * Cursors of Zendesk's time-based exports, in whole seconds. (The ticket export has its own cursors after its first page.)
 */

/** Time-based exports refuse a `start_time` less than a minute ago; the other 15 s allow for a difference of clocks. */
const EXPORT_AGE_SECONDS = 75;
/** Each poll reads the last part of the previous one again, because the export shows some records late. */
const OVERLAP_SECONDS = 150;
export const BEGINNING = 1;

/** The latest time at which an export may begin; it then returns all changes from now on. */
export function exportBeginningNow(): Date {
  return new Date(Date.now() - EXPORT_AGE_SECONDS * 1000);
}

/** A time as an export's cursor, in seconds. */
export function secondsOf(since: Date): string {
  return String(Math.max(BEGINNING, Math.floor(since.getTime() / 1000)));
}

export function startTime(cursor: string | null): number {
  return Math.max(BEGINNING, Math.min(Number(cursor ?? BEGINNING), secondsAgo(EXPORT_AGE_SECONDS)));
}

function secondsAgo(seconds: number): number {
  return Math.floor(Date.now() / 1000) - seconds;
}

interface TimedPage {
  end_time: number | null;
  count: number;
  end_of_stream?: boolean | undefined;
}

function isFull(page: TimedPage): boolean {
  return !(page.end_of_stream ?? page.count < 1000);
}

/**
 * Whether a page covers a single second and may lack some of its records. Documented pages extend to the end of their
 * last second (zendesk-rules.md rule 26); a page that does not would be returned again by every poll.
 */
export function isCutShort(page: TimedPage, cursor: string | null): boolean {
  const start = startTime(cursor);
  return isFull(page) && (page.end_time ?? start) <= start;
}

/**
 * The position after a page: the second of its last record, which the next page then repeats.
 * https://developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports/#time-based-incremental-exports
 */
export function position(
  page: TimedPage,
  cursor: string | null,
): Pick<ChangePage, 'cursor' | 'more' | 'moreLater'> {
  const start = startTime(cursor);
  const end = page.end_time ?? start;
  const latest = secondsAgo(EXPORT_AGE_SECONDS);
  const full = isFull(page);
  if (isCutShort(page, cursor)) return { cursor: String(end + 1), ...rest(end < latest) };
  if (full && end <= latest) return { cursor: String(end), ...rest(true) };
  // At the end of the export, or at the latest permitted start.
  const again = String(Math.min(end, secondsAgo(OVERLAP_SECONDS)));
  return { cursor: again, ...(full ? rest(false) : { more: false }) };
}

/** What follows a full page. */
function rest(isReadable: boolean): Pick<ChangePage, 'more' | 'moreLater'> {
  return isReadable ? { more: true } : { more: false, moreLater: true };
}
