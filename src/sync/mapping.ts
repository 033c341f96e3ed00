import { z } from 'zod';
import { ENTITY_TYPES, SIDES, type EntityType, type Json, type Side } from './record';

/** The mapping table: which properties correspond, how, in which direction, and who wins. */

export const DATA_TYPES = [
  'string',
  'text',
  'integer',
  'decimal',
  'boolean',
  'date',
  'datetime',
  'enum',
  'string[]',
  'person',
  'reference',
] as const;
export type DataType = (typeof DATA_TYPES)[number];
export type Direction = 'both' | 'toPms' | 'toZendesk';
export type OnRedact = Direction | 'none';
export type Winner = 'zendesk' | 'pms' | 'latest' | 'manual';

export type Transform =
  | { kind: 'copy' }
  | { kind: 'tags' }
  | { kind: 'html' }
  | { kind: 'enum'; toPms: ReadonlyMap<string, string>; toZendesk: ReadonlyMap<string, string> }
  | { kind: 'person' }
  | { kind: 'reference'; entity: EntityType; required: boolean }
  | { kind: 'constant'; value: Json }
  | { kind: 'template'; template: string };

/** One line of the table: a Zendesk property and its PMS property. */
export interface PropertyRow {
  /** Stable name of the row within its entity; the key of the row's value in a snapshot. */
  id: string;
  zendesk: string | null;
  pms: string | null;
  type: DataType;
  direction: Direction;
  transform: Transform;
  winner: Winner;
  /** What stands for an empty value; undefined where empty is empty. */
  default: Json | undefined;
  /** `create`: set once, when the counterpart is created, and never compared. */
  write: 'always' | 'create';
  /** The side that cannot change the value after creation, and what an edit on the other side becomes. */
  fixed: {
    side: Side;
    onEdit: 'followUp' | 'overrule';
    /** Canonical values that the side can take after all: a comment can be made internal, never public. */
    except: readonly Json[];
  } | null;
  /** Why the row takes no part for the time being, in any pair; null where it does. */
  rest: Rest | null;
}

/** A row rests while one side does not offer its property: absent is not empty. */
export interface Rest {
  side: Side;
  /** For a person. */
  reason: string;
}

export interface EntityMapping {
  entity: EntityType;
  kind: Record<Side, string>;
  onDelete: 'flag' | 'archive' | 'unlink';
  /** Where a redaction of a whole record, or of its file, is repeated on the other side; elsewhere it counts as an end. */
  onRedact: OnRedact;
  /** Records that already exist on both sides are joined where all properties of one rule are equal. */
  match: { zendesk: string; pms: string }[];
  /** Records take part only where each named property has one of the values. */
  filter: Record<Side, Record<string, Json[]>>;
  rows: PropertyRow[];
}

export interface Mapping {
  /** Changes whenever the table does; stored on each link. */
  version: string;
  entities: Record<EntityType, EntityMapping>;
  commentMode: 'note' | 'project';
}

const jsonSchema: z.ZodType<Json> = z.json();
const propertyName = z.string().min(1);
const kind = z.string().describe('Kind of record on this side, e.g. ticket or project.');

