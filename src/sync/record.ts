/** What both systems look like to the core: sides, references to records, and parsed records. */

export const SIDES = ['zendesk', 'pms'] as const;
export type Side = (typeof SIDES)[number];

export function otherSide(side: Side): Side {
  return side === 'zendesk' ? 'pms' : 'zendesk';
}

export const ENTITY_TYPES = ['OrgToCustomer', 'TicketToProject', 'CommentToProject'] as const;
export type EntityType = (typeof ENTITY_TYPES)[number];

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Property name → value, as one side names and holds it (raw), or row id → canonical value. */
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
  /** `redacted`: what it said was removed for good, all of it. */
  state: 'live' | 'archived' | 'deleted' | 'redacted';
  values: Values;
  /** The counterpart that a back-reference of ours names; null when there is none. */
  backRef: RefKey | null;
  /** True where another application's value occupies the place of the back-reference. */
  foreignBackRef: boolean;
  /** Why this record takes no part by its nature, e.g. a comment that is its ticket's description. */
  skip: string | null;
  /** The record of the same side that this one is said under: a comment's ticket, a note's project. Absent for others. */
  parent?: RefKey;
  /**
   * Whether `values` names every property that the side offers now, so that a property that is missing is not offered.
   * Absent where the API may leave out what is empty: there a missing property is empty.
   */
  complete?: true;
  /**
   * Elements of list properties, by property and in the side's own spelling, that `values` leaves out because they
   * belong to another property: Zendesk keeps the options of a drop-down among the tags. Absent where there are none.
   */
  owned?: Record<string, string[]>;
  /** Names of the people whom `values` name by their addresses, as far as the side tells them. Absent where there are none. */
  names?: Names;
  /**
   * In the answer to a write: what was left out of it, by property, because the side refuses it, and the side's words.
   * Absent where all of it was written.
   */
  leftOut?: Record<string, string>;
  /** Files on the record; absent where its kind has none. One that is not listed says nothing: only `redacted` does. */
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
