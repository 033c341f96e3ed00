import { wordsOf, type RefusalCode } from '../sync/reasons';

/**
 * Errors of the systems, in three kinds: retry later, needs a human, and bug (every error of another class).
 * `PreconditionFailed` is no error of the pair: the pair reads the record again. No message contains a credential. A
 * system's message about a refusal may quote a value of the record: only the link may have it, and {@link
 * publicMessage} is for all other places.
 */

/**
 * The call may succeed later. `unknownOutcome`: a write may have been done. `queued`: the attempt has written nothing,
 * and ended only because the rate limit is reached; it is retried when it is its turn.
 */
export class RetryLater extends Error {
  override readonly name = 'RetryLater';
  constructor(
    message: string,
    readonly options: { retryAfterMs?: number; unknownOutcome: boolean; queued?: true },
  ) {
    super(message);
  }
}

/** The record cannot be synced as it is; a person must change it, the mapping or a permission. */
export class NeedsHuman extends Error {
  override readonly name = 'NeedsHuman';
  /** The side's own names of the properties at fault, as far as they are known. */
  readonly fields: readonly string[];

  constructor(
    /** The reason code (docs/reasons.md), by which people filter. */
    readonly code: RefusalCode,
    message: string,
    fields: string | null | readonly string[] = null,
  ) {
    super(message);
    this.fields = [fields ?? []].flat();
  }

  /** The first property at fault; null if none is known. */
  get field(): string | null {
    return this.fields[0] ?? null;
  }
}

/** The record has changed since the version that the write was based on (409, 412). */
export class PreconditionFailed extends Error {
  override readonly name = 'PreconditionFailed';
}

/** A create was refused, because another record has the same unique value (name, back-reference). */
export class AlreadyExists extends Error {
  override readonly name = 'AlreadyExists';
  constructor(
    message: string,
    readonly field: string,
  ) {
    super(message);
  }
}

/** The record that a write concerns no longer exists. A read reports this as a result instead. */
export class RecordGone extends Error {
  override readonly name = 'RecordGone';
}

/** A write refers to a record that no longer exists: the ticket of a comment, the customer of a project. */
export class ReferenceGone extends Error {
  override readonly name = 'ReferenceGone';
  constructor(
    message: string,
    /** The side's own name of the property with the reference. */
    readonly field: string,
  ) {
    super(message);
  }
}

/** The message of an error for logs and histories, without content of records. */
export function publicMessage(error: unknown): string {
  if (error instanceof NeedsHuman && wordsOf(error.code)?.ownWords !== true)
    return error.field === null ? error.code : `${error.code} (${error.field})`;
  if (error instanceof ReferenceGone) return `the record that ${error.field} refers to is gone`;
  if (error instanceof AlreadyExists) return `a record with this ${error.field} exists`;
  return error instanceof Error ? error.message : String(error);
}
