import type { Json, RecordRef, RefKey, SyncRecord, Values } from '../sync/record';
import type { RefusalCode } from '../sync/reasons';
import { NeedsHuman } from './errors';
import type {
  AttachOptions,
  ChangePage,
  CreateOptions,
  OpenFile,
  PropertyInfo,
  ReadResult,
  SystemPort,
  UpdateOptions,
  Updated,
  WalkPage,
} from './port';

/**
 * A PMS with the least that a sync needs. An adapter overrides the methods and flags of what its system offers beside.
 * The sync does without the rest, or does it in another way.
 */
export abstract class BasicSystem implements SystemPort {
  readonly side = 'pms';
  readonly exactOrder: boolean = false;
  /** No change streams: only the reconcile finds changes. */
  readonly streams: readonly string[] = [];
  readonly follows: Readonly<Partial<Record<string, string>>> = {};
  readonly histories: readonly string[] = [];

  abstract properties(kind: string): Promise<PropertyInfo[]>;
  abstract whoAmI(): Promise<string>;
  abstract read(refs: RecordRef[]): Promise<ReadResult[]>;
  abstract walk(kind: string, cursor: string | null, since: Date | null): Promise<WalkPage>;
  abstract findByBackRef(kind: string, backRef: RefKey, near: Values): Promise<SyncRecord[]>;
  abstract create(kind: string, values: Values, options: CreateOptions): Promise<SyncRecord>;
  abstract update(ref: RecordRef, changes: Values, options: UpdateOptions): Promise<Updated>;

  uniqueBackRef(_kind: string): boolean {
    return false;
  }

  hasIdempotencyKeys(_kind: string): boolean {
    return false;
  }

  hasPrecondition(_kind: string): boolean {
    return false;
  }

  ownId(): Promise<string> {
    return this.whoAmI();
  }

  canFind(_kind: string, _property: string): boolean {
    return false;
  }

  async findByProperty(kind: string, property: string, _value: Json): Promise<SyncRecord[]> {
    throw new NeedsHuman('unsupported_match', `the PMS cannot look for a ${kind} by "${property}"`);
  }

  async followUp(ref: RecordRef, _values: Values, _options: CreateOptions): Promise<SyncRecord> {
    throw cannot('cannot_follow_up', ref);
  }

  async archive(ref: RecordRef, _options: { version: string }): Promise<SyncRecord> {
    throw cannot('cannot_archive', ref);
  }

  async redact(ref: RecordRef, _options: { version: string }): Promise<SyncRecord> {
    throw cannot('cannot_redact', ref);
  }

  async openFile(ref: RecordRef, _id: string): Promise<OpenFile> {
    throw cannot('cannot_open_file', ref);
  }

  async attach(
    ref: RecordRef,
    _open: () => Promise<OpenFile>,
    _options: AttachOptions,
  ): Promise<{ id: string; record: SyncRecord | null }> {
    throw new NeedsHuman('attachment_refused', `the PMS keeps no files on a ${ref.kind}`);
  }

  async detach(ref: RecordRef, _id: string): Promise<SyncRecord | null> {
    throw cannot('cannot_detach', ref);
  }

  async changes(stream: string, _cursor: string | null): Promise<ChangePage> {
    throw new Error(`the PMS has no stream "${stream}"`);
  }

  async cursorAt(stream: string, _since: Date): Promise<string | null> {
    throw new Error(`the PMS has no stream "${stream}"`);
  }

  async cursorNow(stream: string): Promise<string | null> {
    throw new Error(`the PMS has no stream "${stream}"`);
  }
}

function cannot(code: RefusalCode & `cannot_${string}`, { kind }: RecordRef): NeedsHuman {
  return new NeedsHuman(code, `the PMS does not offer it for a ${kind}`);
}
