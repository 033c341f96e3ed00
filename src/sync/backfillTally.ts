import { ENTITY_TYPES, type EntityType, type Side } from './record';

/** What a backfill counts. Apart from its decisions: workflows import this, and must not import those (docs/evolution.md). */

/** Records by what became of them. */
export interface BackfillTally {
  /** Read from either side. */
  read: Record<Side, number>;
  created: Record<Side, number>;
  /** Records that exist on both sides and were linked. */
  joined: number;
  /** Linked already, and equal. */
  agreed: number;
  /** Left out by the mapping, or by their nature. */
  ignored: number;
  /** Gone before they were linked. */
  ended: number;
  /** Left to the pair's own workflow. */
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

/** Records that a backfill has dealt with. */
export function doneIn(tallies: BackfillTallies): number {
  return ENTITY_TYPES.map((entity) => tallies[entity]).reduce(
    (sum, { created, joined, agreed, ignored, ended, left }) =>
      sum + created.zendesk + created.pms + joined + agreed + ignored + ended + left,
    0,
  );
}
