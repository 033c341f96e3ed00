import type { Access } from 'testkit';
import type { Comparable } from './comparable';

/** Input and output of the checker. */

export type EntityName = 'organizations' | 'tickets' | 'comments';

export const KINDS: Record<EntityName, { zendesk: string; pms: string }> = {
  organizations: { zendesk: 'organization', pms: 'customer' },
  tickets: { zendesk: 'ticket', pms: 'project' },
  comments: { zendesk: 'comment', pms: 'note' },
};

/** A record that needs a counterpart. */
export interface Participant<T> {
  key: string;
  backRef: string | null;
  record: T;
}

export interface Pair<Z, P> {
  zendesk: Participant<Z>;
  pms: Participant<P>;
}

export interface Problem {
  entity: EntityName;
  kind: 'missing' | 'differs' | 'duplicate' | 'wrongReference' | 'brokenLink';
  zendesk: string | null;
  pms: string | null;
  property: string | null;
  zendeskValue: Comparable;
  pmsValue: Comparable;
  text: string;
}

export interface Property {
  name: string;
  zendesk: Comparable;
  pms: Comparable;
  /** The mapping allows the two values to differ. */
  excused?: boolean;
}

export interface AgreementRow {
  entity: EntityName;
  zendesk: number;
  pms: number;
  /** Pairs in which each record has the other as its only counterpart. */
  linked: number;
  agreeing: number;
  /** Pairs that agree except for values that a side did not take, for a reason that the sync states. */
  notTaken: number;
  differing: number;
  /** Records without a counterpart and without a stated reason. */
  missing: number;
  /** Pairs and records that do not agree for a reason that the sync states. */
  waiting: number;
  /** Like {@link waiting}, for conflicts that a person must decide. */
  conflicts: number;
  /** Records with more than one counterpart, or one counterpart claimed twice. */
  duplicates: number;
}

export interface AgreementReport {
  /** True if there is no missing, different, duplicate or wrongly linked record without a stated reason. */
  ok: boolean;
  rows: AgreementRow[];
  problems: Problem[];
  waiting: Excuse[];
  /** Values that were not taken, by property and reason. */
  notTaken: Excuse[];
  /** Tickets whose comments are in another order in the PMS. Not part of {@link ok}. */
  orderBroken: string[];
}

/** A stated reason why records do not agree. */
export interface Excuse {
  reason: string;
  count: number;
  records: string[];
}

/** A value that one side did not take, as the sync states it. */
export interface StatedRefusal {
  /** The mapping's name of the row. */
  row: string;
  /** The message of the API or of the sync. An empty message is not a reason. */
  words: string;
}

export interface StoredLink {
  /** `zendesk:ticket:123` */
  zendesk: string;
  /** `pms:project:P-1` */
  pms: string;
}

/** The properties that a PMS cannot store, which the checker therefore does not compare. */
export interface PmsKeeps {
  /** Names of properties that are not compared. */
  without: readonly string[];
  /** The value that the PMS shows for an empty value, by the property's name. */
  empty: Readonly<Record<string, string>>;
  /** Due dates have no time of day. */
  dueDays: boolean;
}

export const KEEPS_ALL: PmsKeeps = { without: [], empty: {}, dueDays: false };

export interface CheckOptions {
  zendesk: Access;
  pms: Access;
  keeps?: PmsKeeps;
  /**
   * The reason why a record may not agree yet, by the key of either record (`zendesk:ticket:123`, `pms:note:N-1`). A
   * reason that begins with `conflict` counts as a conflict.
   */
  waiting?: ReadonlyMap<string, string>;
  /** Values that a side did not take, by the key of either record. Only these properties may differ. */
  notTaken?: ReadonlyMap<string, readonly StatedRefusal[]>;
  /** Tags of deleted fields and options. They stay where they are, because no person added or removed them. */
  formerFieldTags?: readonly string[];
  /** Pairs from the link store. The checker compares them like pairs with back-references. */
  links?: readonly StoredLink[];
}

export function blankProblem(
  entity: EntityName,
  kind: Problem['kind'],
  zendesk: string | null,
  pms: string | null,
): Omit<Problem, 'text'> {
  return { entity, kind, zendesk, pms, property: null, zendeskValue: null, pmsValue: null };
}
