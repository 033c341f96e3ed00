import type { Side } from '../sync/record';
import type { ChangeHint } from '../links/hintStore';

/** The content of a delivery: the records that changed, or that the event is irrelevant to the sync. */
export interface Event {
  hints: ChangeHint[];
  /** The name of the event, for the counts; never its contents. */
  type: string;
  /** Whether two deliveries within a second may have the same body, and so the same signature, as from a trigger. */
  mayRecur?: true;
}

/** The signatures and the events of one side. */
export interface Source {
  side: Side;
  headers: { timestamp: string; signature: string; invocation: string };
  /** The time in milliseconds since 1970; null if the text has not this side's format. */
  timeOf(timestamp: string): number | null;
  /** The signature in the form of the header. */
  sign(secret: string, timestamp: string, body: Buffer): string;
  /** @returns null if the body is no event of this side */
  parse(body: unknown): Event | null;
}

/** A known event that is irrelevant to the sync. */
export function irrelevant(type: string): Event {
  return { hints: [], type };
}
