import type { Readable } from 'node:stream';
import type { DataType } from '../sync/mapping';
import type { Json, Names, RecordRef, RefKey, Side, SyncRecord, Values } from '../sync/record';
import type { BulkWrites } from './bulkWrites';
import type { Unreadable } from './unreadable';

/** The result of a read: the present record, or null if it does not exist (any more). */
export type ReadResult = { ref: RecordRef; record: SyncRecord } | { ref: RecordRef; record: null };

/** One page of changes. `cursor` resumes after this page, and is stored only after the page was dispatched. */
export interface ChangePage {
  records: SyncRecord[];
  /** Records that were permanently deleted, so that they have no content. */
  gone: RecordRef[];
  /** Records that cannot be parsed; absent if there are none. */
  unreadable?: readonly Unreadable[];
  cursor: string;
  /** Whether another page can be read now. */
  more: boolean;
  /** The stream has more changes, but shows them only later; `more` is false then. */
  moreLater?: true;
}

/** One page of all records of a kind. A record may occur twice, and one that changes during the walk may be missing. */
export interface WalkPage {
  records: SyncRecord[];
  /** Records that cannot be parsed; absent if there are none. */
  unreadable?: readonly Unreadable[];
  cursor: string | null;
}

/** A property of a side that a mapping may use. */
export interface PropertyInfo {
  name: string;
  /** Other names that a mapping may use (the title or key of a custom field). */
  aliases: string[];
  writable: boolean;
  /** Whether the side refuses a second record with the same value. */
  unique?: true;
  /** For a property that is no custom field: the values that it accepts, if it accepts no others. */
  options?: string[];
  /**
   * For a list: elements that belong to other properties of the record, so that adding or removing one of them sets that
   * property. The sync leaves them alone on both sides.
   */
  reserved?: string[];
  /** Only for a custom field: its definition. */
  custom?: CustomField;
}

export interface CustomField {
  /** The title, for people. */
  title: string;
  /** Null for a type that no row of a mapping supports. */
  type: DataType | null;
  /** The values that it accepts, if it accepts no others. */
  options?: string[];
}

export interface CreateOptions {
  /** The same for every attempt at this create. */
  idempotencyKey: string;
  /** The counterpart, which is stored on the new record. A lost link can be restored from it. */
  backRef: RefKey;
  /** Names of people in the values. A person whom the side does not know is created with the name. */
  names?: Names;
  /** The results of {@link SystemPort.stage} for files that the new record gets at its creation. */
  staged?: readonly StagedFile[];
}

/** A file that is being copied. Its content is a stream, which is read once. */
export interface OpenFile {
  fileName: string;
  contentType: string;
  /** Bytes. */
  size: number;
  content: Readable;
}

/** A file that was uploaded to the side, and is not on a record yet. */
export interface StagedFile {
  token: string;
  /** The id that it gets on a record. */
  id: string;
}

export interface AttachOptions extends CreateOptions {
  /** Whether customers may see it, if the side has this distinction. */
  isPublic: boolean;
}

export interface UpdateOptions {
  /** The version that the change is based on. */
  version: string;
  /** The back-reference to write; null to leave the present one. */
  backRef: RefKey | null;
  /** Names of people in the values. A person whom the side does not know is created with the name. */
  names?: Names;
}

export interface Updated {
  record: SyncRecord;
  /** The former values of the written properties, if the system reports them; empty if its precondition is exact. */
  replaced: Values;
}

/**
 * Stores the visibility of records if a side shows it with other records only. Zendesk shows the visibility of a
 * ticket, which is that of its first comment, with the ticket's comments.
 */
export interface VisibilityMemory {
  /**
   * @param isHandedOn whether the caller is going to dispatch the records with this visibility
   * @param seen visibilities of some of these records that were just seen; they are learned first, in the same read
   * @returns the known visibilities by id: true if customers see the record
   */
  recall(
    ids: readonly string[],
    isHandedOn?: boolean,
    seen?: ReadonlyMap<string, boolean>,
  ): Promise<ReadonlyMap<string, boolean>>;
  /** @returns the ids of records that were last dispatched with another visibility, or without one */
  learn(said: ReadonlyMap<string, boolean>): Promise<string[]>;
}

/**
 * The interface of a system to the sync. Both sides implement it, and the core treats them alike.
 *
 * Every method may throw the classes in `errors.ts`. Values are under the side's own property names; a
 * person is an e-mail address or null, a reference is a record id of the same side.
 */
export interface SystemPort {
  readonly side: Side;

  /** Whether no two states of a record share an `order`: a counter, rather than a clock that ticks in seconds. */
  readonly exactOrder: boolean;

  /** Whether the system refuses a second record with the same back-reference. */
  uniqueBackRef(kind: string): boolean;

  /**
   * Whether the system recognizes a repeated create by its idempotency key, and returns the existing record. If it does
   * not, only the back-reference shows that the create was done.
   */
  hasIdempotencyKeys(kind: string): boolean;

  /**
   * How long after its time-out a request may still be carried out, in milliseconds. A look-up of its result waits this
   * long. Absent if a request that timed out was either carried out already, or never will be.
   */
  readonly lateMs?: number;