const rowSchema = z.strictObject({
  id: z
    .string()
    .regex(/^\w+$/, 'expected letters, digits and _')
    .optional()
    .describe('Name of the row in links, conflicts and history; by default made of the PMS property.'),
  zendesk: propertyName.optional().describe('Property of the Zendesk record.'),
  pms: propertyName.optional().describe('Property of the PMS record.'),
  type: z.enum(DATA_TYPES).describe('The PMS data type, in which both sides’ values are compared.'),
  direction: z
    .enum(['both', 'toPms', 'toZendesk'])
    .describe('Which way changes travel. In a one-way row the source always counts.'),
  transform: z
    .enum(['copy', 'enum', 'tags', 'html', 'person', 'reference', 'constant', 'template'])
    .default('copy')
    .describe('How a value is brought from one side to the other.'),
  winner: z
    .enum(['zendesk', 'pms', 'latest', 'manual'])
    .default('latest')
    .describe('Whose value counts when both sides changed it; manual: a person decides.'),
  default: jsonSchema.optional().describe('What stands for an empty value.'),
  write: z
    .enum(['always', 'create'])
    .default('always')
    .describe('create: set once, when the counterpart is created, and never compared again.'),
  fixedOn: z
    .enum(SIDES)
    .optional()
    .describe('The side that cannot change the value after creation; goes with onEdit.'),
  onEdit: z
    .enum(['followUp', 'overrule'])
    .optional()
    .describe('What an edit on the other side becomes: a follow-up comment, or nothing.'),
  except: z
    .array(jsonSchema)
    .optional()
    .describe('Values (in the PMS form) that the fixed side can take all the same.'),
  table: z
    .record(z.string(), z.string())
    .optional()
    .describe('For transform enum: Zendesk value to PMS value. Of several, the first is the way back.'),
  entity: z
    .enum(ENTITY_TYPES)
    .optional()
    .describe('For transform reference: the entity of the record that is pointed to.'),
  required: z
    .boolean()
    .optional()
    .describe(
      'For transform reference: a record without it takes no part, e.g. a comment without its ticket.',
    ),
  value: jsonSchema.optional().describe('For transform constant: what is written.'),
  template: z
    .string()
    .optional()
    .describe('For transform template: text with {property} of the source record.'),
});
type RowInput = z.output<typeof rowSchema>;

const tableSchema = z.strictObject({
  zendesk: kind,
  pms: kind,
  match: z
    .array(z.strictObject({ zendesk: propertyName, pms: propertyName }))
    .default([])
    .describe(
      'Records that exist on both sides already are joined where the properties of one rule are equal.',
    ),
  filter: z
    .strictObject({
      zendesk: z.record(z.string(), z.array(jsonSchema)).default({}),
      pms: z.record(z.string(), z.array(jsonSchema)).default({}),
    })
    .default({ zendesk: {}, pms: {} })
    .describe('Records take part only where each named property has one of the values.'),
  properties: z.array(rowSchema).min(1),
});
const onDelete = z
  .enum(['flag', 'archive', 'unlink'])
  .default('flag')
  .describe(
    'When one record ends: flag marks the pair, archive also archives the counterpart, unlink leaves it alone.',
  );
const entitySchema = tableSchema.extend({ onDelete });

const fileSchema = z.strictObject({
  version: z.literal(1),
  entities: z.strictObject({
    OrgToCustomer: entitySchema,
    TicketToProject: entitySchema,
    CommentToProject: z.strictObject({
      mode: z
        .enum(['note', 'project'])
        .describe('A comment is a note on the ticket’s project, or a project of its own below it.'),
      onDelete,
      onRedact: z
        .enum(['both', 'toPms', 'toZendesk', 'none'])
        .default('toPms')
        .describe('Where a redaction is repeated; elsewhere it counts as an end (onDelete).'),
      note: tableSchema,
      project: tableSchema,
    }),
  }),
});

/** The mapping file's own shape, for the published JSON Schema. */
export const mappingFileSchema = fileSchema;

/** A mapping that cannot be used; the message has one line per fault, each naming file and row. */
export class MappingError extends Error {
  override readonly name = 'MappingError';
}

/**
 * @param input what the YAML file holds
 * @param file its name, for messages
 * @param versionOf gives a short digest of a text; injected because the core is pure
 * @throws MappingError listing every fault found
 */
