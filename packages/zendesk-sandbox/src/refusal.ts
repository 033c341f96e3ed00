import type { z } from 'zod';
import type { Fields } from './model';

/** An error answer: status and body as in Zendesk. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly body: Fields,
    readonly headers: Record<string, string> = {},
    /** A text that is sent as `text/plain` instead of the body. */
    readonly text: string | null = null,
  ) {
    super(`answered ${status}: ${JSON.stringify(body)}`);
  }
}

export const notFound = () => new Refusal(404, { error: 'RecordNotFound', description: 'Not found' });

export const badRequest = (error: string, description: string) => new Refusal(400, { error, description });

/** Rule 9 [R ZP]; the name of the parameter is missing in the recording, too. */
export const tooMany = (atMost: number) =>
  new Refusal(400, {
    error: 'TooManyValues',
    description: `Parameter  cannot specify more than ${atMost} values`,
    max_count: atMost,
  });

/** 422 as in https://developer.zendesk.com/api-reference/introduction/requests/#422-unprocessable-entity */
export function invalid(field: string, description: string, error: string): Refusal {
  return new Refusal(422, {
    error: 'RecordInvalid',
    description: 'Record validation errors',
    details: { [field]: [{ description, error }] },
  });
}

/** Checks a record's values. @throws Refusal 422 that names the field */
export function parseRecord<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = String(issue?.path[0] ?? 'base');
  throw invalid(field, `${field}: ${issue?.message ?? 'is invalid'}`, 'InvalidValue');
}

/** Checks the shape of a request outside of the record. @throws Refusal 400 */
export function parseRequest<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const at = issue?.path.map(String).join('.') ?? '';
  throw new Refusal(400, {
    error: { title: 'Invalid attribute', message: `${at}: ${issue?.message ?? ''}` },
  });
}
