import type { Access } from 'testkit';
import type { Comparable } from './comparable';

/** What the checker is asked, and what it says. */

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
  /** True where the mapping itself lets the two values differ. */
  excused?: boolean;
}

export interface AgreementRow {
  entity: EntityName;
  zendesk: number;
  pms: number;
  /** Pairs in which each record has the other as its only counterpart. */
  linked: number;
  agreeing: number;
  /** Pairs that agree but for values that a side did not take, with the reason that the sync states. */
  notTaken: number;
  differing: number;
  /** Records without a counterpart and without a stated reason. */
  missing: number;
  /** Pairs and records that do not agree for a reason that the sync states. */
  waiting: number;
  /** As {@link waiting}, where the reason is a conflict that a person must decide. */
  conflicts: number;
  /** Records with more than one counterpart, or one counterpart claimed twice. */
  duplicates: number;
}

export interface AgreementReport {
  /** True when nothing is missing, differing, doubled or wrongly linked but for stated reasons. */
  ok: boolean;
  rows: AgreementRow[];
  problems: Problem[];
  waiting: Excuse[];
  /** What was not taken, by property and reason. */
  notTaken: Excuse[];
  /** Tickets whose comments stand in another order in the PMS. Not part of {@link ok}. */
  orderBroken: string[];
}

/** Why records do not agree, though nothing is wrong. */
export interface Excuse {
  reason: string;
  count: number;
  records: string[];
}

/** A value that one side did not take, as the sync states it. */
export interface StatedRefusal {
  /** The mapping's name of the row. */
  row: string;
  /** The API's words, or the sync's. Without any it is no reason. */
  words: string;
}

export interface StoredLink {
  /** `zendesk:ticket:123` */
  zendesk: string;
  /** `pms:project:P-1` */
  pms: string;
}

/** What a PMS cannot keep of what the mapping is about, so that it is not asked for. */
export interface PmsKeeps {
  /** Names of properties that are not compared. */
  without: readonly string[];
  /** What stands in the PMS for no value, by the property's name. */
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
   * Why a record may not agree yet, by its key (`zendesk:ticket:123`, `pms:note:N-1`; either side's). A
   * reason that begins with `conflict` counts as a conflict.
   */
  waiting?: ReadonlyMap<string, string>;
  /** Values that a side did not take, by the key of either record. They excuse these properties, and no other. */
  notTaken?: ReadonlyMap<string, readonly StatedRefusal[]>;
  /** Tags of fields and options that are gone: nobody added or removed them, and they stay where they are. */
  formerFieldTags?: readonly string[];
  /** What the sync says belongs together; a pair known only from here is compared like any other. */
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
