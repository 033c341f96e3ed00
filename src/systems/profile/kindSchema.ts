import { z } from 'zod';
import { callsOf, kindCalls, type Calls, type ReadyCalls } from './callSchemas';
import { Expression } from './expression';
import { count, expression, longRequest, lookUp, request, tree } from './requestSchemas';
import { Template, type Tree } from './template';

/** The part of a profile that describes one kind of record. */

const empty = z.union(
  [
    z.null(),
    z.string(),
    z.number(),
    z.boolean(),
    z.array(z.union([z.string(), z.number()])),
    longRequest('id', 'within', 'version', 'etag'),
  ],
  {
    error: `expected the API's value for "empty" (null, '', [], -1), or a request such as "send: DELETE /…"`,
  },
);

const propertyObject = z.strictObject({
  at: z
    .string()
    .optional()
    .describe('The field to write, e.g. `name`; nested fields with dots: `address.city`.'),
  read: expression.optional().describe('JMESPath that reads the value, if it is not read from `at`.'),
  write: expression
    .optional()
    .describe('JMESPath that computes the value to write from `value` (with `in`: ids of entries).'),
  values: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .optional()
    .describe('The API’s value for each value of the property, or for each item of a list.'),
  in: z
    .string()
    .optional()
    .describe('The directory whose entries the field references, by an id or a list of ids.'),
  empty: empty
    .optional()
    .describe('The API’s value for an empty property, read and written; or a request that empties it.'),
  make: z.literal(true).optional().describe('Create an entry that the directory lacks.'),
  as: z.enum(['instant', 'day']).optional().describe('A time or a date, in the format of `dates`.'),
  optional: z.literal(true).optional().describe('The API omits the field when it is empty.'),
  required: z.literal(true).optional().describe('The API refuses an empty value; the sync sends none.'),
});
export type Property = z.output<typeof propertyObject>;
const property = z.union(
  [
    z
      .string()
      .transform((at): Property => ({ at }))
      .describe('The field to read and write.'),
    propertyObject,
  ],
  {
    error: 'expected a field’s name, or at, read, write, values, in, make, as, empty, optional and required',
  },
);

const customFields = z.strictObject({
  at: z.string().describe('The field that holds the custom fields, as an object or a list.'),
  key: z.string().optional().describe('In a list: the item’s field that holds the custom field’s key.'),
  value: z.string().optional().describe('In a list: the item’s field that holds its value.'),
  fields: z
    .strictObject({
      request: request(),
      items: expression,
      kind: expression.describe('The kind of record that has the custom field.'),
      key: expression,
      title: expression,
      type: expression,
      types: z
        .record(z.string(), z.string())
        .default({})
        .describe('The sync’s data type for each type of the API.'),
      options: expression.optional(),
    })
    .optional()
    .describe('The request that lists the custom fields, and how to read its answer.'),
});

const backRef = z.union(
  [
    z.strictObject({
      at: z.string().describe('The field, or customFields.KEY.'),
      unique: z.literal(true).optional().describe('The system refuses a second record with the same value.'),
    }),
    z.strictObject({
      in: z.string().describe('A text property; the back-reference is appended to it.'),
      as: z
        .string()
        .regex(/^.+\{backRef\}.+$/s, 'expected e.g. "<!-- {backRef} -->"')
        .describe('The appended text. Braces may also name properties that have no field.'),
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
  add: request('id', 'within', 'fileName', 'key').describe('The request’s body is the file.'),
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
  record: expression.describe('JMESPath of the record in a result.'),
});

const kindShape = {
  ...kindCalls,
  collection: z.string().describe('The value of {collection} in requests.'),
  within: z
    .strictObject({
      kind: z.string(),
      property: z.string().describe('The property that holds the container’s id.'),
    })
    .describe('The kind of record that contains records of this kind; {within} is the container’s id.'),
  record: expression.describe('JMESPath of the record in an answer that holds one.'),
  items: expression.describe('JMESPath of the records in an answer that holds many.'),
  id: expression,
  version: expression.describe('The record’s version. A list or object is stored as a digest.'),
  counted: z.boolean().describe('The version is a number that grows with every change.'),
  createdAt: expression,
  updatedAt: expression,
  state: expression.describe('live, archived, deleted or redacted.'),
  skip: expression.describe('The reason why a record is out of scope; null if it is in scope.'),
  parent: z
    .strictObject({ kind: z.string(), id: expression })
    .describe('The record that this record belongs to, such as the ticket of a comment.'),
  backRef,
  properties: z.record(z.string(), property),
  customFields,
  body: tree(['fields', 'id', 'within', 'backRef']).describe(
    'The body of `create` and `update`, unless they define their own.',
  ),
  list: request('within').describe('All records, page by page.'),
  read: request('id', 'ids', 'within').describe('Reads one record by {id}, or many by {ids}.'),
  listed: request('id', 'ids').describe(
    'Lists which of the {ids} still exist. Needed if the API still returns deleted records by id.',
  ),
  changed: request('since').describe(
    'Records that changed at {since} or later. Without {since}, the sync reads and filters all records.',
  ),
  findByBackRef: lookUp('backRef', 'within'),
  find: z
    .record(z.string(), lookUp('value'))
    .describe('Look-ups by property. Without {value}, the sync reads and filters all records.'),
  create: request('fields', 'backRef', 'key', 'within'),
  made: expression.describe(
    'The id in the answer to `create`. Needed if answers to writes do not hold the record; it is then read by id.',
  ),
  update: request('id', 'within', 'fields', 'backRef', 'version', 'etag'),
  archive: request('id', 'within', 'version', 'etag'),
  redact: request('id', 'within', 'version', 'etag'),
  remove: request('id', 'within', 'version', 'etag').describe(
    'Removes a record for good. Only `verify` and `conform` use it, to remove records that they made.',
  ),
  silentEdits: z
    .literal(true)
    .describe('Change streams do not report edits of this kind; only the reconcile finds them.'),
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
/** A kind as its profile defines it, completed by `common`. */
export type DefinedKind = Omit<KindInput, Needed> & {
  [field in Needed]: NonNullable<KindInput[field]>;
} & { name: string };
/** A kind that is ready for use: also completed by the call settings of the system. */
export type Kind = Omit<DefinedKind, keyof Calls> & ReadyCalls;

export function isComplete(kind: KindInput & { name: string }): kind is DefinedKind {
  return REQUIRED.every((field) => kind[field] !== undefined);
}

export function readyKind(kind: DefinedKind, system: Calls): Kind {
  return { ...kind, ...callsOf(kind, system) };
}
