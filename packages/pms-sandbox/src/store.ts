import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { FIELDS, customFieldFault, type FieldDefinition } from './fields';
import {
  DEFAULTS,
  KINDS,
  OPERATIONS,
  REFERENCES,
  bodies,
  etag,
  type Attachment,
  type Change,
  type Fields,
  type FileHolder,
  type Kind,
  type Operation,
  type PmsRecord,
  type StoredFile,
} from './model';
import { kept, liesSchema, spoiled, wiped, type Lies } from './lies';
import type { RestoredRecord, StoreBackup } from './backup';
import { People } from './people';
import { Refusal, notFound, parse } from './refusal';
import { Table } from './table';

/** Fields of an imported record that a client may not set. */
export type Origin = Partial<Pick<PmsRecord, 'id' | 'createdAt' | 'archivedAt'>> & { redacted?: boolean };

/** The feed falsifies every n-th change, if it is set to do so. */
const EVERY = 5;
const REDACTED = '[redacted]';

/** All records in memory, with a feed of changes. Records are replaced, never changed in place. */
export class PmsStore {
  readonly people = new People();
  readonly changes: Change[] = [];
  readonly fields: readonly FieldDefinition[];
  lies: Lies = liesSchema.parse({});
  /** Called for every change in the feed. */
  onChange: (change: Change) => void = () => undefined;
  private readonly tables: Record<Kind, Table>;
  private readonly deleted = new Set<string>();
  private readonly files = new Map<string, StoredFile>();
  private filesMade = 0;
  private seq = 0;
  private writeCounts = noWrites();

  constructor(
    private readonly clock: () => number,
    idsAfter = 0,
    moreFields: readonly FieldDefinition[] = [],
  ) {
    this.fields = [...FIELDS, ...moreFields];
    this.tables = {
      customer: new Table('customer', idsAfter),
      project: new Table('project', idsAfter),
      note: new Table('note', idsAfter),
    };
  }

  get(kind: Kind, id: string): PmsRecord {
    const record = this.tables[kind].get(id);
    if (record) return record;
    if (this.deleted.has(id)) throw new Refusal(410, 'gone', `${id} was deleted`);
    throw notFound(id);
  }

  find(kind: Kind, id: string): PmsRecord | undefined {
    return this.tables[kind].get(id);
  }

  /** Records in the order of their ids, those after a number only. */
  all(kind: Kind, after = 0): Generator<PmsRecord> {
    return this.tables[kind].after(after);
  }

  lookUp(kind: Kind, field: string, value: string): PmsRecord[] {
    return this.tables[kind].lookUp(field, value);
  }

  create(kind: Kind, input: unknown, actorId: string): PmsRecord {
    const fields = this.newFields(kind, input);
    this.checkReferences(kind, fields);
    return this.add(kind, fields, {}, actorId);
  }

  /** Imports a record. Call {@link checkAllReferences} after all records were imported. */
  import(kind: Kind, input: unknown, origin: Origin, actorId: string): PmsRecord {
    const { id } = origin;
    if (id !== undefined && (!this.tables[kind].accepts(id) || this.tables[kind].has(id)))
      throw new Refusal(400, 'invalid', `id: ${id} is taken, or no ${kind}'s id`, { field: 'id' });
    return this.add(kind, this.newFields(kind, input), origin, actorId);
  }

  checkAllReferences(): void {
    for (const kind of ['project', 'note'] as const) {
      for (const record of this.all(kind)) {
        this.checkReferences(kind, record);
        if (kind === 'project' && typeof record['parentId'] === 'string')
          this.refuseCycle(record.id, record['parentId']);
      }
    }
  }

  update(kind: Kind, id: string, input: unknown, ifMatch: string | undefined, actorId: string): PmsRecord {
    const before = this.get(kind, id);
    this.expect(before, ifMatch);
    const asked = asSets(parse(bodies[kind].partial() as z.ZodType<Fields>, input));
    const given = kept(this.lies, kind === 'note' ? asked : wiped(this.lies, asked));
    this.checkCustomFields(kind, given);
    if (given['customFields'] !== undefined)
      given['customFields'] = merged(before['customFields'] as Fields, given['customFields'] as Fields);
    const entries = Object.entries(given).filter(([key, value]) => !isDeepStrictEqual(before[key], value));
    if (entries.length === 0) return before;
    const changes: Fields = Object.fromEntries(entries);
    this.checkReferences(kind, changes);
    this.checkExternalRef(kind, changes, id);
    if (kind === 'project' && typeof changes['parentId'] === 'string')
      this.refuseCycle(id, changes['parentId']);
    return this.revise(kind, before, changes, 'updated', actorId);
  }

  setArchived(
    kind: Kind,
    id: string,
    archived: boolean,
    ifMatch: string | undefined,
    actorId: string,
  ): PmsRecord {
    const before = this.get(kind, id);
    this.expect(before, ifMatch);
    if ((before.archivedAt !== null) === archived) return before;
    if (this.lies.ignoreArchive) return before;
    const archivedAt = archived ? this.now() : null;
    return this.revise(kind, before, { archivedAt }, archived ? 'archived' : 'unarchived', actorId);
  }

