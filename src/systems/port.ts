import type { Readable } from 'node:stream';
import type { DataType } from '../sync/mapping';
import type { Json, Names, RecordRef, RefKey, Side, SyncRecord, Values } from '../sync/record';
import type { BulkWrites } from './bulkWrites';
import type { Unreadable } from './unreadable';

/** A read's answer: the record as it is now, or that it is gone (never existed, or was removed for good). */
export type ReadResult = { ref: RecordRef; record: SyncRecord } | { ref: RecordRef; record: null };

/** One page of changes. `cursor` resumes after this page and is stored only once the page is handed on. */
export interface ChangePage {
  records: SyncRecord[];
  /** Records that are gone without a body (a permanent delete). */
  gone: RecordRef[];
  /** Records that could not be understood; absent where there is none. */
  unreadable?: readonly Unreadable[];
  cursor: string;
  /** False when the stream is read up to its present end. */
  more: boolean;
}

/** One page of all records of a kind. A record may come twice, and one that changes meanwhile may come or not. */
export interface WalkPage {
  records: SyncRecord[];
  /** Records that could not be understood; absent where there is none. */
  unreadable?: readonly Unreadable[];
  cursor: string | null;
}

/** A property that a side offers to the mapping. */
export interface PropertyInfo {
  name: string;
  /** Other names under which a mapping may speak of it (a custom field's title or key). */
  aliases: string[];
  writable: boolean;
  /** Where the side refuses a second record with the same value. */
  unique?: true;
  /** Of a property that is no custom field: the values it takes, where it takes no others. */
  options?: string[];
  /** Only of a custom field: what it holds. */
  custom?: CustomField;
}

export interface CustomField {
  /** Its title, for people. */
  title: string;
  /** Null for a type that no row of a mapping can carry. */
  type: DataType | null;
  /** The values it takes, where it takes no others. */
  options?: string[];
}

export interface CreateOptions {
  /** The same for every attempt at this create. */
  idempotencyKey: string;
  /** The counterpart, left on the new record so that both can be joined again by it alone. */
  backRef: RefKey;
  /** Of people whom the values name: who is not known yet is made with the name. */
  names?: Names;
  /** What {@link SystemPort.stage} returned for files that the new record is to have from the start. */
  staged?: readonly StagedFile[];
}

/** A file on its way: its content is read once, as it comes. */
export interface OpenFile {
  fileName: string;
  contentType: string;
  /** Bytes. */
  size: number;
  content: Readable;
}

/** A file that the side has, though no record has it yet. */
export interface StagedFile {
  token: string;
  /** Its id once a record has it. */
  id: string;
}

export interface AttachOptions extends CreateOptions {
  /** Whether customers may see it, where the side can tell. */
  isPublic: boolean;
}

export interface UpdateOptions {
  /** The version that the change is based on. */
  version: string;
  /** Leave this back-reference with the write; null to leave it as it is. */
  backRef: RefKey | null;
  /** Of people whom the values name: who is not known yet is made with the name. */
  names?: Names;
}

export interface Updated {
  record: SyncRecord;
  /** What changed properties held just before, where the system tells; empty where its precondition is exact. */
  replaced: Values;
}

/**
 * Keeps who may see a record where a side shows that with other records only: Zendesk shows the visibility of a ticket, which
 * is that of its first comment, with the ticket's comments.
 */
export interface VisibilityMemory {
  /**
   * @param isHandedOn whether the records are about to be handed on with what this answers
   * @returns what is known, by id: true where customers see the record
   */
  recall(ids: readonly string[], isHandedOn?: boolean): Promise<ReadonlyMap<string, boolean>>;
  /** @returns the ids of records that were last handed on with another visibility, or without one */
  learn(said: ReadonlyMap<string, boolean>): Promise<string[]>;
}

/**
 * What the sync needs of a system. Both sides implement it; the core never asks which one it talks to.
 *
 * Every method may throw the classes in `errors.ts`. Values are under the side's own property names; a
 * person is an e-mail address or null, a reference is a record id of the same side.
 */
export interface SystemPort {
  readonly side: Side;

  /** Whether no two states of a record share an `order`: a counter, rather than a clock that ticks in seconds. */
  readonly exactOrder: boolean;

  /** Where true, the system itself refuses a second record with the same back-reference. */
  uniqueBackRef(kind: string): boolean;

  /**
   * Whether the system itself answers a create that comes again with its idempotency key with the record of the first.
   * Where it does not, the back-reference alone tells that it was done.
   */
  hasIdempotencyKeys(kind: string): boolean;

  /**
   * How long after it was given up a request may still be carried out, in milliseconds: a look for what it made waits so
   * long. Absent where an answer that is lost says that it was carried out or never will be.
   */
  readonly lateMs?: number;

