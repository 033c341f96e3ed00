/**
 * The rate that an API allows, as its client sees it: a permit before each call, and what the answer says of the
 * limit after it. `src/budget` keeps one over all worker processes.
 */

/** What an answer says of one limit. */
export interface LimitReading {
  /** One of those that {@link RateRules.bucketsOf} names. */
  bucket: string;
  /** Calls that a window allows. */
  limit: number;
  remaining: number;
  /** Milliseconds until the window ends, never too few. */
  resetMs: number | null;
}

/** How one API counts calls and tells of it. */
export interface RateRules {
  /** The limits that a call counts against; each is a bucket of permits. */
  bucketsOf(path: string): readonly string[];
  read(header: (name: string) => string | null): LimitReading[];
  /** Calls a minute that are taken for granted until an answer says what the limit is, by bucket. */
  assumed: Readonly<Record<string, number>>;
}

/** The window that each bucket's permit belongs to. */
export type Permit = ReadonlyMap<string, number>;

export interface CallBudget {
  /** Waits until a call may be sent. @throws RetryLater where that takes longer than a worker may be held up */
  take(buckets: readonly string[]): Promise<Permit>;
  /** Notes what the answer to a call says of its limits. `retryAfterMs` is given where it was refused (429). */
  learn(permit: Permit, readings: readonly LimitReading[], retryAfterMs?: number | null): Promise<void>;
}