  /**
   * Whether an update can have a version as its precondition. If not, the sync reads and compares the record directly
   * before the write; an edit in between, within some milliseconds, is overwritten.
   */
  hasPrecondition(kind: string): boolean;

  /**
   * The properties of a kind, including custom fields. A mapping is checked against them before anything is written.
   */
  properties(kind: string): Promise<PropertyInfo[]>;

  /** Increases when the adapter notices a change of the fields; absent if it does not notice such changes. */
  readonly fieldsRevision?: number;

  /** Checks address and credential with one call. @returns the user of the credential, for a log line */
  whoAmI(): Promise<string>;

  /** The id of our own user in this side's events; requested once. */
  ownId(): Promise<string>;

  /** Reads records of any kinds, in as few calls as the API allows. Results come in the order of the refs. */
  read(refs: RecordRef[]): Promise<ReadResult[]>;

  /**
   * Looks for the records with a back-reference. `near` has the values of the intended create, for
   * systems where a record is found only by its parent (a comment by its ticket).
   */
  findByBackRef(kind: string, backRef: RefKey, near: Values): Promise<SyncRecord[]>;

  /** Whether records of a kind can be looked up by a property, which match rules need. */
  canFind(kind: string, property: string): boolean;

  /**
   * Looks up live records whose property equals the value or is a list with it; case is ignored. Returns at most 10.
   */
  findByProperty(kind: string, property: string, value: Json): Promise<SyncRecord[]>;

  /**
   * People that the side refuses are left out: see `leftOut` of the answer.
   * @returns the created record. @throws AlreadyExists if another record has a unique value; ReferenceGone
   */
  create(kind: string, values: Values, options: CreateOptions): Promise<SyncRecord>;

  /** As {@link create}. @throws PreconditionFailed if the record has changed; RecordGone; ReferenceGone */
  update(ref: RecordRef, changes: Values, options: UpdateOptions): Promise<Updated>;

  /**
   * Adds a follow-up: the other side changed a value that this side cannot change any more. Zendesk adds a comment.
   * `values.text` is the new text, `values.public` whether customers may read it.
   * May be repeated with the same idempotency key. @returns the record that the follow-up belongs to, read again
   */
  followUp(ref: RecordRef, values: Values, options: CreateOptions): Promise<SyncRecord>;

  /** Archives a record (the mapping's `onDelete: archive`). */
  archive(ref: RecordRef, options: { version: string }): Promise<SyncRecord>;

  /** Removes the text of a record for good (the mapping's `onRedact`). A repeat changes nothing. */
  redact(ref: RecordRef, options: { version: string }): Promise<SyncRecord>;

  /**
   * Opens a file of a record for reading. The address of the file is fetched only if the connection allows its host.
   * @throws NeedsHuman if the file does not exist, is too large, or has an address that is not allowed
   */
  openFile(ref: RecordRef, id: string): Promise<OpenFile>;

  /** Uploads a file before its record is created; absent if files are added to existing records. */
  stage?(file: OpenFile): Promise<StagedFile>;

  /**
   * Adds a file to an existing record. May be repeated with the same idempotency key; `open` is called only if the
   * content is needed. @returns the file's id, and the record if it has a new version
   */
  attach(
    ref: RecordRef,
    open: () => Promise<OpenFile>,
    options: AttachOptions,
  ): Promise<{ id: string; record: SyncRecord | null }>;

  /** Removes a file's content for good. A repeat changes nothing. @returns the record if it has a new version */
  detach(ref: RecordRef, id: string): Promise<SyncRecord | null>;

  /**
   * Sets the memory of visibilities. Absent if every record shows its own. If it is not called, each process has its
   * own.
   */
  rememberIn?(memory: VisibilityMemory): void;

  /** Names of the change streams, e.g. `tickets`, `organizations`, `comments`. */
  readonly streams: readonly string[];

  /**
   * Streams that have something new only if another stream, their leader, has something new: comments follow tickets.
   */
  readonly follows: Readonly<Partial<Record<string, string>>>;

  /** Reads the next page of a stream. `cursor`: null for the beginning, with the oldest record. */
  changes(stream: string, cursor: string | null): Promise<ChangePage>;

  /** A cursor from which a stream has all changes since a time, and perhaps earlier ones; null: its beginning. */
  cursorAt(stream: string, since: Date): Promise<string | null>;

  /** A cursor from which a stream has all changes from now on, and perhaps earlier ones. Costs at most one call. */
  cursorNow(stream: string): Promise<string | null>;

  /** Bulk writes; absent if the system has none. */
  readonly bulk?: BulkWrites;

  /** Kinds whose walk reads the whole history of events instead of a list, which is too much for every night. */
  readonly histories: readonly string[];

  /**
   * Reads all records of a kind, page by page, including ended ones if the system shows them. Records that have not
   * changed since `since` may be left out. `cursor`: null for the first page; in the answer, null after the last page.
   */
  walk(kind: string, cursor: string | null, since: Date | null): Promise<WalkPage>;
}