  /**
   * Whether an update can be bound to a version. Where it cannot, the record is read and compared right before; an edit
   * between that read and the write, some milliseconds, goes unnoticed.
   */
  hasPrecondition(kind: string): boolean;

  /** The properties of a kind, custom fields included, for checking a mapping before anything is written. */
  properties(kind: string): Promise<PropertyInfo[]>;

  /** Grows where the system itself notices that its fields changed; absent where it does not look. */
  readonly fieldsRevision?: number;

  /** Checks address and credential with one call. @returns whom the credential belongs to, for a log line. */
  whoAmI(): Promise<string>;

  /** The id by which this side's events name whoever our own credential belongs to; asked for once. */
  ownId(): Promise<string>;

  /** Reads records of any kinds, in as few calls as the API allows. Results come in the order of the refs. */
  read(refs: RecordRef[]): Promise<ReadResult[]>;

  /**
   * Looks for the records that carry a back-reference. `near` holds the values of the intended create, for
   * systems where a record is found only by its parent (a comment by its ticket).
   */
  findByBackRef(kind: string, backRef: RefKey, near: Values): Promise<SyncRecord[]>;

  /** Whether records of a kind can be looked for by a property, which is what match rules need. */
  canFind(kind: string, property: string): boolean;

  /** Looks for live records whose property equals the value, or is a list that holds it (ignoring case). At most 10 are returned. */
  findByProperty(kind: string, property: string, value: Json): Promise<SyncRecord[]>;

  /**
   * People whom the side refuses are left out, as `leftOut` of the answer says.
   * @returns the record as created. @throws AlreadyExists where a unique value is taken; ReferenceGone.
   */
  create(kind: string, values: Values, options: CreateOptions): Promise<SyncRecord>;

  /** As {@link create}. @throws PreconditionFailed where the record moved on; RecordGone; ReferenceGone. */
  update(ref: RecordRef, changes: Values, options: UpdateOptions): Promise<Updated>;

  /**
   * Says that a value which this side cannot change any more was changed on the other: Zendesk adds a comment.
   * `values.text` is the new text, `values.public` whether customers may read it.
   * Safe to repeat with the same idempotency key. @returns the record that the follow-up belongs to, re-read.
   */
  followUp(ref: RecordRef, values: Values, options: CreateOptions): Promise<SyncRecord>;

  /** Archives a record (the mapping's `onDelete: archive`). */
  archive(ref: RecordRef, options: { version: string }): Promise<SyncRecord>;

  /** Removes for good what a record says (the mapping's `onRedact`). Once more changes nothing. */
  redact(ref: RecordRef, options: { version: string }): Promise<SyncRecord>;

  /**
   * Begins to read a file of a record. An address that the side gives for it is fetched only where the connection
   * allows it.
   * @throws NeedsHuman where the file is gone, too large, or at an address that may not be fetched
   */
  openFile(ref: RecordRef, id: string): Promise<OpenFile>;

  /** Puts a file there before the record that will have it; absent where files are added to a record that exists. */
  stage?(file: OpenFile): Promise<StagedFile>;

  /**
   * Adds a file to a record that exists. Safe to repeat with the same idempotency key; `open` is called only where the
   * content is needed. @returns the file's id, and the record where it has a new version
   */
  attach(
    ref: RecordRef,
    open: () => Promise<OpenFile>,
    options: AttachOptions,
  ): Promise<{ id: string; record: SyncRecord | null }>;

  /** Removes a file's content for good. Once more changes nothing. @returns the record where it has a new version */
  detach(ref: RecordRef, id: string): Promise<SyncRecord | null>;

  /** Absent where every record shows who may see it. Without a call, what one process has seen is known to it alone. */
  rememberIn?(memory: VisibilityMemory): void;

  /** Names of the change streams, e.g. `tickets`, `organizations`, `comments`. */
  readonly streams: readonly string[];

  /** Streams that have nothing new unless another moved, and that other: comments follow tickets. */
  readonly follows: Readonly<Partial<Record<string, string>>>;

  /** Reads the next page of a stream; `cursor` null begins with the oldest record. */
  changes(stream: string, cursor: string | null): Promise<ChangePage>;

  /** A cursor from which a stream gives all changes since a time, and maybe some before it; null: its beginning. */
  cursorAt(stream: string, since: Date): Promise<string | null>;

  /** A cursor from which a stream gives all changes from now on, and maybe some before; one call at most. */
  cursorNow(stream: string): Promise<string | null>;

  /** Absent where the system has none. */
  readonly bulk?: BulkWrites;

  /** Kinds whose walk reads all that ever happened, rather than a list: too much for every night. */
  readonly histories: readonly string[];

  /**
   * Reads all records of a kind, those that ended included as far as the system shows them, page by page; those whose
   * last change was before `since` may be left out. `cursor` null begins; the answer's is null after the last page.
   */
  walk(kind: string, cursor: string | null, since: Date | null): Promise<WalkPage>;
}
