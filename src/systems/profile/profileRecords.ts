import { createHash } from 'node:crypto';
import { refKey, tryParseRef } from '../../sync/canonicalKey';
import type { Attachment, Json, Names, RecordRef, RefKey, SyncRecord, Values } from '../../sync/record';
import { textOf } from '../../sync/values';
import { NeedsHuman } from '../errors';
import type { Api } from './profileApi';
import type { Entries, Entry } from './entries';
import type { Expression } from './expression';
import { fieldOf, setAt } from './fieldPath';
import { Marker } from './marker';
import type { Kind } from './kindSchema';
import {
  CUSTOM,
  PropertyForm,
  type CustomFields,
  type Known,
  type Naming,
  type RawRecord,
} from './propertyForm';
import type { RequestTemplate } from './template';
import { Times } from './times';

/** A record as the API returned it, with the call and its place in the answer. */
export interface Raw {
  kind: string;
  raw: Json;
  /** The call's name, for error messages. */
  call: string;
  /** Place in the answer, e.g. `items.3`. */
  at: string;
  /** The id of the record that contains this one. */
  within: string | null;
}

const STATES = ['live', 'archived', 'deleted', 'redacted'] as const;
/** Separates the containing record's id from the record's own id. */
const WITHIN = '.';

/** A write in the API's form: fields, and separate requests for changes that fields cannot express. */
export interface Wired {
  fields: Record<string, Json>;
  requests: RequestTemplate[];
}

/** Converts the records of one kind between the API's form and the sync's. */
export class Records {
  private readonly forms: ReadonlyMap<string, PropertyForm>;
  private readonly pointers: readonly (PropertyForm & { directory: Entries })[];
  private readonly marker: Marker | null;
  private readonly times: Times;

  constructor(
    readonly kind: Kind,
    private readonly api: Api,
    directories: ReadonlyMap<string, Entries>,
  ) {
    this.times = new Times(kind.dates);
    this.forms = new Map(
      Object.entries(kind.properties).map(([name, property]) => {
        const directory = directories.get(property.in ?? '') ?? null;
        return [name, new PropertyForm({ name, ...property }, kind, directory, this.times)];
      }),
    );
    this.pointers = [...this.forms.values()].filter(isPointer);
    const { backRef } = kind;
    this.marker = backRef && 'in' in backRef ? new Marker(backRef.in, backRef.as) : null;
  }

  /** The ids of directory entries that the records reference, by directory. */
  pointsTo(raws: readonly Raw[]): [Entries, string[]][] {
    return this.pointers.map((form) => [
      form.directory,
      raws.flatMap(({ raw, call, at }) =>
        isObject(raw) ? this.wellFormed(form, call, at, () => form.idsIn(raw, this.customOf(raw))) : [],
      ),
    ]);
  }

  /** Splits an id of {@link idIn} into the containing record's id and the record's own id. */
  scopeOf({ id }: Pick<RecordRef, 'id'>): { id: string; within: string | null; collection: Json } {
    const collection = this.kind.collection ?? null;
    if (!this.kind.within) return { id, within: null, collection };
    const at = id.indexOf(WITHIN);
    return { within: id.slice(0, at), id: id.slice(at + 1), collection };
  }

  /** The id by which the sync knows a record. */
  idIn(within: string | null, own: string): string {
    return within === null ? own : `${within}${WITHIN}${own}`;
  }

  /** Converts values to the API's form. People whom the system does not know are created or left out. */
  async toFields(values: Values, backRef: RefKey | null, naming: Naming): Promise<Wired> {
    const wired: Wired = { fields: {}, requests: [] };
    for (const [name, value] of Object.entries(values)) {
      if (name === this.kind.within?.property || this.marker?.names.includes(name)) continue;
      if (name.startsWith(CUSTOM)) this.put(wired.fields, name, value);
      else await this.putProperty(wired, name, value, naming);
    }
    const { backRef: place } = this.kind;
    if (backRef !== null && place && 'at' in place) this.put(wired.fields, place.at, backRef);
    return wired;
  }

  /** Whether writing the values takes separate requests. */
  needsRequests(values: Values): boolean {
    return Object.entries(values).some(([name, value]) => this.forms.get(name)?.needsRequest(value) === true);
  }

  /** The values with the marker appended to its text property; unchanged if the kind has no marker. */
  marked(values: Values, backRef: RefKey | null): Values {
    return this.marker && backRef !== null ? this.marker.added(values, backRef) : values;
  }

  /** The text property that ends with the marker, and the properties inside the marker. */
  get markedProperties(): readonly string[] {
    return this.marker ? [this.marker.property, ...this.marker.names] : [];
  }

