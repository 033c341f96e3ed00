import { z } from 'zod';
import { DATA_TYPES } from './mapping';
import { ENTITY_TYPES, SIDES, type Json } from './record';

/** The schema of the mapping file. */

const jsonSchema: z.ZodType<Json> = z.json();
const propertyName = z.string().min(1);
const kind = z.string().describe('Kind of record on this side, e.g. ticket or project.');

const rowSchema = z.strictObject({
  id: z
    .string()
    .regex(/^\w+$/, 'expected letters, digits and _')
    .optional()
    .describe(
      'Name of the row in links, conflicts and history; by default, it is made from the PMS property.',
    ),
  zendesk: propertyName.optional().describe('Property of the Zendesk record.'),
  pms: propertyName.optional().describe('Property of the PMS record.'),
  type: z.enum(DATA_TYPES).describe('The PMS data type, in which both sides’ values are compared.'),
  direction: z
    .enum(['both', 'toPms', 'toZendesk'])
    .describe('The direction in which changes are copied. In a one-way row, the source always wins.'),
  transform: z
    .enum(['copy', 'enum', 'tags', 'html', 'person', 'reference', 'constant', 'template'])
    .default('copy')
    .describe('How a value is converted from one side to the other.'),
  winner: z
    .enum(['zendesk', 'pms', 'latest', 'manual'])
    .default('latest')
    .describe('The side whose value counts if both sides changed it; manual: a person decides.'),
  default: jsonSchema.optional().describe('The value that is used instead of an empty one.'),
  write: z
    .enum(['always', 'create'])
    .default('always')
    .describe('create: the value is set when the counterpart is created, and never compared again.'),
  fixedOn: z
    .enum(SIDES)
    .optional()
    .describe('The side that cannot change the value after creation. It requires onEdit.'),
  onEdit: z
    .enum(['followUp', 'overrule'])
    .optional()
    .describe(
      'What happens to an edit on the other side: followUp adds a comment, overrule reverts the edit.',
    ),
  except: z
    .array(jsonSchema)
    .optional()
    .describe('Values, in the PMS form, that the fixed side accepts nevertheless.'),
  table: z
    .record(z.string(), z.string())
    .optional()
    .describe(
      'For transform enum: Zendesk values and their PMS values. If several Zendesk values have one PMS value, the first counts in the other direction.',
    ),
  entity: z
    .enum(ENTITY_TYPES)
    .optional()
    .describe('For transform reference: the entity of the record that the value points to.'),
  required: z
    .boolean()
    .optional()
    .describe(
      'For transform reference: a record without it is out of scope, e.g. a comment without its ticket.',
    ),
  value: jsonSchema.optional().describe('For transform constant: the value that is written.'),
  template: z
    .string()
    .optional()
    .describe('For transform template: text with {property} of the source record.'),
});
/** A row as the file has it. */
export type RowInput = z.output<typeof rowSchema>;

export const tableSchema = z.strictObject({
  zendesk: kind,
  pms: kind,
  match: z
    .array(z.strictObject({ zendesk: propertyName, pms: propertyName }))
    .default([])
    .describe(
      'Match rules. Two records that exist before the first sync are linked if the properties of one rule are equal.',
    ),
  filter: z
    .strictObject({
      zendesk: z.record(z.string(), z.array(jsonSchema)).default({}),
      pms: z.record(z.string(), z.array(jsonSchema)).default({}),
    })
    .default({ zendesk: {}, pms: {} })
    .describe('A record is in scope only if each named property has one of these values.'),
  properties: z.array(rowSchema).min(1),
});
const onDelete = z
  .enum(['flag', 'archive', 'unlink'])
  .default('flag')
  .describe(
    'When one record ends: flag marks the pair, archive also archives the counterpart, unlink leaves it alone.',
  );
/** A table as the file has it. */
export type TableInput = z.output<typeof tableSchema>;
const entitySchema = tableSchema.extend({ onDelete });

/** The schema of the whole file. The published JSON Schema is made from it. */
export const mappingFileSchema = z.strictObject({
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
        .describe(
          'The sides on which a redaction is repeated. On any other side, it is handled like an end of the record (onDelete).',
        ),
      note: tableSchema.optional().describe('Needed for `mode: note`.'),
      project: tableSchema.optional().describe('Needed for `mode: project`.'),
    }),
  }),
});
