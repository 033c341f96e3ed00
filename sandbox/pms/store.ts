import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import {
  DEFAULTS,
  REFERENCES,
  bodies,
  customFieldFault,
  personBody,
  type Change,
  type Fields,
  type Kind,
  type Operation,
  type Person,
  type PmsRecord,
} from './model';

/** An answer that is not a success. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details: Fields = {},
  ) {
    super(message);
  }
}

const PREFIX: Record<Kind, string> = { customer: 'C', project: 'P', note: 'N' };
/** Which fields can be looked up without a scan. */
const INDEXED: Record<Kind, readonly string[]> = {
  customer: ['name', 'domains', 'externalRef'],
  project: ['customerId', 'parentId', 'title', 'externalRef'],
  note: ['projectId', 'externalRef'],
};

/** Ways in which the server breaks its own contract, for testing what checks it. */
export interface Lies {
  ignoreIfMatch: boolean;
  dropFeedEntries: boolean;
  forgetIdempotencyKeys: boolean;
}

/** All records in memory, with indexes and a feed of changes. */
export class PmsStore {
  readonly changes: Change[] = [];
  readonly people = new Map<string, Person>();
  lies: Lies = { ignoreIfMatch: false, dropFeedEntries: false, forgetIdempotencyKeys: false };
  onChange: (change: Change) => void = () => undefined;
  private readonly records: Record<Kind, Map<string, PmsRecord>> = {
    customer: new Map(),
    project: new Map(),
    note: new Map(),
  };
  private readonly indexes = new Map<string, Set<string>>();
  private readonly personByEmail = new Map<string, Person>();
  private readonly deleted = new Set<string>();
  private nextId = 1000;
  private seq = 0;

  constructor(private readonly clock: () => number) {}

  upsertPerson(input: unknown): { person: Person; created: boolean } {
    const body = parse(personBody, input);
    const known = this.personByEmail.get(body.email);
    if (known) {
      known.name = body.name;
      return { person: known, created: false };
    }
    const person: Person = { id: `U-${(this.nextId += 1)}`, ...body, active: true };
    this.people.set(person.id, person);
    this.personByEmail.set(person.email, person);
    return { person, created: true };
  }

  findPerson(email: string): Person | null {
    return this.personByEmail.get(email.toLowerCase()) ?? null;
  }

  get(kind: Kind, id: string): PmsRecord {
    const record = this.records[kind].get(id);
    if (record) return record;
    if (this.deleted.has(id)) throw new Refusal(410, 'gone', `${id} was deleted`);
    throw new Refusal(404, 'not_found', `${id} does not exist`);
  }

  all(kind: Kind): IterableIterator<PmsRecord> {
    return this.records[kind].values();
  }

  /** Records whose indexed field has the value, ignoring case, oldest first. */
  lookUp(kind: Kind, field: string, value: string): PmsRecord[] {
    const ids = this.indexes.get(indexKey(kind, field, value)) ?? new Set<string>();
    return [...ids].flatMap((id) => this.records[kind].get(id) ?? []).sort(byId);
  }

  create(kind: Kind, input: unknown, actorId: string): PmsRecord {
    const body: Fields = { ...DEFAULTS[kind], ...(input as Fields) };
    const fields = clean(parse(bodies[kind] as z.ZodType<Fields>, body));
    this.check(kind, fields, null);
    const now = this.now();
    const extra = kind === 'note' ? { redacted: false, attachments: [] } : {};
    const id = `${PREFIX[kind]}-${(this.nextId += 1)}`;
    const record: PmsRecord = {
      id,
      ...(fields as { externalRef: string | null }),
      ...extra,
      revision: 1,
      createdAt: now,
      updatedAt: now,
      archivedAt: null,
    };
    this.put(kind, record, 'created', actorId);
    return record;
  }

  update(kind: Kind, id: string, input: unknown, ifMatch: string | undefined, actorId: string): PmsRecord {
    const before = this.get(kind, id);
    this.expect(before, ifMatch);
    const changes = clean(parse(bodies[kind].partial() as z.ZodType<Fields>, input));
    if (changes['customFields']) {
      changes['customFields'] = {
        ...(before['customFields'] as Fields),
        ...(changes['customFields'] as Fields),
      };
    }
    const { changed, ...fields } = this.difference(before, changes);
    if (!changed) return before;
    this.check(kind, fields, before);
    return this.revise(kind, before, fields, 'updated', actorId);
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
    const archivedAt = archived ? this.now() : null;
    return this.revise(kind, before, { archivedAt }, archived ? 'archived' : 'unarchived', actorId);
  }

  redact(id: string, ifMatch: string | undefined, actorId: string): PmsRecord {
    const before = this.get('note', id);
    this.expect(before, ifMatch);
    return this.revise(
      'note',
      before,
      { body: '[redacted]', redacted: true, attachments: [] },
      'redacted',
      actorId,
    );
  }

  attach(noteId: string, attachment: Fields, actorId: string): PmsRecord {
    const before = this.get('note', noteId);
    const attachments = [...(before['attachments'] as Fields[]), attachment];
    return this.revise('note', before, { attachments }, 'updated', actorId);
  }

  remove(kind: Kind, id: string, ifMatch: string | undefined, actorId: string): void {
    const before = this.get(kind, id);
    this.expect(before, ifMatch);
    this.unindex(kind, before);
    this.records[kind].delete(id);
    this.deleted.add(id);
    this.note(kind, { ...before, revision: before.revision + 1 }, 'deleted', actorId);
  }