export function parseMapping(input: unknown, file: string, versionOf: (text: string) => string): Mapping {
  const parsed = fileSchema.safeParse(input);
  if (!parsed.success) {
    throw new MappingError(parsed.error.issues.map((issue) => describeIssue(file, issue, input)).join('\n'));
  }
  const { OrgToCustomer, TicketToProject, CommentToProject } = parsed.data.entities;
  const faults: string[] = [];
  const entity = (
    type: EntityType,
    table: z.output<typeof tableSchema>,
    path: string,
    { onDelete, onRedact = 'none' }: { onDelete: EntityMapping['onDelete']; onRedact?: OnRedact },
  ) => {
    const rows = table.properties.map((row, i) => {
      const at = `${file}: ${path}.properties[${i}] (${rowTitle(row)})`;
      faults.push(...rowFaults(row).map((fault) => `${at}: ${fault}`));
      return toRow(row);
    });
    faults.push(...duplicateFaults(rows, `${file}: ${path}`));
    return {
      entity: type,
      kind: { zendesk: table.zendesk, pms: table.pms },
      onDelete,
      onRedact,
      match: table.match,
      filter: table.filter,
      rows,
    };
  };
  const mode = CommentToProject.mode;
  // Both comment tables are checked, so that switching the mode never meets an unchecked one.
  const comments = {
    note: entity(
      'CommentToProject',
      CommentToProject.note,
      'entities.CommentToProject.note',
      CommentToProject,
    ),
    project: entity(
      'CommentToProject',
      CommentToProject.project,
      'entities.CommentToProject.project',
      CommentToProject,
    ),
  };
  const entities = {
    OrgToCustomer: entity('OrgToCustomer', OrgToCustomer, 'entities.OrgToCustomer', OrgToCustomer),
    TicketToProject: entity('TicketToProject', TicketToProject, 'entities.TicketToProject', TicketToProject),
    CommentToProject: comments[mode],
  };
  if (faults.length > 0) throw new MappingError(faults.join('\n'));
  return { version: versionOf(JSON.stringify(input)), entities, commentMode: mode };
}

function describeIssue(file: string, issue: z.core.$ZodIssue, input: unknown): string {
  let at = file;
  let found: unknown = input;
  const path: string[] = [];
  for (const step of issue.path) {
    found = (found as Record<PropertyKey, unknown> | undefined)?.[step];
    path.push(typeof step === 'number' ? `[${step}]` : `${path.length ? '.' : ''}${String(step)}`);
    // Rows are told by their properties: nobody counts lines to the seventh entry.
    if (typeof step === 'number' && found && typeof found === 'object') path.push(` (${rowTitle(found)})`);
  }
  if (path.length > 0) at += `: ${path.join('')}`;
  const value = found === undefined ? 'nothing' : JSON.stringify(found);
  if (issue.code === 'unrecognized_keys')
    return `${at}: unknown field ${issue.keys.map((k) => `"${k}"`).join(', ')}`;
  if (issue.code === 'invalid_value') {
    return `${at}: found ${value}, expected one of ${issue.values.map(String).join(', ')}`;
  }
  return `${at}: found ${(value ?? 'nothing').slice(0, 60)}: ${issue.message}`;
}

function rowTitle(row: { zendesk?: unknown; pms?: unknown }): string {
  const name = (value: unknown) => (typeof value === 'string' ? value : '—');
  return `${name(row.zendesk)} ↔ ${name(row.pms)}`;
}

