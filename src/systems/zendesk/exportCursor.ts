/** Cursors of Zendesk's exports: some are times in whole seconds, that of tickets is the API's own after its first page. */

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

/**
 * Where an export by time goes on: at its last record's second, which comes again then.
 * https://developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports/#time-based-incremental-exports
 */
export function position(
  page: { end_time: number | null; count: number; end_of_stream?: boolean | undefined },
  cursor: string | null,
): { cursor: string; more: boolean } {
  const start = startTime(cursor);
  const end = page.end_time ?? start;
  const latest = secondsAgo(EXPORT_AGE_SECONDS);
  const full = !(page.end_of_stream ?? page.count < 1000);
  // A full page of one second would be given for ever. What it may leave out of that second, reconcile brings.
  if (full && end <= start) return { cursor: String(end + 1), more: end < latest };
  if (full && end <= latest) return { cursor: String(end), more: true };
  // At the end, or as near to it as the API lets anybody begin.
  return { cursor: String(Math.min(end, secondsAgo(OVERLAP_SECONDS))), more: false };
}
