import { z } from 'zod';
import {
  datesSchema,
  idempotencySchema,
  pageSizeSchema,
  pagingSchema,
  preconditionSchema,
} from './callSchemas';
import { DEFAULTS, REQUIRED, isComplete, kindSchema, type KindInput, type DefinedKind } from './kindSchema';
import { markerNames } from './marker';
import { ENTRIES } from './propertyForm';
import { count, expression, request } from './requestSchemas';
import { RequestTemplate } from './template';

/**
 * A profile describes the REST API of a PMS (docs/profile.md). Parsing compiles its texts into expressions, templates
 * and requests, so that a parsed profile is ready for use.
 */

export const profileFileSchema = z.strictObject({
  version: z.literal(1),
  name: z.string().describe('The system’s name in messages.'),
  base: z
    .string()
    .regex(/^(\/[^/\s]+)*$/, 'expected e.g. /api/v1')
    .default('')
    .describe('Precedes every path.'),
  auth: z.discriminatedUnion(
    'by',
    [
      z.strictObject({ by: z.literal('bearer') }),
      z.strictObject({ by: z.literal('basic') }),
      z.strictObject({ by: z.literal('header'), name: z.string() }),
      z.strictObject({
        by: z.literal('query'),
        param: z.string().describe('The parameter that holds the key.'),
        user: z.string().optional().describe('The parameter that holds PMS_USER, if there is one.'),
      }),
      z.strictObject({
        by: z.literal('oauth2'),
        token: z
          .string()
          .regex(
            /^(\/|https?:\/\/[^/\s]+\/)\S*$/,
            'expected a path such as /oauth/token, or an address such as https://login.example.com/oauth/token',
          ),
        scope: z.string().optional(),
        grant: z
          .enum(['client_credentials', 'refresh_token'])
          .default('client_credentials')
          .describe('`refresh_token`: access that a person granted, with PMS_REFRESH_TOKEN.'),
        client: z
          .enum(['header', 'form'])
          .default('header')
          .describe('Where the token request carries the client’s id and secret.'),
      }),
    ],
    { error: 'expected by: bearer, basic, header, query or oauth2' },
  ),
  headers: z
    .record(z.string(), z.string())
    .default({})
    .describe('Headers of every call, such as an API version or a tenant. No secrets.'),
  me: z.strictObject({
    request: request('user').describe('{user} is PMS_USER.'),
    id: expression,
    name: expression,
  }),
  paging: pagingSchema,
  pageSize: pageSizeSchema.optional(),
  idsPerCall: count.default(100),
  rate: z
    .strictObject({ limit: z.string(), remaining: z.string(), reset: z.string().describe('In seconds.') })
    .optional(),
  callsPerMinute: count.default(60),
  precondition: preconditionSchema.optional(),
  idempotency: idempotencySchema.optional(),
  dates: datesSchema.prefault({}),
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
    .describe('The path to register webhooks at, if they are signed and worded as in docs/pms-openapi.yaml.'),
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
        name: expression.optional().describe('An entry’s display name.'),
        items: expression,
        byIds: request('ids', 'id'),
        byKey: request('key'),
        byKeys: request('keys').optional(),
        paging: pagingSchema.optional().describe('The paging of its lists, if it differs from the system’s.'),
        make: z
          .strictObject({
            request: request('key', 'name'),
            record: expression.optional().describe('The new entry in the answer.'),
            made: expression
              .optional()
              .describe('The new entry’s id, if the answer holds only that; the entry is then read.'),
          })
          .refine(({ record, made }) => record !== undefined || made !== undefined, 'expected record or made')
          .optional(),
      }),
    )
    .default({}),
  common: kindSchema.default({}),
  kinds: z.record(
    z.string().regex(/^[a-z_]+$/, 'expected lower-case letters and _, such as work_item'),
    kindSchema,
  ),
});

type FileOutput = z.output<typeof profileFileSchema>;
export type Profile = Omit<FileOutput, 'common' | 'kinds'> & { kinds: ReadonlyMap<string, DefinedKind> };
export type Directory = FileOutput['directories'][string];
export type Feed = Extract<FileOutput['changes'], { feed: unknown }>['feed'];

/** Parses and checks a profile's file. */
export const profileSchema = profileFileSchema.transform((file, context): Profile => {
  const { common, kinds: given, ...rest } = file;
  const kinds = new Map<string, DefinedKind>();
  const fault = (path: PropertyKey[], message: string) => context.addIssue({ code: 'custom', path, message });
  for (const [name, own] of Object.entries(given)) {
    const kind = { ...DEFAULTS, ...common, ...own, name };
    if (isComplete(kind)) kinds.set(name, kind);
  }
  const names = Object.keys(given);
  /** Reports a missing field: once, under `common`, if every kind lacks the field; else for each kind. */
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
  for (const [name, kind] of kinds)
    checkKind(kind, file, (path, message) => fault(['kinds', name, ...path], message));
  return { ...rest, kinds };
});

/** Checks a kind against the rest of its profile. */
function checkKind(
  { within, parent, properties, backRef: back, listed }: DefinedKind,
  { kinds, directories }: FileOutput,
  fault: (path: string[], message: string) => void,
): void {
  const names = Object.keys(kinds);
  if (within && !(within.kind in kinds)) fault(['within', 'kind'], oneOf(names));
  if (within && listed) fault(['listed'], 'expected none: records inside others are read by their list');
  if (parent && !(parent.kind in kinds)) fault(['parent', 'kind'], oneOf(names));
  if (back && 'in' in back) {
    if (!(back.in in properties)) fault(['backRef', 'in'], oneOf(Object.keys(properties)));
    for (const each of markerNames(back.as))
      if (each !== 'backRef' && !(each in properties))
        fault(['backRef', 'as'], `found {${each}}, ${oneOf(['backRef', ...Object.keys(properties)])}`);
  }
  for (const [property, { in: directory, at, read, empty }] of Object.entries(properties)) {
    const place = (...path: string[]) => ['properties', property, ...path];
    if (directory !== undefined && !(directory in directories))
      fault(place('in'), oneOf(Object.keys(directories)));
    if (at === undefined && read === undefined) fault(place(), 'expected at, read or both');
    if (directory !== undefined && read?.names.has(ENTRIES))
      fault(place('read'), 'expected the id, or the ids, of its entries');
    if (at === undefined && empty instanceof RequestTemplate)
      fault(place('empty'), 'expected a property that is written (at)');
  }
}

function oneOf(names: readonly string[]): string {
  return `expected one of ${names.join(', ')}`;
}
