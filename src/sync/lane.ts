/**
 * The lane of a call: a person may wait for the effect of an edit (`interactive`), or nobody does (`background`:
 * backfill, reconcile, a backlog). Each lane has its own worker slots, and background work leaves a share of the rate
 * limits.
 */
export const LANES = ['interactive', 'background'] as const;
export type Lane = (typeof LANES)[number];