  redact(id: string, ifMatch: string | undefined, actorId: string): PmsRecord {
    const before = this.get('note', id);
    this.expect(before, ifMatch);
    if (before['redacted'] === true) return before;
    if (this.lies.ignoreRedaction)
      return this.revise('note', before, { redacted: true }, 'redacted', actorId);
    this.dropFiles(before);
    const fields = { body: REDACTED, redacted: true, attachments: [] };
    return this.revise('note', before, fields, 'redacted', actorId);
  }

  remove(kind: Kind, id: string, ifMatch: string | undefined, actorId: string): void {
    const before = this.get(kind, id);
    this.expect(before, ifMatch);
    if (kind !== 'customer') this.dropFiles(before);
    this.tables[kind].delete(before);
    this.deleted.add(id);
    this.log(kind, { ...before, revision: before.revision + 1 }, 'deleted', actorId);
  }

  attach(
    kind: FileHolder,
    holderId: string,
    { fileName, contentType, content }: { fileName: string; contentType: string; content: Buffer },
    actorId: string,
  ): Attachment {
    const holder = this.get(kind, holderId);
    const id = `A-${1000 + (this.filesMade += 1)}`;
    const attachment = { id, fileName, contentType, size: content.length, url: `/api/v1/attachments/${id}` };
    this.files.set(id, { attachment, content: spoiled(this.lies, content), kind, holderId });
    const attachments = [...(holder['attachments'] as Attachment[]), attachment];
    this.revise(kind, holder, { attachments }, 'updated', actorId);
    return attachment;
  }

  detach(id: string, actorId: string): void {
    const { kind, holderId } = this.file(id);
    if (this.lies.keepFiles) return;
    const holder = this.get(kind, holderId);
    const attachments = (holder['attachments'] as Attachment[]).filter((each) => each.id !== id);
    this.files.delete(id);
    this.deleted.add(id);
    this.revise(kind, holder, { attachments }, 'updated', actorId);
  }

  file(id: string): StoredFile {
    const file = this.files.get(id);
    if (file) return file;
    if (this.deleted.has(id)) throw new Refusal(410, 'gone', `${id} was deleted`);
    throw notFound(id);
  }

  backup(): StoreBackup {
    const { customer, project, note } = this.tables;
    return {
      records: { customer: customer.copy(), project: project.copy(), note: note.copy() },
      changes: [...this.changes],
      seq: this.seq,
      deleted: new Set(this.deleted),
      files: new Map(this.files),
    };
  }

  /**
   * Restores records, files and the feed from a backup. No change is announced. The ids of records that are lost are not
   * used again.
   *
   * @returns the records that the restore changed
   */
  restore(backup: StoreBackup): RestoredRecord[] {
    const restored = Object.values(KINDS).flatMap((kind) => {
      const now = this.tables[kind].copy();
      const then = backup.records[kind];
      this.tables[kind].replaceAll(then);
      return [...new Set([...now.keys(), ...then.keys()])]
        .map((id) => ({ kind, id, before: now.get(id), after: then.get(id) }))
        .filter(({ before, after }) => before !== after);
    });
    this.changes.splice(0, this.changes.length, ...backup.changes);
    this.seq = backup.seq;
    this.deleted.clear();
    for (const id of backup.deleted) this.deleted.add(id);
    this.files.clear();
    for (const [id, file] of backup.files) this.files.set(id, file);
    return restored;
  }

  /** The number of records of a kind ever made. */
  everMade(kind: Kind): number {
    return this.tables[kind].everMade;
  }

  /** The number of writes by kind and operation. */
  writes(): Record<Kind, Record<Operation, number>> {
    return this.writeCounts;
  }

  forgetWrites(): void {
    this.writeCounts = noWrites();
  }

  private now(): string {
    return new Date(this.clock()).toISOString();
  }

  private newFields(kind: Kind, input: unknown): Fields {
    const given = parse(z.record(z.string(), z.unknown()), input);
    const fields = asSets(parse(bodies[kind] as z.ZodType<Fields>, { ...DEFAULTS[kind], ...given }));
    this.checkCustomFields(kind, fields);
    if (fields['customFields'] !== undefined)
      fields['customFields'] = merged({}, fields['customFields'] as Fields);
    this.checkExternalRef(kind, fields, null);
    return kept(this.lies, fields);
  }

  private add(kind: Kind, fields: Fields, origin: Origin, actorId: string): PmsRecord {
    const now = this.now();
    const { externalRef, ...rest } = fields as Fields & { externalRef: string | null };
    const createdAt = origin.createdAt ?? now;
    const record: PmsRecord = {
      id: origin.id ?? this.tables[kind].nextId(),
      ...rest,
      ...(kind === 'note' && { redacted: origin.redacted ?? false }),
      ...(kind !== 'customer' && { attachments: [] }),
      externalRef,
      revision: 1,
      createdAt,
      updatedAt: createdAt,
      archivedAt: origin.archivedAt ?? null,
    };
    return this.put(kind, record, 'created', actorId);
  }

