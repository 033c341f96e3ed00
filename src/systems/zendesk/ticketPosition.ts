import { BEGINNING } from './exportCursor';

/** A position in the ticket stream that begins at a time: `since:1700000000`. The API's own cursors hold no colon. */
export const SINCE = 'since:';

/** The position of the ticket stream. */
export interface Position {
  /** The API's cursor, from the last page; null before the first page. */
  cursor: string | null;
  /** Seconds of the latest change on the pages so far: from there the stream begins again if the cursor is refused. */
  since: number;
}

/** `since:SECONDS`, `since:SECONDS:CURSOR`, or only a cursor, as releases before 0.2.0 stored it. */
export function parsePosition(text: string | null): Position {
  if (text === null) return { cursor: null, since: BEGINNING };
  if (!text.startsWith(SINCE)) return { cursor: text, since: BEGINNING };
  const [, seconds = '', cursor] = text.split(':');
  return { cursor: cursor ?? null, since: Number(seconds) || BEGINNING };
}

export function positionText({ cursor, since }: Position): string {
  return cursor === null ? `${SINCE}${since}` : `${SINCE}${since}:${cursor}`;
}
