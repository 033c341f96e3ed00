import { parseRef, refKey } from '../../sync/canonicalKey';
import type { Names, RecordRef, RefKey, SyncRecord, Values } from '../../sync/record';
import { textOf } from '../../sync/values';
import { NeedsHuman, PreconditionFailed, RecordGone, ReferenceGone } from '../errors';
import type { Request } from '../http';
import type { CreateOptions, UpdateOptions, Updated } from '../port';
import type { Kind } from './kindSchema';
import type { ApiAnswer } from './profileApi';
import type { ProfileLookUps } from './profileLookUps';
import { scopeOf, textOrEmpty, type ProfileReads } from './profileReads';
import type { Records } from './profileRecords';
import type { Naming } from './propertyForm';
import type { RequestTemplate, Scope, Tree } from './template';

/** Attempts to remove a record while others change it. */
const REMOVE_TRIES = 5;

/** One attempt at a write. */
type Sending = Naming & { values: Values; attempt: number };

/** @returns the property whose directory entry (a person, as a rule) was refused; null for any other error */
export function personRefused(records: Records, error: unknown): string | null {
  const isRefusal =
    error instanceof ReferenceGone || (error instanceof NeedsHuman && error.code === 'invalid_field');
  return isRefusal && error.field !== null ? records.pointerAt(error.field) : null;
}

/** Writes records one by one, with a precondition or an idempotency key if the profile defines one. */
export class ProfileWrites {
  constructor(
    private readonly reads: ProfileReads,
    private readonly lookUps: ProfileLookUps,
  ) {}

