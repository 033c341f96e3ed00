import type { Side } from './insidePeople';

/** What people did, so that the checker can ask after every single edit. Knows nothing of the sync. */

/** Properties whose values are unique, so that a value says which edit it came from. */
export type Property = 'title' | 'tags' | 'name' | 'description' | 'notes' | 'dueDate' | 'order';

export interface EditEntry {
  side: Side;
  /** `zendesk:ticket:12`, `pms:customer:C-1001` */
  ref: string;
  property: Property;
  value: string;
  /** What stood there on that side just before: an edit that saw this value rightly replaced it. */
  replaced: string;
  at: string;
  /** Id of the custom field, in Zendesk. */
  field?: number;
  /** The text is one that customers may not see. */
  internal?: boolean;
}

/** Words that must be found on the other side as often as they were said. */
export interface Saying {
  side: Side;
  /** The ticket or project that it was said on. */
  parent: string;
  ref: string;
  token: string;
  redacted: boolean;
  /** Whether customers could see it when it was said. */
  shown: boolean;
  /** It was made internal later. */
  hidden?: boolean;
  /** Its file was redacted. */
  fileGone?: boolean;
}

export class Journal {
  readonly edits: EditEntry[] = [];
  readonly sayings: Saying[] = [];
  private tokens = 0;

  /** Text that occurs nowhere else. */
  token(what: string): string {
    this.tokens += 1;
    return `${what}-${this.tokens}x`;
  }

  edited(edit: Omit<EditEntry, 'at'>): void {
    // A save that changes nothing says nothing.
    if (edit.value !== edit.replaced) this.edits.push({ ...edit, at: new Date().toISOString() });
  }

  said(saying: Saying): void {
    this.sayings.push(saying);
  }
}
