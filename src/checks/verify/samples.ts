import type { EntityMapping, Mapping, PropertyRow, Transform } from '../../sync/mapping';
import { SIDES, type EntityType, type Json, type Side, type Values } from '../../sync/record';
import { fromCanonical, referenceKinds, sameValue, toCanonical, type References } from '../../sync/values';
import { factOf } from './facts';

/** Test values for rows, in canonical form. */

/** The people, groups, options and records that test values can name. */
export interface World {
  /** The prefix of the names of all records that are made. */
  tag: string;
  /** E-mail addresses that both systems know. */
  agents: string[];
  customers: string[];
  /** The names of Zendesk's groups. */
  groups: string[];
  /** The options of fields, keyed by `SIDE KIND PROPERTY`. */
  options: ReadonlyMap<string, readonly string[]>;
  /** The keys of pairs that a reference can name, by entity. */
  parents: Record<EntityType, string[]>;
  references: References;
  /** A new number. */
  next(): number;
}

export interface Samples {
  create: Json | undefined;
  /** Further values to create a record with. */
  more: Json[];
  edits: Json[];
  /** Values after which the record cannot be changed. */
  last: Json[];
  /** The values that are not tested, with the reason. */
  note: string | null;
}

export function samplesOf(table: EntityMapping, row: PropertyRow, from: Side, world: World): Samples {
  const facts = SIDES.map((side) => factOf(side, table.kind[side], row[side] ?? ''));
  if (isRedacted(table, row, from)) return redactedSamples(world);
  const isOverruled = row.fixed !== null && row.fixed.side !== from && row.fixed.onEdit === 'overrule';
  const found =
    row.transform.kind === 'enum' ? enumSamples(row.transform, from, facts) : others(table, row, world);
  const samples = isOverruled ? { ...found, edits: [...(row.fixed?.except ?? [])], last: [] } : found;
  // Records without this value are out of scope.
  const allowed = table.filter[from][row[from] ?? '']?.[0];
  if (allowed === undefined) return samples;
  const first = new Translator(null, table, world).canonical(row, from, { [row[from] ?? '']: allowed });
  return { ...samples, create: first, edits: samples.edits.filter((each) => !sameValue(each, first)) };
}

/** The text of a Zendesk comment can change only by redaction. */
function isRedacted(table: EntityMapping, row: PropertyRow, from: Side): boolean {
  return from === 'zendesk' && table.kind.zendesk === 'comment' && row.zendesk === 'body';
}

function redactedSamples(world: World): Samples {
  const words = `${world.tag} words that go ${world.next()}`;
  return {
    create: `Before them.\n\n${words}\n\nä, 漢字, <b>no markup</b>`,
    more: [],
    edits: [words],
    last: [],
    note: null,
  };
}

type Facts = ReturnType<typeof factOf>[];

function enumSamples(
  { toPms, toZendesk }: Extract<Transform, { kind: 'enum' }>,
  from: Side,
  facts: Facts,
): Samples {
  const pmsOf = (values: readonly string[] = []) => values.map((value) => toPms.get(value) ?? value);
  const last = facts.flatMap((fact) => pmsOf(fact.last));
  const first = facts.flatMap((fact) => pmsOf(fact.first));
  // A PMS value that has no Zendesk value cannot be sent from the PMS. Reversed, because the table's first value is
  // mostly the default of new records.
  const all = [...new Set(from === 'zendesk' ? toPms.values() : toZendesk.keys())].reverse();
  const [create = all[0], ...edits] = all.filter((value) => !last.includes(value) && !first.includes(value));
  const skipped = all.filter((value) => first.includes(value));
  return {
    create,
    // A value after which a record cannot be changed is also tested on a new record.
    more: facts.some((fact) => fact.required !== undefined && fact.first === undefined)
      ? all.filter((value) => last.includes(value))
      : [],
    edits,
    last: all.filter((value) => last.includes(value)),
    note: skipped.length > 0 ? `not tried: ${skipped.join(', ')}, which only a new record has` : null,
  };
}

function others(table: EntityMapping, row: PropertyRow, world: World): Samples {
  const facts = SIDES.map((side) => factOf(side, table.kind[side], row[side] ?? ''));
  const person = facts.find((fact) => fact.person !== undefined)?.person ?? 'customer';
  const isGroup = facts.some((fact) => fact.group);
  const options = SIDES.map((side) => world.options.get(`${side} ${table.kind[side]} ${row[side]}`));
  const chosen = options.find((each) => each !== undefined);
  const values = isGroup
    ? world.groups.slice(0, 2)
    : chosen
      ? chosen.slice(0, 2).map((value) => (row.type === 'string[]' ? [value] : value))
      : plainSamples(
          row,
          person,
          facts.some((fact) => fact.domain),
          world,
        );
  const [create, ...edits] = values;
  const what = row.type === 'person' ? `${person} that both systems know` : isGroup ? 'group' : 'value';
  return { create, more: [], edits, last: [], note: edits.length > 0 ? null : `there is no second ${what}` };
}

