/**
 * The rate limits of the account. Each is an option with the documented default.
 * https://developer.zendesk.com/api-reference/introduction/rate-limits/ unless a line says otherwise.
 */
export interface LimitOptions {
  /** The account's calls per minute, of all users: 700, as on the Enterprise plan. */
  rateLimitPerMinute: number;
  /**
   * Incremental exports a minute, one bucket for tickets, ticket events and organizations: 10, or 30 with the High
   * Volume add-on (zendesk-rules.md rules 5 and 6).
   */
  incrementalPerMinute: number;
  /** Exports of users by cursor per minute, a separate limit: 20 (rule 6, from a header in recorded traffic). */
  userExportsPerMinute: number;
  /**
   * Ticket updates a minute of the account, agents' edits in Zendesk's own pages included: 100, or 300 with the add-on;
   * in trial and sandbox accounts 20, or 100 with it.
   * https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#update-ticket (rule 4)
   */
  ticketUpdatesPerMinute: number;
  /** Updates of one ticket by one user within ten minutes, whatever kind of PUT makes them: 30 (rule 4). */
  updatesOfOneTicket: number;
  /** Updates of one organization a minute: 5 (rule 5). */
  updatesOfOneOrganization: number;
  /**
   * Updates of one user a minute, by `PUT /users/{id}` or `POST /users/create_or_update`: 5 (rule 5).
   * https://developer.zendesk.com/api-reference/ticketing/users/users/#create-or-update-user
   */
  updatesOfOneUser: number;
  /** The same two calls per second for the whole account: 1 (rule 5). */
  userUpdatesPerSecond: number;
  /** Listings of the ticket fields per minute: 20 (rule 5, from the header of a trial account in recorded traffic). */
  ticketFieldsPerMinute: number;
  /** Bulk jobs that are queued or running at a time: 30 (rules 6 and 9). */
  jobsInFlight: number;
  /** Downloads of attachments per minute: 2,500 (rule 5). */
  attachmentsPerMinute: number;
  /** Downloads per minute of an upload that belongs to no ticket yet: 10 (rule 5). */
  looseUploadPerMinute: number;
  /**
   * Whether each ticket of `update_many` counts as a ticket update of the account. Not documented (rule 7), so the default
   * is false. They always count for the limit per ticket and user.
   */
  bulkUpdatesCount: boolean;
  /**
   * Reports the account's limit like older accounts: by `rate-limit`, `rate-limit-remaining` and `rate-limit-reset`
   * instead of the `ratelimit-…` headers (rule 6).
   */
  olderHeaders: boolean;
}

export const DEFAULT_LIMITS: LimitOptions = {
  rateLimitPerMinute: 700,
  incrementalPerMinute: 10,
  userExportsPerMinute: 20,
  ticketUpdatesPerMinute: 100,
  updatesOfOneTicket: 30,
  updatesOfOneOrganization: 5,
  updatesOfOneUser: 5,
  userUpdatesPerSecond: 1,
  ticketFieldsPerMinute: 20,
  jobsInFlight: 30,
  attachmentsPerMinute: 2_500,
  looseUploadPerMinute: 10,
  bulkUpdatesCount: false,
  olderHeaders: false,
};

const PLENTY = 1_000_000;

/** No rate limits, for measurements of other things. The bound of jobs remains: the sandbox runs them one by one. */
export const NO_LIMITS: LimitOptions = {
  ...DEFAULT_LIMITS,
  rateLimitPerMinute: PLENTY,
  incrementalPerMinute: PLENTY,
  userExportsPerMinute: PLENTY,
  ticketUpdatesPerMinute: PLENTY,
  updatesOfOneTicket: PLENTY,
  updatesOfOneOrganization: PLENTY,
  updatesOfOneUser: PLENTY,
  userUpdatesPerSecond: PLENTY,
  ticketFieldsPerMinute: PLENTY,
  attachmentsPerMinute: PLENTY,
  looseUploadPerMinute: PLENTY,
};

/** @param given the others have the documented values */
export function limitsOf(given: Partial<LimitOptions>): LimitOptions {
  const set = Object.entries(given).filter(([name, value]) => name in DEFAULT_LIMITS && value !== undefined);
  return { ...DEFAULT_LIMITS, ...(Object.fromEntries(set) as Partial<LimitOptions>) };
}
