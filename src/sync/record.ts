/** The types of both systems for the core: sides, references to records, and parsed records. */

export const SIDES = ['zendesk', 'pms'] as const;
export type Side = (typeof SIDES)[number];

export function otherSide(side: Side): Side {
  return side === 'zendesk' ? 'pms' : 'zendesk';
}

export const ENTITY_TYPES = ['OrgToCustomer', 'TicketToProject', 'CommentToProject'] as const;
export type EntityType = (typeof ENTITY_TYPES)[number];

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Values by property name, in a side's own form; or canonical values by row id. */
export type Values = Record<string, Json>;

/** Names of people, by their e-mail addresses in lower case. */
export type Names = Record<string, string>;

/** Names one record: `{ side: 'zendesk', kind: 'ticket', id: '123' }`. The id is opaque to the core. */
export interface RecordRef {
  side: Side;
  kind: string;
  id: string;
}

/** A record reference as text: `zendesk:ticket:123`. Also the form of a back-reference and of a claim. */
export type RefKey = string;

/**
 * One record of one side, parsed.
 *
 * - `version` is what the side takes as a precondition (Zendesk `updated_at`, PMS revision).
 * - `order` grows with every change of the record (milliseconds of `updated_at`, or the revision); two
 *   different contents may share it where the side's clock is coarse.
 * - `values` holds the side's own property names. A person is an e-mail address or null; a reference is the
 *   id of the record that it points to, on the same side.
 */
export interface SyncRecord {
  ref: RecordRef;
  version: string;
  order: number;
  createdAt: string;
  updatedAt: string;
  /** `redacted`: its whole text was removed for good. */
  state: 'live' | 'archived' | 'deleted' | 'redacted';
  values: Values;
  /** The counterpart that a back-reference of ours names; null when there is none. */
  backRef: RefKey | null;
  /** Whether another application's value is stored in the property of the back-reference. */
  foreignBackRef: boolean;
  /**
   * Why this record is out of scope by its nature, e.g. a comment that is its ticket's description; null if it is not.
   */
  skip: string | null;
  /** The parent on the same side: a comment's ticket, a note's project. Absent for other records. */
  parent?: RefKey;
  /**
   * Whether `values` names every property that the side has, so that a missing property does not exist. Absent if the
   * API may omit empty properties: a missing property is then empty.
   */
  complete?: true;
  /**
   * Elements of list properties, by property and in the side's own spelling, that `values` leaves out because they
   * belong to another property: Zendesk keeps the options of a drop-down among the tags. Absent if there are none.
   */
  owned?: Record<string, string[]>;
  /** Names of the people whose addresses are in `values`, as far as the side shows them. Absent if there are none. */
  names?: Names;
  /**
   * In the answer to a write: the values that were left out because the side refuses them, with the side's words, by
   * property. Absent if all values were written.
   */
  leftOut?: Record<string, string>;
  /**
   * Files on the record; absent if its kind has none. A file that is not listed may still exist, unless it is
   * `redacted`.
   */
  attachments?: Attachment[];
}

/** A file on a record, without its content. */
export interface Attachment {
  id: string;
  fileName: string;
  contentType: string;
  /** Bytes. */
  size: number;
  /** Its content was removed for good. */
  redacted: boolean;
}
