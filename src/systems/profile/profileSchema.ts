import { z } from 'zod';
import { DEFAULTS, REQUIRED, isComplete, kindSchema, type Kind, type KindInput } from './kindSchema';
import { markerNames } from './marker';
import { count, expression, request, template } from './requestSchemas';

/**
 * A profile: what a PMS's REST API looks like (docs/profile.md). Texts become expressions, templates and requests as
 * they are parsed, so that a profile which was parsed can be carried out.
 */

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
        name: expression.optional().describe('What people call an entry.'),
        items: expression,
        byIds: request('ids', 'id'),
        byKey: request('key'),
        byKeys: request('keys').optional(),
        make: z.strictObject({ request: request('key', 'name'), record: expression }).optional(),
      }),
    )
    .default({}),
  common: kindSchema.default({}),
  kinds: z.record(z.string().regex(/^[a-z_]+$/, 'expected lower-case letters'), kindSchema),
});

type FileOutput = z.output<typeof profileFileSchema>;
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

function oneOf(names: readonly string[]): string {
  return `expected one of ${names.join(', ')}`;
}
