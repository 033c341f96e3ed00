import type { Side } from './insidePeople';

/** Records the actions of people, so that the checker can look for every edit. Independent of the sync. */

/** Properties whose values are unique, so that a value identifies its edit. */
export type Property = 'title' | 'tags' | 'name' | 'description' | 'notes' | 'dueDate' | 'order';

export interface EditEntry {
  side: Side;
  /** `zendesk:ticket:12`, `pms:customer:C-1001` */
  ref: string;
  property: Property;
  value: string;
  /** The value on that side directly before the edit. An edit may replace a value that it saw. */
  replaced: string;
  at: string;
  /** Id of the custom field, in Zendesk. */
  field?: number;
  /** Customers may not see the text. */
  internal?: boolean;
}

/** A comment or note, which the other side must contain the same number of times. */
export interface JournaledComment {
  side: Side;
  /** The ticket or project that was commented on. */
  parent: string;
  ref: string;
  token: string;
  redacted: boolean;
  /** Whether it was public when it was written. */
  shown: boolean;
  /** Whether it was made internal later. */
  hidden?: boolean;
  /** Whether its file was redacted. */
  isFileRedacted?: boolean;
}

export class Journal {
  readonly edits: EditEntry[] = [];
  readonly comments: JournaledComment[] = [];
  private tokens = 0;

  /** A unique text. */
  token(what: string): string {
    this.tokens += 1;
    return `${what}-${this.tokens}x`;
  }

  edited(edit: Omit<EditEntry, 'at'>): void {
    // A save without a change is no edit.
    if (edit.value !== edit.replaced) this.edits.push({ ...edit, at: new Date().toISOString() });
  }

  commented(comment: JournaledComment): void {
    this.comments.push(comment);
  }
}
