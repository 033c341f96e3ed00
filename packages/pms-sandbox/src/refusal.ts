import type { z } from 'zod';

/** An answer that is not a success: `{ error: { code, message, field?, … } }`. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details: Record<string, unknown> = {},
  ) {
    super(message);
  }

  envelope(): { error: { code: string; message: string } } {
    return { error: { code: this.code, message: this.message, ...this.details } };
  }
}

/** @throws Refusal 400 that names the first invalid field */
export function parse<T>(schema: z.ZodType<T>, input: unknown): T {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw invalid(result.error);
}

export function invalid(error: z.ZodError): Refusal {
  const [issue] = error.issues;
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
  const field = [...(issue?.path ?? []), ...unknown].map(String).join('.');
  const message = unknown.length > 0 ? 'unknown field' : (issue?.message ?? 'invalid');
  return field === ''
    ? new Refusal(400, 'invalid', message)
    : new Refusal(400, 'invalid', `${field}: ${message}`, { field });
}

export function notFound(id: string): Refusal {
  return new Refusal(404, 'not_found', `${id} does not exist`);
}
