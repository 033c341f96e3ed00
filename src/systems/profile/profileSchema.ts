import { z } from 'zod';
import { Expression } from './expression';
import { markerNames } from './marker';
import { RequestTemplate, Template, treeNames, type Tree } from './template';

/**
 * A profile: what a PMS's REST API looks like (docs/profile.md). Texts become expressions, templates and requests as
 * they are parsed, so that a profile which was parsed can be carried out.
 */

const expression = z.string().transform((text, context) => attempt(context, () => new Expression(text)));
const count = z.number().int().positive();

/** @param names that may stand in its braces */
const template = (names: readonly string[]) =>
  z.string().transform((text, context) =>
    attempt(context, () => {
      const made = new Template(text);
      checkNames(made.names, names);
      return made;
    }),
  );

type TreeInput = string | number | boolean | TreeInput[] | { [key: string]: TreeInput };
const treeInput: z.ZodType<TreeInput> = z
  .lazy(() =>
    z.union([z.string(), z.number(), z.boolean(), z.array(treeInput), z.record(z.string(), treeInput)], {
      error: "expected JSON without null; write a template in quotes: '{fields}'",
    }),
  )
  .meta({ id: 'body' });
const tree = (names: readonly string[]) =>
  treeInput.transform((input, context) =>
    attempt(context, () => {
      const made = toTree(input);
      checkNames(treeNames(made), names);
      return made;
    }),
  );

const requestInput = z.union(
  [
    z.string(),
    z.strictObject({
      send: z.string().describe('Method and path, e.g. `GET /customers?name={value}`.'),
      headers: z.record(z.string(), z.string()).optional(),
      body: treeInput.optional().describe('JSON; its texts may hold expressions in braces.'),
      items: z.string().optional().describe('JMESPath of the records in this answer.'),
    }),
  ],
  { error: 'expected a request such as "GET /customers", or send, headers, body and items' },
);
const request = (...names: string[]) =>
  requestInput.transform((input, context) => attempt(context, () => toRequest(input, names)));

/** @param name without which, or with `compare`, what is found is looked through here */
const lookUp = (name: string, ...others: string[]) =>
  z
    .union([
      requestInput.options[0],
      requestInput.options[1].extend({
        compare: z.literal(true).optional().describe('Leave out what is found and is something else.'),
      }),
    ])
    .transform((input, context) =>
      attempt(context, () => {
        const made = toRequest(input, [name, ...others]);
        const compare = (typeof input === 'object' && input.compare) || !made.names.has(name);
        return { request: made, compare, pages: !made.names.has(name) };
      }),
    );

