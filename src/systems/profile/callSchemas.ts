import { z } from 'zod';
import { count, expression, template } from './requestSchemas';

/** How calls are made: said for the whole system, and by a kind whose part of the API differs. */

const secondsAsTime = z.enum(['iso', 'seconds', 'milliseconds']);

export const pagingSchema = z.discriminatedUnion(
  'by',
  [
    z.strictObject({ by: z.literal('cursor'), param: z.string(), next: expression }),
    z.strictObject({
      by: z.literal('page'),
      param: z.string(),
      first: z.number().int().nonnegative().default(1).describe('Number of the first page.'),
      more: expression.optional(),
    }),
    z.strictObject({ by: z.literal('offset'), param: z.string(), more: expression.optional() }),
    z.strictObject({
      by: z.literal('link'),
      next: expression
        .optional()
        .describe('The next page’s address in the answer; without it, the `Link` header has it.'),
    }),
    z.strictObject({ by: z.literal('none') }).describe('Every list comes whole.'),
  ],
  { error: 'expected by: cursor, page, offset, link or none' },
);

export const pageSizeSchema = z.strictObject({ param: z.string(), most: count });

export const preconditionSchema = z.union([
  z.strictObject({ header: z.string(), value: template(['version', 'etag']) }),
  z.strictObject({ field: z.string(), value: template(['version']) }),
]);

export const idempotencySchema = z.strictObject({ header: z.string() });

export const datesSchema = z.strictObject({
  instant: z.union([secondsAsTime, z.string()]).default('iso'),
  day: z.string().default('yyyy-MM-dd'),
  zone: z.string().default('UTC'),
});

export type Paging = z.output<typeof pagingSchema>;
export type PageSize = z.output<typeof pageSizeSchema>;
export type Dates = z.output<typeof datesSchema>;

/** What a kind has of these in the end: its own, that of `common`, or the system's. */
export interface Calls {
  paging: Paging;
  pageSize?: PageSize | undefined;
  precondition?: z.output<typeof preconditionSchema> | undefined;
  idempotency?: z.output<typeof idempotencySchema> | undefined;
  dates: Dates;
}

const none = z.literal('none').describe('This kind has none.');

/** As a kind, or `common`, says it. */
export const kindCalls = {
  paging: pagingSchema,
  pageSize: z.union([pageSizeSchema, none]),
  precondition: z.union([...preconditionSchema.options, none]),
  idempotency: z.union([idempotencySchema, none]),
  dates: datesSchema,
};

type Said = { [field in keyof typeof kindCalls]?: z.output<(typeof kindCalls)[field]> | undefined };

/** All of them, also those that there are none of. */
export type ReadyCalls = { [field in keyof Required<Calls>]: Calls[field] };

/** @param kind what it says itself, or `common` says for it */
export function callsOf(kind: Said, system: Calls): ReadyCalls {
  const own = <T>(said: T | 'none' | undefined, else_: T | undefined) =>
    said === 'none' ? undefined : (said ?? else_);
  return {
    paging: kind.paging ?? system.paging,
    pageSize: own(kind.pageSize, system.pageSize),
    precondition: own(kind.precondition, system.precondition),
    idempotency: own(kind.idempotency, system.idempotency),
    dates: kind.dates ?? system.dates,
  };
}
