import { NeedsHuman, RetryLater } from '../systems/errors';

/** The whole message of an error that a system reported; of any other error, the first line. */
export function wordsOf(error: unknown): string {
  if (error instanceof NeedsHuman || error instanceof RetryLater) return error.message;
  return firstLine(error);
}

/** The first line of an error's message. */
export function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}