const propertyObject = z.strictObject({
  at: z.string().optional().describe('The field that it is written to; dots for fields of fields.'),
  read: expression.optional().describe('JMESPath of its value, where that is not the same field.'),
  write: expression.optional().describe('JMESPath of what is written, asked of `value`.'),
  values: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .optional()
    .describe('What stands in the API for each value.'),
  in: z.string().optional().describe('The directory whose entries the field names by id.'),
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
    error: 'expected a field’s name, or at, read, write, values, in, make, as, optional and required',
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
  changed: request('since').describe(
    'Those that changed at {since} or later; without it, all are looked through.',
  ),
  findByBackRef: lookUp('backRef', 'within'),
  find: z
    .record(z.string(), lookUp('value'))
    .describe('By property; without {value}, all are looked through.'),
  create: request('fields', 'backRef', 'key', 'within'),
  update: request('id', 'within', 'fields', 'backRef', 'version', 'etag'),
  archive: request('id', 'within', 'version', 'etag'),
  redact: request('id', 'within', 'version', 'etag'),
  remove: request('id', 'within').describe(
    'For good. `verify` asks for it to clear away what it made; the sync never does.',
  ),
  silentEdits: z
    .literal(true)
    .describe('No list of changes has one that was edited: only the reconcile finds that.'),
  followUp: request('id', 'within', 'parent', 'text', 'public', 'key', 'backRef'),
  files,
  bulk,
};
const kindSchema = z.strictObject(kindShape).partial();

const secondsAsTime = z.enum(['iso', 'seconds', 'milliseconds']);

export const profileFileSchema = z.strictObject({
  version: z.literal(1),
  name: z.string().describe('How messages call the system.'),
  base: z
    .string()
    .regex(/^(\/[^/\s]+)*$/, 'expected e.g. /api/v1')
    .default('')
    .describe('Before all paths.'),
  auth: z.discriminatedUnion(
    'by',
    [
      z.strictObject({ by: z.literal('bearer') }),
      z.strictObject({ by: z.literal('basic') }),
      z.strictObject({ by: z.literal('header'), name: z.string() }),
      z.strictObject({
        by: z.literal('oauth2'),
        token: z
          .string()
          .regex(
            /^(\/|https?:\/\/[^/\s]+\/)\S*$/,
            'expected a path such as /oauth/token, or an address such as https://login.example.com/oauth/token',
          ),
        scope: z.string().optional(),
      }),
    ],
    { error: 'expected by: bearer, basic, header or oauth2' },
  ),
  me: z.strictObject({ request: request(), id: expression, name: expression }),
  paging: z.discriminatedUnion(
    'by',
    [
      z.strictObject({ by: z.literal('cursor'), param: z.string(), next: expression }),
      z.strictObject({ by: z.literal('page'), param: z.string(), more: expression.optional() }),
      z.strictObject({ by: z.literal('offset'), param: z.string(), more: expression.optional() }),
      z.strictObject({ by: z.literal('link') }),
    ],
    { error: 'expected by: cursor, page, offset or link' },
  ),
  pageSize: z.strictObject({ param: z.string(), most: count }).optional(),
  idsPerCall: count.default(100),
  rate: z
    .strictObject({ limit: z.string(), remaining: z.string(), reset: z.string().describe('In seconds.') })
    .optional(),
  callsPerMinute: count.default(60),
  precondition: z
    .union([
      z.strictObject({ header: z.string(), value: template(['version', 'etag']) }),
      z.strictObject({ field: z.string(), value: template(['version']) }),
    ])
    .optional(),
  idempotency: z.strictObject({ header: z.string() }).optional(),
  dates: z
    .strictObject({
      instant: z.union([secondsAsTime, z.string()]).default('iso'),
      day: z.string().default('yyyy-MM-dd'),
      zone: z.string().default('UTC'),
    })
    .prefault({}),
  errors: z.strictObject({
    message: expression,
    field: expression.optional(),
    rules: z
      .array(
        z.strictObject({
          status: z.union([z.number().int(), z.array(z.number().int())]).optional(),
          when: expression.optional(),
          means: z.enum(['gone', 'moved', 'exists', 'referenceGone', 'refused']),
          field: expression.optional(),
        }),
      )
      .default([]),
  }),
  webhooks: z
    .string()
    .regex(/^\//, 'expected a path such as /webhooks')
    .optional()
    .describe('Where webhooks are registered that are signed and worded as docs/pms-openapi.yaml says.'),
  changes: z
    .union([
      z.strictObject({
        feed: z.strictObject({
          request: request('cursor'),
          now: z.string(),
          items: expression,
          next: expression,
          more: expression,
          kind: expression,
          id: expression,
          at: expression,
          gone: expression,
          record: expression,
        }),
      }),
      z.strictObject({ since: z.strictObject({ lagSeconds: z.number().nonnegative() }) }),
    ])
    .optional(),
  directories: z
    .record(
      z.string(),
      z.strictObject({
        id: expression,
        key: expression,
        items: expression,
        byIds: request('ids', 'id'),
        byKey: request('key'),
        byKeys: request('keys').optional(),
        make: z.strictObject({ request: request('key'), record: expression }).optional(),
      }),
    )
    .default({}),
  common: kindSchema.default({}),
  kinds: z.record(z.string().regex(/^[a-z_]+$/, 'expected lower-case letters'), kindSchema),
});

type FileOutput = z.output<typeof profileFileSchema>;
type KindInput = z.output<typeof kindSchema>;
const REQUIRED = ['version', 'createdAt', 'updatedAt', 'properties', 'list'] as const;
const DEFAULTS = {
  record: new Expression('@'),
  items: new Expression('@'),
  id: new Expression('id'),
  state: new Expression(`'live'`),
  body: new Template('{fields}') as Tree,
  find: {},
};

export type CustomFields = z.output<typeof customFields>;
export type BackRef = z.output<typeof backRef>;
export type LookUp = z.output<ReturnType<typeof lookUp>>;
type Needed = (typeof REQUIRED)[number] | keyof typeof DEFAULTS;
export type Kind = Omit<KindInput, Needed> & { [field in Needed]: NonNullable<KindInput[field]> } & {
  name: string;
};
export type Profile = Omit<FileOutput, 'common' | 'kinds'> & { kinds: ReadonlyMap<string, Kind> };
export type Directory = FileOutput['directories'][string];
export type Paging = FileOutput['paging'];
export type Feed = Extract<FileOutput['changes'], { feed: unknown }>['feed'];
export type Dates = FileOutput['dates'];

/** A profile as its file holds it, checked and ready to be carried out. */
export const profileSchema = profileFileSchema.transform((file, context): Profile => {
  const { common, kinds: given, ...rest } = file;
  const kinds = new Map<string, Kind>();
  const fault = (path: PropertyKey[], message: string) => context.addIssue({ code: 'custom', path, message });
  for (const [name, own] of Object.entries(given)) {
    const kind = { ...DEFAULTS, ...common, ...own, name };
    if (isComplete(kind)) kinds.set(name, kind);
  }
  const names = Object.keys(given);
  /** Said once of what no kind has. */
  const lacking = (field: keyof KindInput, without: readonly string[], expected: string) => {
    if (without.length > 1 && without.length === names.length)
      fault(['common', field], `${expected}, here or in each kind`);
    else for (const name of without) fault(['kinds', name, field], `${expected}, here or in common`);
  };
  const without = (field: keyof KindInput) =>
    names.filter((name) => given[name]?.[field] === undefined && common[field] === undefined);
  for (const field of REQUIRED) lacking(field, without(field), `expected ${field}`);
  const inside = new Set(names.filter((name) => given[name]?.within));
  lacking(
    'read',
    without('read').filter((name) => !inside.has(name)),
    'expected a request',
  );
  if (file.changes && 'since' in file.changes)
    lacking(
      'changed',
      without('changed').filter((name) => !inside.has(name)),
      'expected a request (without {since}, all records are looked through)',
    );
  for (const [name, { within, parent, properties, backRef: back }] of kinds) {
    const at = (...path: string[]) => ['kinds', name, ...path];
    if (within && !(within.kind in given)) fault(at('within', 'kind'), oneOf(names));
    if (parent && !(parent.kind in given)) fault(at('parent', 'kind'), oneOf(names));
    if (back && 'in' in back) {
      if (!(back.in in properties)) fault(at('backRef', 'in'), oneOf(Object.keys(properties)));
      for (const each of markerNames(back.as))
        if (each !== 'backRef' && !(each in properties))
          fault(at('backRef', 'as'), `found {${each}}, ${oneOf(['backRef', ...Object.keys(properties)])}`);
    }
    for (const [property, { in: directory, at: field, read: from }] of Object.entries(properties)) {
      if (directory !== undefined && !(directory in file.directories))
        fault(at('properties', property, 'in'), oneOf(Object.keys(file.directories)));
      if (field === undefined && from === undefined)
        fault(at('properties', property), 'expected at, read or both');
    }
  }
  return { ...rest, kinds };
});

function isComplete(kind: KindInput & { name: string }): kind is Kind {
  return REQUIRED.every((field) => kind[field] !== undefined);
}

function oneOf(names: readonly string[]): string {
  return `expected one of ${names.join(', ')}`;
}

function toRequest(input: z.output<typeof requestInput>, names: readonly string[]): RequestTemplate {
  const { send, headers = {}, body, items } = typeof input === 'string' ? { send: input } : input;
  const made = new RequestTemplate(
    send,
    Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, new Template(text)])),
    body === undefined ? null : toTree(body),
    items === undefined ? null : new Expression(items),
  );
  checkNames(made.names, [...names, 'collection']);
  return made;
}

function toTree(input: TreeInput): Tree {
  if (typeof input === 'string') return new Template(input);
  if (Array.isArray(input)) return input.map(toTree);
  if (typeof input !== 'object') return input;
  return Object.fromEntries(Object.entries(input).map(([key, each]) => [key, toTree(each)]));
}

/** @throws Error naming one that nothing is ever put in for */
function checkNames(found: Iterable<string>, names: readonly string[]): void {
  for (const name of found)
    if (!names.includes(name))
      throw new Error(`found {${name}}, expected ${names.map((each) => `{${each}}`).join(', ')} or less`);
}

function attempt<T>(context: z.RefinementCtx<unknown>, work: () => T): T {
  try {
    return work();
  } catch (error) {
    context.addIssue((error as Error).message);
    return z.NEVER;
  }
}
