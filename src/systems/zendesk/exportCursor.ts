/**
 * Cursors of Zendesk's exports: some are times in whole seconds, that of tickets is the API's own after its first page.
 */

/** Time-based exports refuse a `start_time` less than a minute ago; the rest is for clocks that disagree. */
const EXPORT_AGE_SECONDS = 75;
/** The end of such an export is read again with the next poll: some records are shown late. */
const OVERLAP_SECONDS = 150;
export const BEGINNING = 1;

/** Where all changes from now on are given, as far as an export can begin. */
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
 * Whether a page is of one second and may not have all of it. By the documentation, pages go on to the end of their
 * last second (zendesk-rules.md rule 26); one that did not would be given for ever.
 */
export function isCutShort(page: TimedPage, cursor: string | null): boolean {
  const start = startTime(cursor);
  return isFull(page) && (page.end_time ?? start) <= start;
}

/**
 * Where an export by time goes on: at its last record's second, which comes again then.
 * https://developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports/#time-based-incremental-exports
 */
export function position(page: TimedPage, cursor: string | null): { cursor: string; more: boolean } {
  const start = startTime(cursor);
  const end = page.end_time ?? start;
  const latest = secondsAgo(EXPORT_AGE_SECONDS);
  const full = isFull(page);
  if (isCutShort(page, cursor)) return { cursor: String(end + 1), more: end < latest };
  if (full && end <= latest) return { cursor: String(end), more: true };
  // At the end, or as near to it as the API lets anybody begin.
  return { cursor: String(Math.min(end, secondsAgo(OVERLAP_SECONDS))), more: false };
}
