import { z } from 'zod';
import { callsOf, kindCalls, type Calls, type ReadyCalls } from './callSchemas';
import { Expression } from './expression';
import { count, expression, longRequest, lookUp, request, tree } from './requestSchemas';
import { Template, type Tree } from './template';

/** What a profile says of one kind of record. */

const empty = z.union(
  [
    z.null(),
    z.string(),
    z.number(),
    z.boolean(),
    z.array(z.union([z.string(), z.number()])),
    longRequest('id', 'within', 'version', 'etag'),
  ],
  { error: `expected what stands for nothing (null, '', [], -1), or a request as "send: DELETE /…"` },
);

const propertyObject = z.strictObject({
  at: z.string().optional().describe('The field that it is written to; dots for fields of fields.'),
  read: expression.optional().describe('JMESPath of what the field holds, where that is not the same field.'),
  write: expression
    .optional()
    .describe('JMESPath of what is written, asked of `value`: ids, if it is `in` a directory.'),
  values: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .optional()
    .describe('What stands in the API for each value, or for each of a list.'),
  in: z
    .string()
    .optional()
    .describe('The directory whose entries the field names by id, or by a list of ids.'),
  empty: empty
    .optional()
    .describe('What stands in the API for no value, in both directions; or the request that empties it.'),
  make: z.literal(true).optional().describe('Make an entry where the directory has none.'),
  as: z.enum(['instant', 'day']).optional().describe('A time or a date, as `dates` writes it.'),
  optional: z.literal(true).optional().describe('Absent from a record where it is empty.'),
  required: z.literal(true).optional().describe('Never empty: nothing that empties it is sent.'),
});
export type Property = z.output<typeof propertyObject>;
const property = z.union(
  [
    z
      .string()
      .transform((at): Property => ({ at }))
      .describe('The field that it is read from and written to.'),
    propertyObject,
  ],
  {
    error: 'expected a field’s name, or at, read, write, values, in, make, as, empty, optional and required',
  },
);

const customFields = z.strictObject({
  at: z.string().describe('The field that holds them.'),
  key: z.string().optional().describe('In a list of them: the field that says which one it is.'),
  value: z.string().optional().describe('In a list of them: the field that holds its value.'),
  fields: z
    .strictObject({
      request: request(),
      items: expression,
      kind: expression.describe('The kind of record that has it.'),
      key: expression,
      title: expression,
      type: expression,
      types: z.record(z.string(), z.string()).default({}).describe('What its types are called here.'),
      options: expression.optional(),
    })
    .optional()
    .describe('Where the system tells which there are.'),
});

const backRef = z.union(
  [
    z.strictObject({
      at: z.string().describe('The field, or customFields.KEY.'),
      unique: z.literal(true).optional().describe('The system refuses a second record with the same.'),
    }),
    z.strictObject({
      in: z.string().describe('A text property at whose end it stands.'),
      as: z
        .string()
        .regex(/^.+\{backRef\}.+$/s, 'expected e.g. "<!-- {backRef} -->"')
        .describe('Names of other properties may stand in braces, too: those that have no field.'),
    }),
  ],
  { error: 'expected "at: FIELD", or "in: PROPERTY" with "as: TEXT"' },
);

const files = z.strictObject({
  list: expression,
  id: expression,
  fileName: expression,
  contentType: expression,
  size: expression,
  read: request('id', 'within', 'file'),
  add: request('id', 'within', 'fileName', 'key').describe('Its body is the file.'),
  added: expression.describe('The file’s id in the answer.'),
  remove: request('id', 'within', 'file').optional(),
});

const ITEM = ['collection', 'id', 'fields', 'backRef', 'key', 'version'];
const bulk = z.strictObject({
  request: request('operations'),
  most: count,
  create: tree(ITEM).optional(),
  update: tree(ITEM).optional(),
  results: expression,
  status: expression,
  record: expression.describe('JMESPath of the record in one of the results.'),
});

const kindShape = {
  ...kindCalls,
  collection: z.string().describe('Stands in requests as {collection}.'),
  within: z
    .strictObject({ kind: z.string(), property: z.string().describe('The property that holds its id.') })
    .describe('The kind of record inside which these are; {within} is its id.'),
  record: expression.describe('JMESPath of the record in an answer that holds one.'),
  items: expression.describe('JMESPath of the records in an answer that holds many.'),
  id: expression,
  version: expression.describe('A list is kept as a digest.'),
  counted: z.boolean().describe('The version is a number that grows with every change.'),
  createdAt: expression,
  updatedAt: expression,
  state: expression.describe('live, archived, deleted or redacted.'),
  skip: expression.describe('Why a record takes no part; null where it does.'),
  parent: z
    .strictObject({ kind: z.string(), id: expression })
    .describe('The record that this one is said under.'),
  backRef,
  properties: z.record(z.string(), property),
  customFields,
  body: tree(['fields', 'id', 'within', 'backRef']).describe(
    'Of create and update, where they say nothing else.',
  ),
  list: request('within').describe('All records, page by page.'),
  read: request('id', 'ids', 'within').describe('One by {id}, or many by {ids}.'),
  listed: request('id', 'ids').describe(
    'Those of the {ids} that are still there, if a record that ended goes on answering by its address.',
  ),
  changed: request('since').describe(
    'Those that changed at {since} or later; without it, all are looked through.',
  ),
  findByBackRef: lookUp('backRef', 'within'),
  find: z
    .record(z.string(), lookUp('value'))
    .describe('By property; without {value}, all are looked through.'),
  create: request('fields', 'backRef', 'key', 'within'),
  made: expression.describe(
    'The id of the new record in the answer to `create`, if no answer to a write is the record: it is read then.',
  ),
  update: request('id', 'within', 'fields', 'backRef', 'version', 'etag'),
  archive: request('id', 'within', 'version', 'etag'),
  redact: request('id', 'within', 'version', 'etag'),
  remove: request('id', 'within', 'version', 'etag').describe(
    'For good. `verify` and `conform` clear away with it what they made; the sync never does.',
  ),
  silentEdits: z
    .literal(true)
    .describe('No list of changes has one that was edited: only the reconcile finds that.'),
  followUp: request('id', 'within', 'parent', 'text', 'public', 'key', 'backRef'),
  files,
  bulk,
};
export const kindSchema = z.strictObject(kindShape).partial();

export type KindInput = z.output<typeof kindSchema>;
export const REQUIRED = ['version', 'createdAt', 'updatedAt', 'properties', 'list'] as const;
export const DEFAULTS = {
  record: new Expression('@'),
  items: new Expression('@'),
  id: new Expression('id'),
  state: new Expression(`'live'`),
  body: new Template('{fields}') as Tree,
  find: {},
};

export type CustomFields = z.output<typeof customFields>;
export type BackRef = z.output<typeof backRef>;
type Needed = (typeof REQUIRED)[number] | keyof typeof DEFAULTS;
/** A kind as its profile says it, with what `common` says for it. */
export type SaidKind = Omit<KindInput, Needed> & {
  [field in Needed]: NonNullable<KindInput[field]>;
} & { name: string };
/** A kind ready to be carried out: with what the system says for it, too. */
export type Kind = Omit<SaidKind, keyof Calls> & ReadyCalls;

export function isComplete(kind: KindInput & { name: string }): kind is SaidKind {
  return REQUIRED.every((field) => kind[field] !== undefined);
}

export function readyKind(kind: SaidKind, system: Calls): Kind {
  return { ...kind, ...callsOf(kind, system) };
}