  /**
   * Whether the directory has the entry that a value names; an entry is created if the profile allows it.
   * @returns true for a property without a directory
   */
  async knows(property: string, key: string): Promise<boolean> {
    const pointer = this.pointers.find(({ name }) => name === property);
    return !pointer || 'id' in (await pointer.directory.find(key, { make: pointer.makes }));
  }

  /** Fills the directories' caches with all entries that the values name. */
  async prefetch(values: readonly Values[]): Promise<void> {
    for (const { name, makes, directory } of this.pointers) {
      const keys = values.flatMap((each) =>
        [each[name] ?? null].flat().filter((key) => typeof key === 'string'),
      );
      await directory.prefetch(keys, makes);
    }
  }

  /** The properties, in the profile's order. */
  offered(): { name: string; writable: boolean; options?: string[] }[] {
    const { within, properties } = this.kind;
    return [
      ...(within ? [{ name: within.property, writable: true }] : []),
      ...Object.entries(properties).map(([name, { at, values }]) => ({
        name,
        writable: at !== undefined || this.marker?.names.includes(name) === true,
        ...(values && { options: Object.keys(values) }),
      })),
    ];
  }

  /** The directory property whose field or name a refusal names; null if it names another. */
  pointerAt(field: string): string | null {
    return this.pointers.find(({ at, name }) => at === field || name === field)?.name ?? null;
  }

  private async putProperty(
    { fields, requests }: Wired,
    name: string,
    value: Json,
    naming: Naming,
  ): Promise<void> {
    const at = this.kind.properties[name]?.at;
    const form = this.forms.get(name);
    if (at === undefined || !form)
      throw new NeedsHuman(
        'invalid_field',
        `${this.kind.name} has no property "${name}" that can be written`,
        name,
      );
    const wire = await form.wire(value, naming);
    if (!wire) return;
    if ('request' in wire) requests.push(wire.request);
    else this.put(fields, at, wire.value);
  }

  private put(fields: Record<string, Json>, at: string, value: Json): void {
    const { customFields } = this.kind;
    if (at.startsWith(CUSTOM) && customFields) {
      const key = at.slice(CUSTOM.length);
      const { at: place, key: keyField, value: valueField } = customFields;
      if (keyField === undefined || valueField === undefined)
        setAt(fields, `${place}\0${key}`.split('\0'), value);
      else {
        const list = (fields[place] ??= []) as Json[];
        list.push({ [keyField]: numeric(key), [valueField]: value });
      }
    } else setAt(fields, at.split('.'), value);
  }

  private entriesOf(raw: RawRecord, custom: CustomFields, known: Known): Record<string, Entry> {
    const found: Record<string, Entry> = {};
    for (const form of this.pointers) {
      const entry = form.entryIn(raw, custom, known);
      if (entry) found[form.name] = entry;
    }
    return found;
  }

  /** @throws NeedsHuman that names the field which is missing or has a wrong form */
  toRecord({ raw, call, at, within }: Raw, known: Known): SyncRecord {
    const { kind } = this;
    if (!isObject(raw)) throw this.api.unexpected(call, at, raw, 'a record');
    const ask = (expression: Expression) => this.api.valueOf(expression, raw, call, at);
    const fault = (place: string, found: Json, expected: string) =>
      this.api.unexpected(call, `${at}.${place}`, found, expected);
    const own = ask(kind.id);
    if (typeof own !== 'string' && typeof own !== 'number') throw fault(kind.id.text, own, 'an id');
    const values: Values = {};
    const custom = this.customOf(raw);
    const entries = this.entriesOf(raw, custom, known);
    for (const form of this.forms.values()) {
      const value = this.wellFormed(form, call, at, () => form.read(raw, custom, entries, known));
      if (value === undefined) throw fault(form.field, null, 'a value');
      values[form.name] = value;
    }
    if (kind.within) values[kind.within.property] = within;
    for (const [key, value] of custom) values[`${CUSTOM}${key}`] = value;
    const version = ask(kind.version);
    if (version === null) throw fault(kind.version.text, null, 'a version');
    const [createdAt, updatedAt] = [kind.createdAt, kind.updatedAt].map((expression) => {
      const time = this.times.instant(ask(expression));
      if (time === null) throw fault(expression.text, ask(expression), 'a time');
      return time;
    }) as [string, string];
    const order = kind.counted === true ? version : Date.parse(updatedAt);
    if (typeof order !== 'number') throw fault(kind.version.text, version, 'a whole number');
    const state = ask(kind.state);
    if (!isState(state)) throw fault(kind.state.text, state, `one of ${STATES.join(', ')}`);
    const skip = kind.skip ? ask(kind.skip) : null;
    return {
      ref: {
        side: 'pms',
        kind: kind.name,
        id: this.idIn(within, textOf(own)),
      },
      version: typeof version === 'object' ? digest(version) : String(version),
      order,
      createdAt,
      updatedAt,
      state,
      values,
      ...this.backRefOf(raw, values, custom),
      ...namesIn(entries),
      skip: skip === null || skip === false ? null : textOf(skip),
      ...this.parentOf(within, ask),
      ...(kind.files && {
        attachments: this.filesOf(kind.files, raw, call, `${at}.${kind.files.list.text}`),
      }),
    };
  }

