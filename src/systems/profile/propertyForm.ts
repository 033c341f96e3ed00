import type { Json, Names } from '../../sync/record';
import { isEmpty, sameValue, textOf } from '../../sync/values';
import { NeedsHuman } from '../errors';
import type { Entries, Entry } from './entries';
import { fieldOf } from './fieldPath';
import type { Kind, Property } from './kindSchema';
import { RequestTemplate } from './template';
import type { Times } from './times';

export const CUSTOM = 'customFields.';
/** The name under which expressions read the directory entries that a record references. */
export const ENTRIES = 'entries';

export type RawRecord = { [key: string]: Json };
export type CustomFields = ReadonlyMap<string, Json>;
/** The loaded directory entries that records reference. */
export type Known = ReadonlyMap<Entries, ReadonlyMap<string, Entry>>;

/** Options for the look-up of entries that values name; `leftOut` collects the values without an entry. */
export interface Naming {
  names: Names;
  /** Properties whose look-up bypasses the cache. */
  again: ReadonlySet<string>;
  /** The reasons why values were left out, by property. The look-ups add to it. */
  leftOut: Record<string, string>;
}

/** One property in a write: a field's value, a separate request that empties the property, or null (left out). */
export type Wire = { value: Json } | { request: RequestTemplate } | null;

/** A value in a form that the profile does not define. */
export class WrongForm extends Error {
  constructor(
    readonly found: Json,
    readonly expected: string,
  ) {
    super(`found ${JSON.stringify(found)}, expected ${expected}`);
  }
}

/** Converts one property between the API's form and the sync's. Prepared once, because every record uses it. */
export class PropertyForm {
  readonly name: string;
  readonly field: string;
  /** The field that is written. */
  readonly at: string;
  readonly makes: boolean;
  private readonly path: readonly string[];
  private readonly custom: string | null;
  private readonly asksEntries: boolean;
  private readonly names: ReadonlyMap<Json, string> | null;

  constructor(
    private readonly property: Property & { name: string },
    private readonly kind: Kind,
    /** The directory whose entries the field references by id. */
    readonly directory: Entries | null,
    private readonly times: Times,
  ) {
    const { name, at = name, read, values } = property;
    this.name = name;
    this.field = read?.text ?? at;
    this.at = at;
    this.makes = property.make === true;
    this.path = at.split('.');
    this.custom = at.startsWith(CUSTOM) && kind.customFields ? at.slice(CUSTOM.length) : null;
    this.asksEntries = read?.names.has(ENTRIES) ?? false;
    this.names = values ? new Map(Object.entries(values).map(([ours, theirs]) => [theirs, ours])) : null;
  }

  /** The ids of the directory entries that a record references. */
  idsIn(raw: RawRecord, custom: CustomFields): string[] {
    const found = this.found(raw, custom, {});
    return found == null
      ? []
      : [found].flat().flatMap((id) => (id === null || typeof id === 'object' ? [] : [textOf(id)]));
  }

  /** The entry that a record references; null if it references none, or several. */
  entryIn(raw: RawRecord, custom: CustomFields, known: Known): Entry | null {
    const [id, ...others] = this.idsIn(raw, custom);
    if (!this.directory || id === undefined || others.length > 0) return null;
    return known.get(this.directory)?.get(id) ?? null;
  }

  /**
   * @returns undefined if a record lacks a field that is not optional
   * @throws WrongForm if the field's value does not have the form that the profile defines
   */
  read(
    raw: RawRecord,
    custom: CustomFields,
    entries: Readonly<Record<string, Entry>>,
    known: Known,
  ): Json | undefined {
    const found = this.found(raw, custom, entries);
    if (found === undefined) return this.property.optional ? null : undefined;
    if (found === null) return null;
    return Array.isArray(found)
      ? found.map((each) => this.readOne(each, known, true))
      : this.readOne(found, known, false);
  }

  private readOne(found: Json, known: Known, inList: boolean): Json {
    const { as } = this.property;
    if (this.directory) {
      if (found === null || typeof found === 'object')
        throw new WrongForm(found, 'the id of an entry, or a list of ids');
      const key = known.get(this.directory)?.get(textOf(found))?.key;
      // Leaving out an unknown entry here would remove it from the record when the list is written back.
      if (key === undefined && inList)
        throw new WrongForm(found, `the id of an entry that "${this.property.in}" has`);
      return key ?? null;
    }
    if (as) return as === 'day' ? this.times.day(found) : this.times.instant(found);
    return this.names ? (this.names.get(found) ?? found) : found;
  }

  /** The field's value; null if it equals the profile's `empty` value. */
  private found(
    raw: RawRecord,
    custom: CustomFields,
    entries: Readonly<Record<string, Entry>>,
  ): Json | undefined {
    const { read, empty } = this.property;
    let found: Json | undefined;
    if (read) found = read.of(this.asksEntries ? withEntries(raw, entries) : raw);
    else if (this.custom !== null) found = custom.get(this.custom) ?? null;
    else found = fieldOf(raw, this.path);
    const isEmptyValue =
      found !== undefined &&
      empty !== undefined &&
      !(empty instanceof RequestTemplate) &&
      sameValue(found, empty);
    return isEmptyValue ? null : found;
  }

  needsRequest(value: Json): boolean {
    return isEmpty(value) && this.property.empty instanceof RequestTemplate;
  }

  /** @throws NeedsHuman if the system cannot hold the value */
  async wire(value: Json, naming: Naming): Promise<Wire> {
    const { write, empty, required } = this.property;
    if (isEmpty(value)) {
      if (required) throw this.invalid('it cannot be empty');
      if (empty instanceof RequestTemplate) return { request: empty };
      if (empty !== undefined) return { value: empty };
      return { value: write ? write.of({ value }) : value };
    }
    const own = Array.isArray(value)
      ? await Promise.all(value.map((each) => this.wireOne(each, true, naming)))
      : await this.wireOne(value, false, naming);
    // A person whom the system does not know is left out.
    if (own === undefined) return null;
    return { value: write ? write.of({ value: own as Json }) : (own as Json) };
  }

  private async wireOne(
    value: Json,
    inList: boolean,
    { names, again, leftOut }: Naming,
  ): Promise<Json | undefined> {
    const { as, values, in: directory } = this.property;
    if (this.directory) {
      const key = textOf(value);
      const wanted = { make: this.makes, name: names[key], again: again.has(this.name) };
      const found = await this.directory.find(key, wanted);
      if ('id' in found) return found.id;
      if (inList) throw this.invalid(`found ${JSON.stringify(value)}, expected one that "${directory}" has`);
      leftOut[this.name] = found.missing;
      return undefined;
    }
    if (as) return as === 'day' ? this.times.toDay(value) : this.times.toInstant(value);
    if (!values) return value;
    const found = values[textOf(value)];
    if (found === undefined)
      throw this.invalid(`found ${JSON.stringify(value)}, expected one of ${Object.keys(values).join(', ')}`);
    return found;
  }

  private invalid(what: string): NeedsHuman {
    return new NeedsHuman('invalid_field', `${this.kind.name}.${this.name}: ${what}`, this.name);
  }
}

function withEntries(raw: RawRecord, entries: Readonly<Record<string, Entry>>): Json {
  return {
    ...raw,
    [ENTRIES]: Object.fromEntries(Object.entries(entries).map(([name, each]) => [name, each.raw])),
  };
}