function plainSamples(
  row: PropertyRow,
  person: 'agent' | 'customer',
  isDomain: boolean,
  world: World,
): Json[] {
  const numbers = [world.next(), world.next()];
  const words = (n: number) => `${world.tag} ${row.id} ${n}`;
  const each = (make: (n: number) => Json) => numbers.map(make);
  switch (row.type) {
    case 'string':
      return each(words);
    case 'text':
      return each((n) => `${words(n)}\n\nSecond paragraph: ä, 漢字, <b>no markup</b> & "quotes".`);
    case 'integer':
      return each((n) => n);
    case 'decimal':
      return each((n) => n + 0.5);
    case 'boolean':
      return [true, false];
    case 'date':
      return each(dayOf);
    case 'datetime':
      return each((n) => `${dayOf(n)}T08:30:00Z`);
    case 'string[]':
      return isDomain
        ? each((n) => [`${n}.${world.tag}.example`.toLowerCase()])
        : each((n) => [`${world.tag}-${n}`, 'verify'].map((text) => text.toLowerCase()).sort());
    case 'person':
      return person === 'agent' ? world.agents.slice(0, 2) : world.customers.slice(0, 2);
    case 'reference':
      return row.transform.kind === 'reference' ? world.parents[row.transform.entity].slice(0, 2) : [];
    case 'enum':
      return [];
  }
}

/** A future day, different for each number. */
function dayOf(n: number): string {
  return new Date(Date.UTC(2031, 0, 1 + (n % 3_000))).toISOString().slice(0, 10);
}

export class Translator {
  constructor(
    private readonly mapping: Mapping | null,
    private readonly table: EntityMapping,
    private readonly world: World,
  ) {}

  /** A side's value in canonical form; undefined if it has no such form. */
  canonical(row: PropertyRow, side: Side, values: Values): Json | undefined {
    const property = row[side];
    if (property === null) return undefined;
    const { mapping, table } = this;
    const kinds = mapping ? referenceKinds(mapping, table) : () => table.kind;
    const result = toCanonical(row, side, values[property], this.world.references, kinds);
    return result.ok ? result.value : undefined;
  }

  /** A sample in a side's form. @throws Error if the mapping cannot convert it */
  own(row: PropertyRow, side: Side, sample: Json): Json {
    const result = fromCanonical(row, side, sample, this.world.references);
    if (result.ok) return result.value;
    throw new Error('problem' in result ? result.problem : `${result.waitsFor} has no counterpart`);
  }

  /** The values that a new record needs so that the rows' properties take effect. */
  needed(rows: readonly PropertyRow[], from: Side): Values {
    const all = rows.flatMap((row) => SIDES.map((side) => this.neededOn(side, row, from)));
    return Object.assign({}, ...all) as Values;
  }

  /** The value that one side's property needs, in the form of `from`. */
  private neededOn(side: Side, row: PropertyRow, from: Side): Values {
    const { needs } = factOf(side, this.table.kind[side], row[side] ?? '');
    if (!needs) return {};
    const wanted = 'person' in needs ? this.world.agents[0] : needs.value;
    if (wanted === undefined) return {};
    if (side === from) return { [needs.property]: wanted };
    const giving = this.table.rows.find((each) => each[side] === needs.property);
    if (!giving?.[from]) return {};
    const value = this.canonical(giving, side, { [needs.property]: wanted });
    return value === undefined ? {} : { [giving[from]]: this.own(giving, from, value) };
  }
}

/** The minimal values of a new record: a name with the tag, and a test customer. */
export function bareValues(table: EntityMapping, from: Side, world: World, parent: Values): Values {
  const name = `${world.tag} ${world.next()}`;
  const [requester = null] = world.customers;
  const bare: Record<string, Values> = {
    organization: { name },
    customer: { name },
    ticket: { subject: name, description: `${name}: made by the checklist`, requester },
    project: { title: name, description: `${name}: made by the checklist`, requester },
    comment: { body: `${name}: written by the checklist` },
    note: { body: `${name}: written by the checklist` },
  };
  const filter = Object.entries(table.filter[from]).flatMap(([property, [value]]) =>
    value === undefined ? [] : [[property, value] as const],
  );
  return { ...bare[table.kind[from]], ...Object.fromEntries(filter), ...parent };
}
