import { parseRef, refKey } from '../../sync/canonicalKey';
import type { Names, RecordRef, RefKey, SyncRecord, Values } from '../../sync/record';
import { textOf } from '../../sync/values';
import { NeedsHuman, PreconditionFailed, ReferenceGone } from '../errors';
import type { Request } from '../http';
import type { CreateOptions, UpdateOptions, Updated } from '../port';
import type { Told } from './profileApi';
import type { ProfileLookUps } from './profileLookUps';
import { scopeOf, textOrEmpty, type ProfileReads } from './profileReads';
import type { Naming, Records } from './profileRecords';
import type { RequestTemplate, Scope, Tree } from './template';

/** One attempt at a write. */
type Sending = Naming & { values: Values; attempt: number };

/** @returns the property whose person a write was refused for; null for any other error */
export function personRefused(records: Records, error: unknown): string | null {
  const isRefusal =
    error instanceof ReferenceGone || (error instanceof NeedsHuman && error.code === 'invalid_field');
  return isRefusal && error.field !== null ? records.pointerAt(error.field) : null;
}

/** Writes records one by one, each bound to a version or to an idempotency key as far as the profile says how. */
export class ProfileWrites {
  constructor(
    private readonly reads: ProfileReads,
    private readonly lookUps: ProfileLookUps,
  ) {}

  /** @param backRef null for what a person makes */
  async create(
    kind: string,
    values: Values,
    { idempotencyKey, backRef, names = {} }: Omit<CreateOptions, 'backRef'> & { backRef: RefKey | null },
  ): Promise<SyncRecord> {
    const records = this.reads.recordsOf(kind);
    return this.withoutRefused(records, values, names, (sending) => {
      // A key belongs to one body. What was refused made nothing.
      const key = sending.attempt === 0 ? idempotencyKey : `${idempotencyKey}/${sending.attempt}`;
      return this.createOnce(records, sending, key, backRef);
    });
  }

  private async createOnce(
    records: Records,
    { values, ...naming }: Sending,
    idempotencyKey: string,
    backRef: RefKey | null,
  ): Promise<SyncRecord> {
    const { name: kind, create, body, within } = records.kind;
    if (!create) throw new NeedsHuman('cannot_create', `the PMS takes no new ${kind}`);
    const parent = within ? (values[within.property] ?? null) : null;
    const fields = await this.scopeOf(records, values, backRef, naming);
    const scope = { ...fields, within: parent, key: idempotencyKey };
    const told = await this.reads.api.write(
      this.keyed(this.reads.api.request(create, scope, body), idempotencyKey),
    );
    const made = await this.answered(records, told, parent === null ? null : textOf(parent));
    if (made) return made;
    // What a person says inside another record is the latest there.
    const found =
      backRef !== null
        ? await this.lookUps.findByBackRef(kind, backRef, values)
        : within
          ? await this.reads.parse(await this.reads.insideOf(records, [textOrEmpty(parent)]))
          : [];
    const latest = found.sort((a, b) => a.createdAt.localeCompare(b.createdAt)).at(-1);
    if (!latest)
      throw this.reads.api.unexpected(
        told.call,
        records.kind.record.text,
        null,
        'the new record, here or by look-up',
      );
    return latest;
  }

  async update(
    ref: RecordRef,
    changes: Values,
    { version, backRef, names = {} }: UpdateOptions,
  ): Promise<Updated> {
    const records = this.reads.recordsOf(ref.kind);
    const { update, body } = records.kind;
    if (!update) throw new NeedsHuman('cannot_update', `the PMS lets nobody change a ${ref.kind}`);
    const [marked, left] = await this.keepingMarker(records, ref, changes, backRef);
    const record = await this.withoutRefused(records, marked, names, async ({ values, ...naming }) => {
      const fields = await this.scopeOf(records, values, left, naming);
      const scope = { ...fields, ...records.scopeOf(ref) };
      return this.bound(records, ref, version, { template: update, scope, body });
    });
    return { record, replaced: {} };
  }

  /**
   * A person whom the system refuses stops nothing else of a record: the person is looked up again, as the id may be
   * some minutes old, and left out if that is refused, too.
   */
  private async withoutRefused(
    records: Records,
    given: Values,
    names: Names,
    send: (sending: Sending) => Promise<SyncRecord>,
  ): Promise<SyncRecord> {
    const values = { ...given };
    const leftOut: Record<string, string> = {};
    const again = new Set<string>();
    // Each attempt looks another person up again, or leaves one out, so that this ends.
    for (let attempt = 0; ; attempt += 1) {
      try {
        const record = await send({ values, names, again, leftOut, attempt });
        return Object.keys(leftOut).length > 0 ? { ...record, leftOut } : record;
      } catch (error) {
        const property = personRefused(records, error);
        if (property === null || (values[property] ?? null) === null) throw error;
        if (again.has(property)) {
          delete values[property];
          leftOut[property] = (error as Error).message;
        } else again.add(property);
      }
    }
  }

