import { createHash } from 'node:crypto';
import type { z } from 'zod';
import { refKey } from '../sync/canonicalKey';
import type { RecordRef } from '../sync/record';
import { NeedsHuman } from './errors';

/** A record of a page that cannot be parsed. It is set aside, so that it does not block the others of its page. */
export interface Unreadable {
  /** Null if not even its id is readable. */
  ref: RecordRef | null;
  /** Its reference; or the place where it was found, with a digest of its content. */
  name: string;
  /** The field, what was found and what was expected; no content. */
  reason: string;
  /** The size of its JSON text. */
  bytes: number;
}

/** The records of a page: parsed ones and unreadable ones. */
export interface Parsed<T> {
  records: T[];
  unreadable: Unreadable[];
}

/**
 * Parses each item separately.
 *
 * @param place names the list in messages, e.g. `Zendesk GET /api/v2/tickets: tickets`
 */
export function parseEach<T>(
  schema: z.ZodType<T>,
  items: readonly unknown[],
  place: string,
  refOf: (id: string) => RecordRef,
): Parsed<T> {
  const parsed: Parsed<T> = { records: [], unreadable: [] };
  for (const item of items) {
    const result = schema.safeParse(item);
    if (result.success) parsed.records.push(result.data);
    else {
      const [issue] = result.error.issues;
      const reason = `${issue?.path.map(String).join('.') ?? ''}: ${issue?.message ?? 'invalid'}`;
      parsed.unreadable.push(unreadable(item, place, reason, refOf));
    }
  }
  return parsed;
}

/** Describes what cannot be parsed. */
export function unreadable(
  item: unknown,
  place: string,
  reason: string,
  refOf: (id: string) => RecordRef,
): Unreadable {
  const text = JSON.stringify(item) ?? '';
  const id: unknown = item !== null && typeof item === 'object' ? (item as { id?: unknown }).id : null;
  const ref = typeof id === 'string' || typeof id === 'number' ? refOf(String(id)) : null;
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 12);
  return {
    ref,
    name: ref ? refKey(ref) : `${place} #${digest}`,
    reason: `${place}: ${reason}`,
    bytes: Buffer.byteLength(text),
  };
}

/** Whether a read of several records failed because of one of them. */
export function isOfOneRecord(error: unknown): error is NeedsHuman {
  return isUnreadable(error) || (error instanceof NeedsHuman && error.code === 'forbidden');
}

/** Whether an answer, or a part of it, does not follow the API's contract. */
export function isUnreadable(error: unknown): error is NeedsHuman {
  return error instanceof NeedsHuman && error.code === 'unexpected_response';
}