function rowFaults(row: RowInput): string[] {
  const faults: string[] = [];
  const needs = (kind: RowInput['transform'], field: keyof RowInput) => {
    if (row.transform === kind && row[field] === undefined) faults.push(`transform ${kind} needs "${field}"`);
    if (row.transform !== kind && row[field] !== undefined) {
      faults.push(`"${field}" belongs to transform ${kind}, found transform ${row.transform}`);
    }
  };
  needs('enum', 'table');
  needs('reference', 'entity');
  needs('constant', 'value');
  needs('template', 'template');
  const generated = row.transform === 'constant' || row.transform === 'template';
  if (!row.zendesk && !row.pms) faults.push('names no property; expected "zendesk" and "pms"');
  else if (!generated && !(row.zendesk && row.pms)) {
    faults.push('names one side only; expected both "zendesk" and "pms" (or transform constant or template)');
  }
  if (generated && row.direction === 'both')
    faults.push(`transform ${row.transform} goes one way: expected direction toPms or toZendesk`);
  if (generated && row.write !== 'create')
    faults.push(`transform ${row.transform} is written on creation only: expected write: create`);
  if (row.transform === 'person' && row.type !== 'person')
    faults.push(`transform person needs type person, found ${row.type}`);
  if (row.transform === 'reference' && row.type !== 'reference')
    faults.push(`transform reference needs type reference, found ${row.type}`);
  if (row.transform === 'enum' && row.type !== 'enum')
    faults.push(`transform enum needs type enum, found ${row.type}`);
  if (row.transform === 'tags' && row.type !== 'string[]')
    faults.push(`transform tags needs type string[], found ${row.type}`);
  if (row.type === 'reference' && row.transform !== 'reference')
    faults.push('type reference needs transform reference');
  if (row.type === 'person' && row.transform !== 'person') faults.push('type person needs transform person');
  if ((row.fixedOn === undefined) !== (row.onEdit === undefined))
    faults.push('"fixedOn" and "onEdit" go together');
  if (row.except !== undefined && row.onEdit !== 'overrule') faults.push('"except" needs onEdit: overrule');
  return faults;
}

function toRow(row: RowInput): PropertyRow {
  return {
    id: row.id ?? (row.pms ?? row.zendesk ?? '').replace(/\W+/g, '_'),
    zendesk: row.zendesk ?? null,
    pms: row.pms ?? null,
    type: row.type,
    direction: row.direction,
    transform: toTransform(row),
    winner: row.winner,
    default: row.default,
    write: row.write,
    fixed:
      row.fixedOn && row.onEdit ? { side: row.fixedOn, onEdit: row.onEdit, except: row.except ?? [] } : null,
    rest: null,
  };
}

function toTransform(row: RowInput): Transform {
  switch (row.transform) {
    case 'enum': {
      const pairs = Object.entries(row.table ?? {});
      // Where several Zendesk values share a PMS value, the first listed is the way back.
      const back = new Map<string, string>();
      for (const [zendesk, pms] of pairs) if (!back.has(pms)) back.set(pms, zendesk);
      return { kind: 'enum', toPms: new Map(pairs), toZendesk: back };
    }
    case 'person':
      return { kind: 'person' };
    case 'reference':
      return { kind: 'reference', entity: row.entity ?? 'OrgToCustomer', required: row.required ?? false };
    case 'constant':
      return { kind: 'constant', value: row.value ?? null };
    case 'template':
      return { kind: 'template', template: row.template ?? '' };
    case 'copy':
    case 'tags':
    case 'html':
      return { kind: row.transform };
  }
}

function duplicateFaults(rows: PropertyRow[], at: string): string[] {
  const faults: string[] = [];
  for (const side of SIDES) {
    const writers = new Map<string, PropertyRow>();
    for (const row of rows) {
      const property = row[side];
      if (!property || !writesTo(row, side)) continue;
      const first = writers.get(property);
      if (first) {
        faults.push(
          `${at}: rows "${rowTitle(first)}" and "${rowTitle(row)}" both write the ${side} property "${property}"; expected one`,
        );
      }
      writers.set(property, row);
    }
  }
  const ids = new Map<string, PropertyRow>();
  for (const row of rows) {
    const first = ids.get(row.id);
    if (first && first.pms !== row.pms)
      faults.push(
        `${at}: rows "${rowTitle(first)}" and "${rowTitle(row)}" have the same id "${row.id}"; give one an "id"`,
      );
    ids.set(row.id, row);
  }
  return faults;
}