  /** A back-reference in a text is there after an edit of the text, too. */
  private async keepingMarker(
    records: Records,
    ref: RecordRef,
    changes: Values,
    backRef: RefKey | null,
  ): Promise<[Values, RefKey | null]> {
    const { backRef: place } = records.kind;
    if (!place || !('in' in place) || (backRef === null && !(place.in in changes))) return [changes, backRef];
    const current = await this.reads.mustRead(ref);
    const kept = records.markedProperties.map((name) => [name, current.values[name] ?? null] as const);
    return [{ ...Object.fromEntries(kept), ...changes }, backRef ?? current.backRef];
  }

  async archive(ref: RecordRef, { version }: { version: string }): Promise<SyncRecord> {
    const records = this.reads.recordsOf(ref.kind);
    const { archive } = records.kind;
    if (!archive) throw new NeedsHuman('cannot_archive', `the PMS archives no ${ref.kind}`);
    return this.bound(records, ref, version, { template: archive, scope: records.scopeOf(ref), body: null });
  }

  async redact(ref: RecordRef, { version }: { version: string }): Promise<SyncRecord> {
    const records = this.reads.recordsOf(ref.kind);
    const { redact } = records.kind;
    if (!redact) throw new NeedsHuman('cannot_redact', `the PMS redacts no ${ref.kind}`);
    return this.bound(records, ref, version, { template: redact, scope: records.scopeOf(ref), body: null });
  }

  /** A write that is bound to a version, as far as the profile says how. */
  private async bound(
    records: Records,
    ref: RecordRef,
    version: string,
    { template, scope, body }: { template: RequestTemplate; scope: Scope; body: Tree | null },
  ): Promise<SyncRecord> {
    const { precondition } = this.reads.api.profile;
    const given: Scope = { ...scope, version };
    if (precondition?.value.names.includes('etag')) given['etag'] = await this.etagOf(records, ref, version);
    const value = precondition?.value.of(given) ?? null;
    if (precondition && 'field' in precondition && typeof given['fields'] === 'object')
      given['fields'] = { ...given['fields'], [precondition.field]: value };
    const request = this.reads.api.request(template, given, body);
    if (precondition && 'header' in precondition && value !== null)
      request.headers = { ...request.headers, [precondition.header.toLowerCase()]: textOf(value) };
    const told = await this.reads.api.write(request);
    return (await this.answered(records, told, records.scopeOf(ref).within)) ?? this.reads.mustRead(ref);
  }

  /** What a record's answer is called, where it is still of the version. @throws PreconditionFailed, RecordGone */
  private async etagOf(records: Records, ref: RecordRef, version: string): Promise<string | null> {
    const { read } = records.kind;
    if (!read) throw new Error(`"${ref.kind}" cannot be read`);
    const told = await this.reads.api.send(read, records.scopeOf(ref));
    const [record] = await this.reads.parse([this.reads.rawOf(records.kind, told, null)]);
    if (record?.version !== version) throw new PreconditionFailed(`${refKey(ref)} has moved on`);
    return told.header('etag');
  }

  /** The record in a write's answer; null where it says nothing of it. */
  private async answered(records: Records, told: Told, within: string | null): Promise<SyncRecord | null> {
    const { kind } = records;
    const raw = this.reads.rawOf(kind, told, within);
    if (raw.raw === null) return null;
    const [record] = await this.reads.parse([raw]);
    return record ?? null;
  }

  /** Removes a record for good; one that is gone already is no error. The sync never does this. */
  async remove(ref: RecordRef): Promise<void> {
    const records = this.reads.recordsOf(ref.kind);
    const { remove } = records.kind;
    if (!remove)
      throw new NeedsHuman('cannot_remove', `the profile does not say how to remove a ${ref.kind}`);
    await this.reads.api.ask(remove, records.scopeOf(ref));
  }

  async followUp(
    ref: RecordRef,
    values: Values,
    { idempotencyKey, backRef }: CreateOptions,
  ): Promise<SyncRecord> {
    const records = this.reads.recordsOf(ref.kind);
    const { followUp } = records.kind;
    if (!followUp)
      throw new NeedsHuman('cannot_follow_up', `nothing can be said of a ${ref.kind} in the PMS`);
    const current = await this.reads.mustRead(ref);
    const scope = {
      ...records.scopeOf(ref),
      parent: current.parent === undefined ? null : parseRef(current.parent).id,
      text: values['text'] ?? '',
      public: values['public'] === true,
      key: idempotencyKey,
      backRef,
    };
    await this.reads.api.write(this.keyed(this.reads.api.request(followUp, scope), idempotencyKey));
    return this.reads.mustRead(ref);
  }

  /** What a record's body is filled from: its values as the system knows them, and its back-reference. */
  async scopeOf(records: Records, values: Values, backRef: RefKey | null, naming: Naming): Promise<Scope> {
    const fields = await records.toFields(records.marked(values, backRef), backRef, naming);
    return { ...scopeOf(records.kind), fields, backRef };
  }

  /** With the idempotency key, where the profile names a header for it. */
  keyed(request: Request, key: string): Request {
    const { idempotency } = this.reads.api.profile;
    return idempotency
      ? { ...request, headers: { ...request.headers, [idempotency.header.toLowerCase()]: key } }
      : request;
  }
}
