import { z } from 'zod';
import {
  DATA_TYPES,
  type EntityMapping,
  type Mapping,
  type OnRedact,
  type PropertyRow,
  type Transform,
} from './mapping';
import { duplicateFaults, rowFaults, rowTitle } from './mappingFaults';
import { ENTITY_TYPES, SIDES, type EntityType, type Json } from './record';

/** The mapping file: its form, and the table that is made of it. */

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
export type RowInput = z.output<typeof rowSchema>;

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
