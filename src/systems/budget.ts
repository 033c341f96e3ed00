/**
 * The rate that an API allows, as its client sees it: a permit before each call, and what the answer says of the
 * limit after it. `src/systems/budget` keeps one over all worker processes.
 */

/** What an answer says of one limit. */
export interface LimitReading {
  /** One of those that {@link RateRules.bucketsOf} names. */
  bucket: string;
  /** Calls that a window allows. */
  limit: number;
  remaining: number;
  /** Milliseconds until the window ends, never too few; null where the answer does not say. */
  resetMs: number | null;
}

/** What of a call decides which limits it counts against. */
export interface LimitedCall {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Without its query. */
  path: string;
  /** The id of the record that it writes, where the path does not name it. */
  concerns?: string;
}

/** A limit that a call counts against. */
export interface LimitedBy {
  /** One of {@link RateRules.limits}. */
  bucket: string;
  /** Where each record has a limit of its own: its id. */
  record?: string;
}

/** One limit of an API. */
export interface Limit {
  /** Calls of a window that are taken for granted until an answer says it. */
  calls: number;
  /** 60,000 if not given. */
  windowMs?: number;
  /**
   * Many calls may want it at a time: one that cannot be had soon is handed back (RetryLater) with the time of its turn,
   * rather than hold a worker's slot. For writes; what reads many pages would have to begin anew.
   */
  comesAgain?: true;
  /** People draw on it as well: we leave them room (`ZENDESK_TICKET_UPDATE_SHARE`). */
  leavesRoom?: true;
  /** It bounds what is under way at a time: each answer says how much that is. */
  inFlight?: true;
}

/** How one API counts calls and tells of it. */
export interface RateRules {
  /** The limits that a call counts against, the most specific first; `account` is the one that all calls share. */
  bucketsOf(call: LimitedCall): readonly LimitedBy[];
  limits: Readonly<Record<string, Limit>>;
  read(header: (name: string) => string | null): LimitReading[];
}

/** What a call may be sent with. */
export interface Permit {
  /** The window that the permit of each bucket belongs to. */
  readonly windows: ReadonlyMap<string, number>;
  readonly records: readonly Required<LimitedBy>[];
}

export interface CallBudget {
  /** Waits until a call may be sent. @throws RetryLater where that takes longer than a worker may be held up */
  take(buckets: readonly LimitedBy[]): Promise<Permit>;
  /**
   * Notes what the answer to a call says of its limits.
   * @param refusal where it was refused (429): for how long it asks to be left alone, null where it does not say
   */
  learn(permit: Permit, readings: readonly LimitReading[], refusal?: Refusal): Promise<void>;
}

export interface Refusal {
  retryAfterMs: number | null;
}