  /** @throws NeedsHuman that names the answer's field, if `work` finds a wrong form */
  private wellFormed<T>({ field }: PropertyForm, call: string, at: string, work: () => T): T {
    try {
      return work();
    } catch (error) {
      const place = `${at}.${field}`;
      throw new NeedsHuman('unexpected_response', `${call}: ${place}: ${(error as Error).message}`, place);
    }
  }

  /** The back-reference, from its field or the marker. A marker is removed from `values`. */
  private backRefOf(
    raw: Json,
    values: Values,
    custom: ReadonlyMap<string, Json>,
  ): Pick<SyncRecord, 'backRef' | 'foreignBackRef'> {
    const found = this.marker ? this.unmark(values, this.marker) : this.fieldBackRef(raw, custom);
    const text = found === null || found === '' ? null : textOf(found);
    const ours = tryParseRef(text)?.side === 'zendesk';
    return { backRef: ours ? text : null, foreignBackRef: text !== null && !ours };
  }

  private fieldBackRef(raw: Json, custom: ReadonlyMap<string, Json>): Json {
    const { backRef } = this.kind;
    if (!backRef || !('at' in backRef)) return null;
    const { at } = backRef;
    return (
      (at.startsWith(CUSTOM) ? custom.get(at.slice(CUSTOM.length)) : fieldOf(raw, at.split('.'))) ?? null
    );
  }

  private unmark(values: Values, marker: Marker): string | null {
    const text = values[marker.property];
    const taken = typeof text === 'string' ? marker.taken(text) : null;
    if (!taken) return null;
    Object.assign(values, taken.values);
    return taken.backRef;
  }

  private parentOf(within: string | null, ask: (expression: Expression) => Json): Pick<SyncRecord, 'parent'> {
    const { parent, within: inside } = this.kind;
    const kind = inside?.kind ?? parent?.kind;
    const id = inside ? within : parent ? ask(parent.id) : null;
    return kind === undefined || id === null ? {} : { parent: refKey({ side: 'pms', kind, id: textOf(id) }) };
  }

  private customOf(raw: { [key: string]: Json }): Map<string, Json> {
    const { customFields } = this.kind;
    const held = customFields ? raw[customFields.at] : undefined;
    if (!customFields || held === null || typeof held !== 'object') return new Map();
    const { key, value } = customFields;
    if (!Array.isArray(held)) return new Map(Object.entries(held));
    return new Map(
      held.flatMap((each): [string, Json][] => {
        const id = fieldOf(each, [key ?? '']);
        return id == null ? [] : [[textOf(id), fieldOf(each, [value ?? '']) ?? null]];
      }),
    );
  }

  /** A record without a list of files has none. */
  private filesOf(files: NonNullable<Kind['files']>, raw: Json, call: string, at: string): Attachment[] {
    const list = this.api.valueOf(files.list, raw, call, at) ?? [];
    if (!Array.isArray(list)) throw this.api.unexpected(call, at, list, 'a list');
    return list.map((file, n) => {
      const text = (expression: Expression) => {
        const value = this.api.valueOf(expression, file, call, `${at}.${n}`);
        if (value === null) throw this.api.unexpected(call, `${at}.${n}.${expression.text}`, null, 'a value');
        return textOf(value);
      };
      return {
        id: text(files.id),
        fileName: text(files.fileName),
        contentType: text(files.contentType),
        size: Number(text(files.size)),
        redacted: false,
      };
    });
  }
}

function isPointer(form: PropertyForm): form is PropertyForm & { directory: Entries } {
  return form.directory !== null;
}

function isObject(raw: Json): raw is RawRecord {
  return raw !== null && typeof raw === 'object' && !Array.isArray(raw);
}

function namesIn(entries: Record<string, Entry>): { names?: Names } {
  const named = Object.values(entries).flatMap(({ key, name }) =>
    name === null ? [] : [[key.toLowerCase(), name] as const],
  );
  return named.length > 0 ? { names: Object.fromEntries(named) } : {};
}

function isState(value: Json): value is SyncRecord['state'] {
  return STATES.includes(value as SyncRecord['state']);
}

function numeric(key: string): Json {
  return /^\d+$/.test(key) ? Number(key) : key;
}

function digest(value: Json): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 22);
}
