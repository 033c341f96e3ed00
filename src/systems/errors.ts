import { wordsOf, type RefusalCode } from '../sync/reasons';

/**
 * Errors of the systems, in three kinds: retry later, needs a human, and bug (anything that is not one of
 * these classes). `PreconditionFailed` is not an error of the pair: it asks for another look.
 * No message carries a credential. What the other system says of a refusal may quote a value of the record: such a
 * message is for the link alone, {@link publicMessage} for everywhere else.
 */

/**
 * The call may succeed later. `unknownOutcome` is true where a write may have been done. `queued` says that the attempt
 * has written nothing, and ends only because the API's rate is used up: it comes again when its turn has come.
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
    /** Why, as docs/reasons.md lists it: people filter by it. */
    readonly code: RefusalCode,
    message: string,
    fields: string | null | readonly string[] = null,
  ) {
    super(message);
    this.fields = [fields ?? []].flat();
  }

  /** The first property at fault; null where none is known. */
  get field(): string | null {
    return this.fields[0] ?? null;
  }
}

/** The record moved on since the version that the write was based on (409, 412). */
export class PreconditionFailed extends Error {
  override readonly name = 'PreconditionFailed';
}

/** A create met a record that holds the same unique value (name, back-reference). */
export class AlreadyExists extends Error {
  override readonly name = 'AlreadyExists';
  constructor(
    message: string,
    readonly field: string,
  ) {
    super(message);
  }
}

/** The record to be written is gone. A read reports this as a result instead. */
export class RecordGone extends Error {
  override readonly name = 'RecordGone';
}

/** A write refers to a record that is gone: a comment to its ticket, a project to its customer. */
export class ReferenceGone extends Error {
  override readonly name = 'ReferenceGone';
  constructor(
    message: string,
    /** The side's own name of the property that refers to it. */
    readonly field: string,
  ) {
    super(message);
  }
}

/** What may be said of an error in logs and histories, where no record's content belongs. */
export function publicMessage(error: unknown): string {
  if (error instanceof NeedsHuman && wordsOf(error.code)?.ownWords !== true)
    return error.field === null ? error.code : `${error.code} (${error.field})`;
  if (error instanceof ReferenceGone) return `the record that ${error.field} refers to is gone`;
  if (error instanceof AlreadyExists) return `a record with this ${error.field} exists`;
  return error instanceof Error ? error.message : String(error);
}
