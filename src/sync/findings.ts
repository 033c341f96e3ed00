import type { CanonicalKey } from './canonicalKey';
import { ENTITY_TYPES, type EntityType, type Side } from './record';

/**
 * The counts of a reconcile. Its verdicts are in another file, because workflows must not import them
 * (docs/evolution.md).
 */

/** The counts of one entity type. */
export interface ReconcileCounts {
  walked: Record<Side, number>;
  agrees: number;
  outside: number;
  unsettled: number;
  missing: number;
  drifted: number;
  ended: number;
  returned: number;
  /** Links whose record was not found. */
  orphaned: number;
  /** Pairs that agree, except for a value that this side did not take. */
  notTaken: number;
  /** Pairs that were signalled. */
  told: number;
  /** The numbers of records that differ, by row id. */
  rows: Record<string, number>;
  /** Some of the signalled pairs. */
  examples: CanonicalKey[];
}

export type AllFindings = Record<EntityType, ReconcileCounts>;

const EXAMPLES = 20;

export function noFindings(): AllFindings {
  const none = (): ReconcileCounts => ({
    walked: { zendesk: 0, pms: 0 },
    agrees: 0,
    outside: 0,
    unsettled: 0,
    missing: 0,
    drifted: 0,
    ended: 0,
    returned: 0,
    orphaned: 0,
    notTaken: 0,
    told: 0,
    rows: {},
    examples: [],
  });
  return { OrgToCustomer: none(), TicketToProject: none(), CommentToProject: none() };
}

export function addFindings(a: AllFindings, b: AllFindings): AllFindings {
  const sum = noFindings();
  for (const entity of ENTITY_TYPES) {
    const [into, one, other] = [sum[entity], a[entity], b[entity]];
    // The counts of an earlier release lack the later fields.
    const counted = (findings: Partial<ReconcileCounts>, name: (typeof COUNTS)[number]) =>
      findings[name] ?? 0;
    for (const name of COUNTS) into[name] = counted(one, name) + counted(other, name);
    for (const side of ['zendesk', 'pms'] as const) into.walked[side] = one.walked[side] + other.walked[side];
    for (const rows of [one.rows, other.rows])
      for (const [row, count] of Object.entries(rows)) into.rows[row] = (into.rows[row] ?? 0) + count;
    into.examples = [...new Set([...one.examples, ...other.examples])].slice(0, EXAMPLES);
  }
  return sum;
}

const COUNTS = [
  'agrees',
  'outside',
  'unsettled',
  'missing',
  'drifted',
  'ended',
  'returned',
  'orphaned',
  'notTaken',
  'told',
] as const;

/** The report of a reconcile: counts and names, no content of records. Times are ISO. */
export interface ReconcileReport {
  run: string;
  startedAt: string;
  finishedAt: string;
  /** Whether all Zendesk comments were walked, and not only those since the last reconcile. */
  full: boolean;
  findings: AllFindings;
  /** The parts that could not be walked, and why. */
  failed: { what: string; why: string }[];
}
