/**
 * The end of API tokens: accounts cannot create new tokens since 2026-10-27, and all stop working on 2027-04-30.
 * https://developer.zendesk.com/documentation/api-basics/authentication/oauth-migration/
 */

/** The day on which API tokens stop working (midnight UTC at its start). */
export const API_TOKENS_END = new Date('2027-04-30T00:00:00Z');

const DAY_MS = 24 * 60 * 60 * 1_000;

/** Whole days until no API token works; 0 from that day on. */
export function apiTokenDaysLeft(now: Date): number {
  return Math.max(0, Math.ceil((API_TOKENS_END.getTime() - now.getTime()) / DAY_MS));
}

const CURE =
  'create an OAuth client and set ZENDESK_OAUTH_CLIENT_ID and ZENDESK_OAUTH_CLIENT_SECRET (docs/zendesk.md)';

/**
 * One line for logs, `doctor`, `status` and console: how long the configured API token still works.
 * @param days of {@link apiTokenDaysLeft}
 */
export function apiTokenNotice(days: number): string {
  if (days === 0) return `Zendesk API tokens do not work since 2027-04-30: ${CURE}`;
  return `Zendesk API tokens end on 2027-04-30, in ${days} ${days === 1 ? 'day' : 'days'}: ${CURE}`;
}