  now(): string {
    return new Date(this.clock()).toISOString();
  }

  private expect(record: PmsRecord, ifMatch: string | undefined): void {
    if (ifMatch === undefined || ifMatch === '*' || this.lies.ignoreIfMatch || ifMatch === etag(record))
      return;
    throw new Refusal(
      412,
      'precondition_failed',
      `${record.id} is at revision ${record.revision}, expected ${ifMatch}`,
      {
        currentRevision: record.revision,
      },
    );
  }

  private difference(before: PmsRecord, changes: Fields): Fields & { changed: boolean } {
    const fields = Object.entries(changes).filter(([key, value]) => !isDeepStrictEqual(before[key], value));
    return { ...Object.fromEntries(fields), changed: fields.length > 0 };
  }

  private check(kind: Kind, fields: Fields, before: PmsRecord | null): void {
    for (const [field, target] of Object.entries(REFERENCES[kind])) {
      const id = fields[field];
      if (typeof id !== 'string') continue;
      const known = target === 'person' ? this.people.has(id) : this.records[target].has(id);
      if (!known) throw new Refusal(422, 'unknown_reference', `${field}: ${id} does not exist`, { field });
    }
    if (typeof fields['parentId'] === 'string' && before) this.refuseCycle(before.id, fields['parentId']);
    for (const [key, value] of Object.entries((fields['customFields'] ?? {}) as Fields)) {
      const fault = customFieldFault(kind, key, value);
      if (fault)
        throw new Refusal(400, 'invalid', `customFields.${key}: ${fault}`, { field: `customFields.${key}` });
    }
    const ref = fields['externalRef'];
    if (typeof ref !== 'string') return;
    const [holder] = this.lookUp(kind, 'externalRef', ref).filter((record) => record.id !== before?.id);
    if (holder) {
      throw new Refusal(409, 'duplicate_external_ref', `externalRef ${ref} belongs to ${holder.id}`, {
        field: 'externalRef',
        existingId: holder.id,
      });
    }
  }

  private refuseCycle(id: string, parentId: string): void {
    for (let at: string | null = parentId; at !== null;) {
      if (at === id)
        throw new Refusal(422, 'cycle', `parentId: ${parentId} lies below ${id}`, { field: 'parentId' });
      at = (this.records.project.get(at)?.['parentId'] as string | null | undefined) ?? null;
    }
  }

  private revise(kind: Kind, before: PmsRecord, fields: Fields, op: Operation, actorId: string): PmsRecord {
    const record: PmsRecord = { ...before, ...fields, revision: before.revision + 1, updatedAt: this.now() };
    this.unindex(kind, before);
    this.put(kind, record, op, actorId);
    return record;
  }

  private put(kind: Kind, record: PmsRecord, op: Operation, actorId: string): void {
    this.records[kind].set(record.id, record);
    for (const key of indexKeys(kind, record)) {
      const ids = this.indexes.get(key) ?? new Set<string>();
      this.indexes.set(key, ids.add(record.id));
    }
    this.note(kind, record, op, actorId);
  }

  private unindex(kind: Kind, record: PmsRecord): void {
    for (const key of indexKeys(kind, record)) this.indexes.get(key)?.delete(record.id);
  }

  private note(kind: Kind, record: PmsRecord, op: Operation, actorId: string): void {
    this.seq += 1;
    if (this.lies.dropFeedEntries && this.seq % 5 === 0) return;
    const { id, revision } = record;
    const change: Change = {
      seq: this.seq,
      at: this.now(),
      kind,
      id,
      op,
      revision,
      actorId,
      record: op === 'deleted' ? null : record,
    };
    this.changes.push(change);
    this.onChange(change);
  }
}

export function etag(record: PmsRecord): string {
  return `"r${record.revision}"`;
}

/** Numeric order of `P-1001`-like ids: the order of creation. */
export function byId(a: PmsRecord, b: PmsRecord): number {
  return numberOf(a.id) - numberOf(b.id);
}

export function numberOf(id: string): number {
  return Number(id.slice(id.indexOf('-') + 1));
}

function parse<T>(schema: z.ZodType<T>, input: unknown): T {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = issue?.code === 'unrecognized_keys' ? issue.keys[0] : issue?.path.map(String).join('.');
  throw new Refusal(400, 'invalid', `${field ?? 'body'}: ${issue?.message ?? 'invalid'}`, {
    field: field ?? null,
  });
}

/** Lists are sets here; the order of what came first is kept. */
function clean(fields: Fields): Fields {
  const entries = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => [
      key,
      key === 'tags' || key === 'domains' ? [...new Set(value as string[])] : value,
    ]);
  return Object.fromEntries(entries) as Fields;
}

function indexKeys(kind: Kind, record: PmsRecord): string[] {
  return INDEXED[kind].flatMap((field) => {
    const value = record[field];
    const values = Array.isArray(value) ? value : [value];
    return values.flatMap((each) => (typeof each === 'string' ? indexKey(kind, field, each) : []));
  });
}

function indexKey(kind: Kind, field: string, value: string): string {
  return `${kind}/${field}/${field.endsWith('Id') || field === 'externalRef' ? value : value.toLowerCase()}`;
}
