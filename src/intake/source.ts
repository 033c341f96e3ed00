import type { Side } from '../sync/record';
import type { ChangeHint } from '../links/hintStore';

/** What a delivery's body says: which records changed, or that the event is none of ours. */
export interface Event {
  hints: ChangeHint[];
  /** The event's own name, for counting; never its contents. */
  type: string;
  /** Two deliveries within a second may have the same body, and so the same signature: what a trigger sends. */
  mayRecur?: true;
}

/** How one side signs its deliveries and words its events. */
export interface Source {
  side: Side;
  headers: { timestamp: string; signature: string; invocation: string };
  /** Milliseconds since 1970; null for text that is no time of this side's. */
  timeOf(timestamp: string): number | null;
  /** The signature as given in the header. */
  sign(secret: string, timestamp: string, body: Buffer): string;
  /** @returns null for a body that is not an event of this side's */
  parse(body: unknown): Event | null;
}

/** An event that exists but does not concern the sync. */
export function irrelevant(type: string): Event {
  return { hints: [], type };
}
