import { refKey } from './keys';
import type { CanonicalKey } from './keys';
import type { Link } from './link';
import type { EntityMapping, Mapping } from './mapping';
import { differingRows, filterReason } from './plan';
import { ENTITY_TYPES, type EntityType, type Side, type SyncRecord } from './record';
import type { References } from './values';

/** What a walk over all records finds, record by record. Pure; repairs are left to the pairs' own workflows. */
export type Verdict =
  | { kind: 'agrees' }
  /** Takes no part: filtered out, skipped by its nature, or ended before it was linked. */
  | { kind: 'outside' }
  /** Its link is waiting, in conflict or quarantined, and says why. */
  | { kind: 'unsettled' }
  /** No pair knows it. */
  | { kind: 'missing' }
  | { kind: 'drifted'; rows: string[] }
  /** It ended, and its link does not know. */
  | { kind: 'ended' }
  /** Its link is a tombstone, and it is there again. */
  | { kind: 'returned' };

export function examine(
  mapping: Mapping,
  table: EntityMapping,
  link: Link | null,
  record: SyncRecord,
  references: References,
): Verdict {
  if (!link) {
    const outside = record.state !== 'live' || record.skip !== null || filterReason(table, record) !== null;
    return { kind: outside ? 'outside' : 'missing' };
  }
  const known = link.sides[record.ref.side];
  if (link.status === 'tombstone') {
    // Only the side that ended can return; the other one is live all along.
    return record.state === 'live' && known && known.state !== 'live'
      ? { kind: 'returned' }
      : { kind: 'agrees' };
  }
  if (link.status !== 'linked' || link.intent || link.waitsFor.length > 0) return { kind: 'unsettled' };
  if (known?.ref !== refKey(record.ref)) return { kind: 'unsettled' };
  if (record.state !== 'live') return { kind: 'ended' };
  // Read before our own last write: says nothing of now.
  if (record.order < known.order) return { kind: 'agrees' };
  const rows = differingRows(mapping, table, link, record, references);
  return rows.length > 0 ? { kind: 'drifted', rows } : { kind: 'agrees' };
}

/** Counts of one entity type. */
export interface Findings {
  walked: Record<Side, number>;
  agrees: number;
  outside: number;
  unsettled: number;
  missing: number;
  drifted: number;
  ended: number;
  returned: number;
  /** Links whose record is gone without a trace. */
  orphaned: number;
  /** Pairs that were told to look again. */
  told: number;
  /** Drifted properties: records by row of the mapping. */
  rows: Record<string, number>;
  /** Some of the pairs that were told. */
  examples: CanonicalKey[];
}

export type AllFindings = Record<EntityType, Findings>;

const EXAMPLES = 20;

export function noFindings(): AllFindings {
  const none = (): Findings => ({
    walked: { zendesk: 0, pms: 0 },
    agrees: 0,
    outside: 0,
    unsettled: 0,
    missing: 0,
    drifted: 0,
    ended: 0,
    returned: 0,
    orphaned: 0,
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
    for (const name of COUNTS) into[name] = one[name] + other[name];
    for (const side of ['zendesk', 'pms'] as const) into.walked[side] = one.walked[side] + other.walked[side];
    for (const rows of [one.rows, other.rows])
      for (const [row, count] of Object.entries(rows)) into.rows[row] = (into.rows[row] ?? 0) + count;
    into.examples = [...new Set([...one.examples, ...other.examples])].slice(0, EXAMPLES);
  }
  return sum;
}

export const COUNTS = [
  'agrees',
  'outside',
  'unsettled',
  'missing',
  'drifted',
  'ended',
  'returned',
  'orphaned',
  'told',
] as const;

/** What a reconcile leaves: counts and names, no record's content. Times are ISO. */
export interface ReconcileReport {
  run: string;
  startedAt: string;
  finishedAt: string;
  /** Zendesk comments were walked from the beginning, not since the last reconcile. */
  full: boolean;
  findings: AllFindings;
  /** What could not be walked, and why. */
  failed: { what: string; why: string }[];
}