  private expect(record: PmsRecord, ifMatch: string | undefined): void {
    if (ifMatch === undefined || this.lies.ignoreIfMatch) return;
    const accepted = ifMatch.split(',').map((tag) => tag.trim());
    if (accepted.includes('*') || accepted.includes(etag(record))) return;
    const message = `${record.id} is at revision ${record.revision}, expected ${ifMatch}`;
    throw new Refusal(412, 'precondition_failed', message, { currentRevision: record.revision });
  }

  private checkReferences(kind: Kind, fields: Fields): void {
    for (const [field, target] of Object.entries(REFERENCES[kind])) {
      const id = fields[field];
      if (typeof id !== 'string') continue;
      const known = target === 'person' ? this.people.has(id) : this.tables[target].has(id);
      if (!known) throw new Refusal(422, 'unknown_reference', `${field}: ${id} does not exist`, { field });
    }
  }

  private checkCustomFields(kind: Kind, { customFields }: Fields): void {
    for (const [key, value] of Object.entries((customFields ?? {}) as Fields)) {
      const field = `customFields.${key}`;
      const fault = customFieldFault(this.fields, kind, key, value);
      if (fault !== null) throw new Refusal(400, 'invalid', `${field}: ${fault}`, { field });
    }
  }

  private checkExternalRef(kind: Kind, { externalRef }: Fields, ownId: string | null): void {
    if (typeof externalRef !== 'string' || this.lies.allowDuplicateReferences) return;
    const holder = this.lookUp(kind, 'externalRef', externalRef).find(({ id }) => id !== ownId);
    if (!holder) return;
    const message = `externalRef: ${externalRef} belongs to ${holder.id}`;
    const details = { field: 'externalRef', existingId: holder.id };
    throw new Refusal(409, 'duplicate_external_ref', message, details);
  }

  private refuseCycle(id: string, parentId: string): void {
    const seen = new Set<string>();
    // Loaded data may hold a cycle elsewhere: `seen` ends the walk there.
    for (let at: unknown = parentId; typeof at === 'string' && !seen.has(at);) {
      if (at === id)
        throw new Refusal(422, 'cycle', `parentId: ${parentId} is ${id} or lies below it`, {
          field: 'parentId',
        });
      seen.add(at);
      at = this.tables.project.get(at)?.['parentId'];
    }
  }

  private revise(kind: Kind, before: PmsRecord, fields: Fields, op: Operation, actorId: string): PmsRecord {
    const revision = before.revision + (this.lies.keepRevision && op === 'updated' ? 0 : 1);
    const record = { ...before, ...fields, revision, updatedAt: this.now() };
    return this.put(kind, record, op, actorId);
  }

  private put(kind: Kind, record: PmsRecord, op: Operation, actorId: string): PmsRecord {
    const whole =
      kind === 'customer'
        ? { ...record, status: record.archivedAt === null ? 'active' : 'archived' }
        : record;
    this.tables[kind].put(whole);
    this.log(kind, whole, op, actorId);
    return whole;
  }

  private log(kind: Kind, record: PmsRecord, op: Operation, actorId: string): void {
    this.writeCounts[kind][op] += 1;
    this.seq += 1;
    if (this.lies.dropFeedEntries && this.seq % EVERY === 0) return;
    const { id, revision } = record;
    const kept = op === 'deleted' ? null : record;
    const change: Change = { seq: this.seq, at: this.now(), kind, id, op, revision, actorId, record: kept };
    const late = this.lies.backdateFeedEntries && this.seq % EVERY === 0;
    this.changes.splice(late ? -1 : this.changes.length, 0, change);
    this.onChange(change);
  }

  private dropFiles(holder: PmsRecord): void {
    for (const { id } of holder['attachments'] as Attachment[]) {
      this.files.delete(id);
      this.deleted.add(id);
    }
  }
}

/** A null removes a custom field: a field is never present and empty. */
function merged(before: Fields, given: Fields): Fields {
  return Object.fromEntries(Object.entries({ ...before, ...given }).filter(([, value]) => value !== null));
}

/** Removes duplicates from lists, and keeps the order of first occurrence. */
function asSets(fields: Fields): Fields {
  const entries = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => [
      key,
      key === 'tags' || key === 'domains' ? [...new Set(value as string[])] : value,
    ]);
  return Object.fromEntries(entries) as Fields;
}

function noWrites(): Record<Kind, Record<Operation, number>> {
  const none = () => Object.fromEntries(OPERATIONS.map((op) => [op, 0])) as Record<Operation, number>;
  return { customer: none(), project: none(), note: none() };
}
