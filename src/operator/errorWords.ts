import { NeedsHuman, RetryLater } from '../systems/errors';

/** A system's own message. Any other error is a bug, and is reported as one. */
export function wordsOf(error: unknown): string {
  if (error instanceof NeedsHuman || error instanceof RetryLater) return error.message;
  return firstLine(error);
}

/** Of an error's message. */
export function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}
