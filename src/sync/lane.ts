/**
 * Who waits for a call: somebody who made an edit (`interactive`), or nobody in particular (`background`: backfill,
 * reconcile, catching up). Each lane has worker slots of its own, and background work leaves a share of an API's rate.
 */
export const LANES = ['interactive', 'background'] as const;
export type Lane = (typeof LANES)[number];
