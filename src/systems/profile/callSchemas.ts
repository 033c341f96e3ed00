import { z } from 'zod';
import { count, expression, template } from './requestSchemas';

/** Call settings (paging, preconditions, dates …): of the whole system, and of a kind whose part of the API differs. */

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
        .describe('The next page’s URL in the answer; without it, the `Link` header is read.'),
    }),
    z.strictObject({ by: z.literal('none') }).describe('Every list is a single page.'),
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

/** The call settings that apply to a kind: its own, else those of `common`, else the system's. */
export interface Calls {
  paging: Paging;
  pageSize?: PageSize | undefined;
  precondition?: z.output<typeof preconditionSchema> | undefined;
  idempotency?: z.output<typeof idempotencySchema> | undefined;
  dates: Dates;
}

const none = z.literal('none').describe('This kind does not have this feature.');

/** The call settings as a kind, or `common`, may define them. */
export const kindCalls = {
  paging: pagingSchema,
  pageSize: z.union([pageSizeSchema, none]),
  precondition: z.union([...preconditionSchema.options, none]),
  idempotency: z.union([idempotencySchema, none]),
  dates: datesSchema,
};

type GivenCalls = { [field in keyof typeof kindCalls]?: z.output<(typeof kindCalls)[field]> | undefined };

/** The call settings with every field present; `undefined` for a field that the kind does not have. */
export type ReadyCalls = { [field in keyof Required<Calls>]: Calls[field] };

/** @param kind the settings of the kind itself or of `common` */
export function callsOf(kind: GivenCalls, system: Calls): ReadyCalls {
  const own = <T>(given: T | 'none' | undefined, fallback: T | undefined) =>
    given === 'none' ? undefined : (given ?? fallback);
  return {
    paging: kind.paging ?? system.paging,
    pageSize: own(kind.pageSize, system.pageSize),
    precondition: own(kind.precondition, system.precondition),
    idempotency: own(kind.idempotency, system.idempotency),
    dates: kind.dates ?? system.dates,
  };
}
