import { refKey } from '../../sync/canonicalKey';
import {
  comparedRows,
  writesTo,
  type EntityMapping,
  type Mapping,
  type PropertyRow,
} from '../../sync/mapping';
import {
  ENTITY_TYPES,
  otherSide,
  type EntityType,
  type Json,
  type RefKey,
  type Values,
} from '../../sync/record';
import { NO_REFERENCES, fromCanonical, referenceKinds, sameValue, toCanonical } from '../../sync/values';
import type { PropertyInfo, SystemPort } from '../../systems/port';

/** Builds records of a kind from the mapping, so that the checks write the same properties as the sync. */

const TEXTUAL = ['copy', 'html'];

/** A property that holds text. */
export interface TextProperty {
  name: string;
  row: PropertyRow;
}

export class Subject {
  readonly entity: EntityType;
  readonly kind: string;
  /** The mapping's first compared text, and its first long text. */
  readonly title: TextProperty | null;
  readonly body: TextProperty | null;
  /** Records that new records of this kind belong to, by entity. */
  readonly parents: Partial<Record<EntityType, string>> = {};
  private readonly rows: readonly PropertyRow[];

  constructor(
    private readonly port: SystemPort,
    private readonly mapping: Mapping,
    private readonly table: EntityMapping,
    private readonly offered: readonly PropertyInfo[],
    /** The name in the report: the kind, unless two entities share it. */
    readonly name: string,
  ) {
    this.entity = table.entity;
    this.kind = table.kind[port.side];
    this.rows = table.rows.filter((row) => writesTo(row, port.side));
    const compared = comparedRows(table).flatMap((row) => this.textOf(row));
    const texts = compared.length > 0 ? compared : table.rows.flatMap((row) => this.textOf(row));
    // Systems require a title of their own, and no custom field for it.
    const ofType = (type: PropertyRow['type']) => {
      const all = texts.filter(({ row }) => row.type === type);
      return all.find(({ name }) => this.infoOf(name)?.custom === undefined) ?? all[0];
    };
    this.title = ofType('string') ?? texts[0] ?? null;
    this.body = ofType('text') ?? this.title;
  }

  /** The title and the body; one text if they are the same. */
  get texts(): TextProperty[] {
    const { title, body } = this;
    return [title, ...(body?.row === title?.row ? [] : [body])].filter((each) => each !== null);
  }

  /** A text that can be changed after creation; null if the mapping has none. */
  get editable(): TextProperty | null {
    const { side } = this.port;
    return this.texts.find(({ row }) => row.write === 'always' && row.fixed?.side !== side) ?? null;
  }

  /** The properties that the mapping writes and the system has. */
  get declared(): { name: string; row: PropertyRow; options: string[] | undefined }[] {
    return this.rows.flatMap((row) => {
      const info = this.infoOf(row[this.port.side] ?? '');
      return info?.writable ? [{ name: info.name, row, options: info.custom?.options }] : [];
    });
  }

  /** The {@link declared} properties that name people. */
  get personProperties(): string[] {
    return this.declared.flatMap(({ name, row }) => (row.transform.kind === 'person' ? [name] : []));
  }

  /** An entity's kind of record in this system. */
  kindOf(entity: EntityType): string {
    return this.mapping.entities[entity].kind[this.port.side];
  }

  get matchProperties(): string[] {
    return this.table.match.map((rule) => this.nameOf(rule[this.port.side]));
  }

  /** Properties that the mapping writes but the system lacks or does not accept. */
  get faults(): { missing: string[]; readOnly: string[] } {
    const named = this.rows.map((row) => row[this.port.side] ?? '');
    return {
      missing: named.filter((name) => this.infoOf(name) === undefined),
      readOnly: named.filter((name) => this.infoOf(name)?.writable === false),
    };
  }

  /** The property that makes a comment public or internal, with its values. */
  get visibility(): { name: string; values: Json[] } | null {
    const row = this.rows.find(({ zendesk, transform }) => zendesk === 'public' && transform.kind === 'enum');
    if (this.entity !== 'CommentToProject' || row?.transform.kind !== 'enum') return null;
    return {
      name: this.nameOf(row[this.port.side] ?? ''),
      values: [...row.transform.toZendesk.keys()].map((value) => this.own(row, value)),
    };
  }

  /** A back-reference to a record that does not exist. */
  backRef(id: string): RefKey {
    const side = otherSide(this.port.side);
    return refKey({ side, kind: this.table.kind[side], id });
  }

  /** The values of a new record that contains a text. */
  values(words: string): Values {
    const values: Values = {};
    for (const [name, [value]] of Object.entries(this.table.filter[this.port.side]))
      if (value !== undefined) values[this.nameOf(name)] = value;
    for (const row of this.rows) {
      const value = this.valueOf(row, words);
      if (value !== undefined) values[this.nameOf(row[this.port.side] ?? '')] = value;
    }
    return values;
  }

  /** Whether a property holds the written value, compared like the sync does. */
  same(property: string, wrote: Json, found: Json | undefined): boolean {
    const row = this.rows.find((each) => this.nameOf(each[this.port.side] ?? '') === property);
    if (!row || row.transform.kind === 'reference') return sameValue(wrote, found);
    const canonical = (value: Json | undefined) => {
      const kinds = referenceKinds(this.mapping, this.table);
      const read = toCanonical(row, this.port.side, value, NO_REFERENCES, kinds);
      return read.ok ? read.value : undefined;
    };
    return found !== undefined && sameValue(canonical(wrote), canonical(found));
  }

  private valueOf(row: PropertyRow, words: string): Json | undefined {
    const { transform } = row;
    switch (transform.kind) {
      case 'copy':
      case 'html':
        if ([this.title, this.body].some((each) => each?.row === row)) return words;
        return row.type === 'boolean' ? row.default : undefined;
      case 'enum':
        return this.own(row, [...transform.toPms.values()][0] ?? null);
      case 'constant':
        return transform.value;
      case 'template':
        return words;
      case 'reference':
        return this.parents[transform.entity];
      case 'tags':
      case 'person':
        return undefined;
    }
  }

  /** Converts a canonical value to this side's form. */
  own(row: PropertyRow, value: Json): Json {
    const result = fromCanonical(row, this.port.side, value, NO_REFERENCES);
    return result.ok ? result.value : null;
  }

  private textOf(row: PropertyRow): TextProperty[] {
    const { side } = this.port;
    const name = row[side];
    const fits =
      writesTo(row, side) &&
      (row.type === 'string' || row.type === 'text') &&
      TEXTUAL.includes(row.transform.kind);
    if (!fits || name === null) return [];
    const info = this.infoOf(name);
    return info?.writable && info.custom?.options === undefined ? [{ name: info.name, row }] : [];
  }

  private infoOf(name: string): PropertyInfo | undefined {
    return this.offered.find((each) => each.name === name || each.aliases.includes(name));
  }

  private nameOf(name: string): string {
    return this.infoOf(name)?.name ?? name;
  }
}

/** A subject for each entity of the mapping, parents first. */
export async function subjectsOf(port: SystemPort, mapping: Mapping): Promise<Subject[]> {
  const subjects: Subject[] = [];
  for (const entity of ENTITY_TYPES) {
    const table = mapping.entities[entity];
    const kind = table.kind[port.side];
    const isShared = subjects.some((each) => each.kind === kind);
    const name = isShared ? `${kind} (comment)` : kind;
    subjects.push(new Subject(port, mapping, table, await port.properties(kind), name));
  }
  return subjects;
}