/** Whether a change on the other side is ever written to this side. */
export function writesTo(row: PropertyRow, side: Side): boolean {
  if (!row[side]) return false;
  return row.direction === 'both' || row.direction === (side === 'pms' ? 'toPms' : 'toZendesk');
}

/** Comments keep the order in which they were made, and bring their files. */
export function isComment(mapping: EntityMapping): boolean {
  return mapping.entity === 'CommentToProject';
}

/** Whether a redaction on the other side is repeated on this one. */
export function redactionReaches({ onRedact }: EntityMapping, side: Side): boolean {
  return onRedact === 'both' || onRedact === (side === 'pms' ? 'toPms' : 'toZendesk');
}

/** The rows that take part: all but those that rest. */
export function activeRows(mapping: EntityMapping): PropertyRow[] {
  return mapping.rows.filter((row) => row.rest === null);
}

/** The rows that are compared and kept equal after creation. */
export function comparedRows(mapping: EntityMapping): PropertyRow[] {
  return activeRows(mapping).filter((row) => row.write === 'always');
}

/** Which entity a kind of record belongs to; null for one that the mapping does not speak of. */
export function entityOf(
  mapping: Mapping,
  side: Side,
  kind: string,
  values: Record<string, Json>,
): EntityType | null {
  const owners = ENTITY_TYPES.filter((type) => mapping.entities[type].kind[side] === kind);
  if (owners.length < 2) return owners[0] ?? null;
  // In comment mode `project` both tickets and comments are PMS projects; a comment's has a parent.
  const parentOf = (type: EntityType) =>
    mapping.entities[type].rows.find((row) => row.transform.kind === 'reference' && row.transform.required)?.[
      side
    ];
  const withParent = owners.find((type) => {
    const parent = parentOf(type);
    return parent != null && values[parent] != null;
  });
  return withParent ?? owners.find((type) => parentOf(type) == null) ?? null;
}

/** Checks the table against the properties that each side really offers, resolving aliases to names. */
export function bindProperties(
  mapping: Mapping,
  offered: Record<Side, ReadonlyMap<string, readonly { name: string; aliases: readonly string[] }[]>>,
  file: string,
): Mapping {
  const faults: string[] = [];
  const bind = (side: Side, kind: string, property: string, at: string): string => {
    const list = offered[side].get(kind);
    if (!list) return property;
    const found =
      list.find((info) => info.name === property) ?? list.find((info) => info.aliases.includes(property));
    if (found) return found.name;
    faults.push(
      `${file}: ${at}: ${side} ${kind} has no property "${property}"; it has ${list.map((info) => info.name).join(', ')}`,
    );
    return property;
  };
  const entities = { ...mapping.entities };
  for (const type of ENTITY_TYPES) {
    const table = mapping.entities[type];
    const both = (names: { zendesk: string; pms: string }, at: string) => ({
      zendesk: bind('zendesk', table.kind.zendesk, names.zendesk, at),
      pms: bind('pms', table.kind.pms, names.pms, at),
    });
    const rows = table.rows.map((row) => {
      const at = `${type} row "${rowTitle(row)}"`;
      return {
        ...row,
        zendesk: row.zendesk && bind('zendesk', table.kind.zendesk, row.zendesk, at),
        pms: row.pms && bind('pms', table.kind.pms, row.pms, at),
      };
    });
    const match = table.match.map((rule) => both(rule, `${type} match rule "${rowTitle(rule)}"`));
    // A filter by a property that nobody has would keep every record out, without a word.
    const filterOf = (side: Side) =>
      Object.fromEntries(
        Object.entries(table.filter[side]).map(([property, allowed]) => [
          bind(side, table.kind[side], property, `${type} filter "${property}"`),
          allowed,
        ]),
      );
    const filter = { zendesk: filterOf('zendesk'), pms: filterOf('pms') };
    entities[type] = { ...table, rows, match, filter };
  }
  if (faults.length > 0) throw new MappingError(faults.join('\n'));
  return { ...mapping, entities };
}
