import { ENTITY_TYPES, type EntityType, type Side } from './record';

/**
 * The counts of a backfill. Its decisions are in another file, because workflows must not import them
 * (docs/evolution.md).
 */

/** The numbers of records, by outcome. */
export interface BackfillTally {
  /** Records that were read. */
  read: Record<Side, number>;
  created: Record<Side, number>;
  /** Records that exist on both sides and were linked. */
  joined: number;
  /** Records that were linked already, and equal. */
  agreed: number;
  /** Records that are out of scope, by the mapping or by their nature (`skip`). */
  ignored: number;
  /** Records that ended before they were linked. */
  ended: number;
  /** Records that were left to their pairs' own workflows. */
  left: number;
}
export type BackfillTallies = Record<EntityType, BackfillTally>;

export function noBackfill(): BackfillTallies {
  const none = (): BackfillTally => ({
    read: { zendesk: 0, pms: 0 },
    created: { zendesk: 0, pms: 0 },
    joined: 0,
    agreed: 0,
    ignored: 0,
    ended: 0,
    left: 0,
  });
  return { OrgToCustomer: none(), TicketToProject: none(), CommentToProject: none() };
}

export function addBackfill(a: BackfillTallies, b: BackfillTallies): BackfillTallies {
  const sum = noBackfill();
  for (const entity of ENTITY_TYPES) {
    const [to, one, two] = [sum[entity], a[entity], b[entity]];
    for (const side of ['zendesk', 'pms'] as const) {
      to.read[side] = one.read[side] + two.read[side];
      to.created[side] = one.created[side] + two.created[side];
    }
    for (const what of ['joined', 'agreed', 'ignored', 'ended', 'left'] as const)
      to[what] = one[what] + two[what];
  }
  return sum;
}

/** The number of records that a backfill has processed. */
export function doneIn(tallies: BackfillTallies): number {
  return ENTITY_TYPES.map((entity) => tallies[entity]).reduce(
    (sum, { created, joined, agreed, ignored, ended, left }) =>
      sum + created.zendesk + created.pms + joined + agreed + ignored + ended + left,
    0,
  );
}
