/**
 * The rate limits of an API, for its client: a permit before each call, and the limits that the answer shows after it.
 * `src/systems/budget` implements this for all worker processes together.
 */

/** The state of one limit, from an answer. */
export interface LimitReading {
  /** The name of the limit: one that {@link RateRules.bucketsOf} returns. */
  bucket: string;
  /** Calls that a window allows. */
  limit: number;
  remaining: number;
  /** Milliseconds until the window ends, rounded up; null if the answer does not say. */
  resetMs: number | null;
}

/** The parts of a call that decide which limits it counts against. */
export interface LimitedCall {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Without its query. */
  path: string;
  /** The id of the record that it writes, if the path does not name it. */
  concerns?: string;
}

/** A limit that a call counts against. */
export interface LimitedBy {
  /** One of {@link RateRules.limits}. */
  bucket: string;
  /** The record's id, if each record has its own limit. */
  record?: string;
}

/** One limit of an API. */
export interface Limit {
  /** The calls of a window that are assumed until an answer shows the limit. */
  calls: number;
  /** The length of the window in milliseconds; 60,000 if not given. */
  windowMs?: number;
  /**
   * Many calls may need this limit at the same time. A call that gets no permit soon fails with RetryLater and the time
   * of its turn, so that it does not occupy a worker slot. Only for writes: a read of many pages would begin anew.
   */
  comesAgain?: true;
  /** People use this limit, too: the sync leaves them a share (`ZENDESK_TICKET_UPDATE_SHARE`). */
  leavesRoom?: true;
  /** The limit is on concurrent work, e.g. running jobs: each answer shows how much is running. */
  inFlight?: true;
}

/** How an API counts calls, and how its answers show that. */
export interface RateRules {
  /** The limits that a call counts against, the most specific first; `account` is the one that all calls share. */
  bucketsOf(call: LimitedCall): readonly LimitedBy[];
  limits: Readonly<Record<string, Limit>>;
  read(header: (name: string) => string | null): LimitReading[];
}

/** The permission to send one call. */
export interface Permit {
  /** The window that the permit of each bucket belongs to. */
  readonly windows: ReadonlyMap<string, number>;
  readonly records: readonly Required<LimitedBy>[];
}

export interface CallBudget {
  /** Waits until a call may be sent. @throws RetryLater if that takes longer than a worker may wait */
  take(buckets: readonly LimitedBy[]): Promise<Permit>;
  /**
   * Learns the state of the limits from an answer.
   * @param refusal if the call was refused (429): how long to wait, null if the answer does not say
   */
  learn(permit: Permit, readings: readonly LimitReading[], refusal?: Refusal): Promise<void>;
}

export interface Refusal {
  retryAfterMs: number | null;
}