  /** @param backRef null for a record that a check creates like a person, not like the sync */
  async create(
    kind: string,
    values: Values,
    { idempotencyKey, backRef, names = {} }: Omit<CreateOptions, 'backRef'> & { backRef: RefKey | null },
  ): Promise<SyncRecord> {
    const records = this.reads.recordsOf(kind);
    return this.withoutRefused(records, values, names, (sending) => {
      // An idempotency key belongs to one body, so each changed body gets its own key. A refused create made nothing.
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
    // The separate requests, which empty properties, are not needed for a new record.
    const { scope: filled } = await this.scopeOf(records, values, backRef, naming);
    const scope = { ...filled, within: parent, key: idempotencyKey };
    const answer = await this.reads.api.write(
      this.keyed(records.kind, this.reads.api.request(create, scope, body), idempotencyKey),
    );
    const made = await this.madeBy(records, answer, parent === null ? null : textOf(parent));
    if (made) return made;
    // Without a back-reference, the new record is the latest inside its parent.
    const found =
      backRef !== null
        ? await this.lookUps.findByBackRef(kind, backRef, values)
        : within
          ? await this.reads.parse(await this.reads.insideOf(records, [textOrEmpty(parent)]))
          : [];
    const latest = found.sort((a, b) => a.createdAt.localeCompare(b.createdAt)).at(-1);
    if (!latest)
      throw this.reads.api.unexpected(
        answer.call,
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
      const { scope: filled, requests } = await this.scopeOf(records, values, left, naming);
      const scope = { ...filled, ...records.scopeOf(ref) };
      const needsUpdate = Object.keys(filled.fields).length > 0 || left !== null || requests.length === 0;
      const writes = [
        ...(needsUpdate ? [{ template: update, scope, body }] : []),
        ...requests.map((template) => ({ template, scope: records.scopeOf(ref), body: null })),
      ];
      let written: SyncRecord | null = null;
      // The precondition of each write is the version that the previous write returned.
      for (const write of writes)
        written = await this.bound(records, ref, written?.version ?? version, write);
      return written ?? this.reads.mustRead(ref);
    });
    return { record, replaced: {} };
  }

  /**
   * A refused person must not block the rest of a record's write. The person is looked up again first, as the cached
   * id may be some minutes old, and is left out if the new id is refused, too.
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
    // The loop ends: each attempt looks up one more property's person again, or leaves one more out.
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

  /** Adds the current marker to an edited text, so that the edit does not remove the back-reference. */
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

  /** A write with a precondition, if the profile defines one. */
  private async bound(
    records: Records,
    ref: RecordRef,
    version: string,
    write: { template: RequestTemplate; scope: Scope; body: Tree | null },
  ): Promise<SyncRecord> {
    const answer = await this.reads.api.write(await this.boundRequest(records, ref, version, write));
    return (await this.answered(records, answer, records.scopeOf(ref).within)) ?? this.reads.mustRead(ref);
  }

  private async boundRequest(
    records: Records,
    ref: RecordRef,
    version: string,
    { template, scope, body }: { template: RequestTemplate; scope: Scope; body: Tree | null },
  ): Promise<Request> {
    const { precondition } = records.kind;
    const given: Scope = { ...scope, version };
    const asked = new Set([...template.names, ...(precondition?.value.names ?? [])]);
    if (asked.has('etag')) given['etag'] = await this.etagOf(records, ref, version);
    const value = precondition?.value.of(given) ?? null;
    if (precondition && 'field' in precondition && typeof given['fields'] === 'object')
      given['fields'] = { ...given['fields'], [precondition.field]: value };
    const request = this.reads.api.request(template, given, body);
    if (precondition && 'header' in precondition && value !== null)
      request.headers = { ...request.headers, [precondition.header.toLowerCase()]: textOf(value) };
    return request;
  }

  /** The current ETag of a record that still has the given version. @throws PreconditionFailed, RecordGone */
  private async etagOf(records: Records, ref: RecordRef, version: string): Promise<string | null> {
    const { read } = records.kind;
    if (!read) throw new Error(`"${ref.kind}" cannot be read`);
    const answer = await this.reads.api.send(read, records.scopeOf(ref));
    const raws = await this.reads.stillListed(records, [this.reads.rawOf(records.kind, answer, null)]);
    if (raws.length === 0) throw new RecordGone(`${refKey(ref)} is gone`);
    const [record] = await this.reads.parse(raws);
    if (record?.version !== version) throw new PreconditionFailed(`${refKey(ref)} has moved on`);
    return answer.header('etag');
  }

  /** The new record, from the answer to its create or read by the answer's id; null if the answer has neither. */
  private async madeBy(
    records: Records,
    answer: ApiAnswer,
    within: string | null,
  ): Promise<SyncRecord | null> {
    const { made, name } = records.kind;
    if (!made) return this.answered(records, answer, within);
    const id = this.reads.api.valueOf(made, answer.body, answer.call);
    if (id === null) throw this.reads.api.unexpected(answer.call, made.text, id, 'the id of the new record');
    return this.reads.mustRead({ side: 'pms', kind: name, id: records.idIn(within, textOf(id)) });
  }

  /** The record in the answer to a write; null if the answer holds none. */
  private async answered(
    records: Records,
    answer: ApiAnswer,
    within: string | null,
  ): Promise<SyncRecord | null> {
    const { kind } = records;
    // If the answer to a create holds only an id, the answers to other writes do not hold the record either.
    if (kind.made) return null;
    const raw = this.reads.rawOf(kind, answer, within);
    if (raw.raw === null) return null;
    const [record] = await this.reads.parse([raw]);
    return record ?? null;
  }

  canRemove(kind: string): boolean {
    return this.reads.kindOf(kind).remove !== undefined;
  }

  /** Removes a record for good; a missing record is no error. Only checks call this, never the sync. */
  async remove(ref: RecordRef): Promise<void> {
    const records = this.reads.recordsOf(ref.kind);
    const { remove } = records.kind;
    if (!remove)
      throw new NeedsHuman('cannot_remove', `the profile does not say how to remove a ${ref.kind}`);
    for (let attempt = 1; ; attempt += 1) {
      const [found] = await this.reads.read([ref]);
      if (!found?.record) return;
      const write = { template: remove, scope: records.scopeOf(ref), body: null };
      try {
        await this.reads.api.write(await this.boundRequest(records, ref, found.record.version, write));
        return;
      } catch (error) {
        if (error instanceof RecordGone) return;
        // A changed record is removed all the same, with its new version.
        if (!(error instanceof PreconditionFailed) || attempt === REMOVE_TRIES) throw error;
      }
    }
  }

  async followUp(
    ref: RecordRef,
    values: Values,
    { idempotencyKey, backRef }: CreateOptions,
  ): Promise<SyncRecord> {
    const records = this.reads.recordsOf(ref.kind);
    const { followUp } = records.kind;
    if (!followUp)
      throw new NeedsHuman('cannot_follow_up', `the profile has no request to follow up a ${ref.kind}`);
    const current = await this.reads.mustRead(ref);
    const scope = {
      ...records.scopeOf(ref),
      parent: current.parent === undefined ? null : parseRef(current.parent).id,
      text: values['text'] ?? '',
      public: values['public'] === true,
      key: idempotencyKey,
      backRef,
    };
    await this.reads.api.write(
      this.keyed(records.kind, this.reads.api.request(followUp, scope), idempotencyKey),
    );
    return this.reads.mustRead(ref);
  }

  /** The scope that fills a request's body: the values in the API's form, and the back-reference. */
  async scopeOf(
    records: Records,
    values: Values,
    backRef: RefKey | null,
    naming: Naming,
  ): Promise<{ scope: Scope & { fields: Scope }; requests: RequestTemplate[] }> {
    const { fields, requests } = await records.toFields(records.marked(values, backRef), backRef, naming);
    return { scope: { ...scopeOf(records.kind), fields, backRef }, requests };
  }

  /** Adds the idempotency key, if the profile names a header for it. */
  keyed({ idempotency }: Kind, request: Request, key: string): Request {
    return idempotency
      ? { ...request, headers: { ...request.headers, [idempotency.header.toLowerCase()]: key } }
      : request;
  }
}
