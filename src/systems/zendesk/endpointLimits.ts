/**
 * What Zendesk documents of its limits, for a forecast made before any answer has told of them.
 * https://developer.zendesk.com/api-reference/introduction/rate-limits/, zendesk-rules.md rules 4 and 5
 */
export const DOCUMENTED_LIMITS = {
  /** Calls a minute of the smallest plan. */
  account: 200,
  /** Incremental exports a minute. */
  exports: 10,
  /** Ticket updates a minute of the whole account; 20 in a sandbox or trial account, 300 with High Volume API. */
  ticketUpdates: 100,
  /** Updates of one ticket by one user in ten minutes. */
  updatesOfOneTicket: 30,
} as const;

/** How much of the ticket updates we take while agents work. */
export const SHARE_BESIDE_AGENTS = 0.7;
