import { BSON, type Document } from 'mongodb';

/** A document is too large for MongoDB. */
export class TooLarge extends Error {
  override readonly name = 'TooLarge';
}

/**
 * The largest size of a document: 16 MB, less the overhead of the command.
 * https://www.mongodb.com/docs/manual/reference/limits/
 */
export const DOCUMENT_BYTES = 16 * 1024 * 1024 - 64 * 1024;

/** Checks before a document is sent, because MongoDB would refuse a whole bulk with it. @throws TooLarge */
export function expectFits(what: string, document: Document): void {
  const bytes = BSON.calculateObjectSize(document);
  if (bytes > DOCUMENT_BYTES)
    throw new TooLarge(`${what}: found ${bytes} bytes, expected ${DOCUMENT_BYTES} at most in the link store`);
}

export function fits(document: Document): boolean {
  return BSON.calculateObjectSize(document) <= DOCUMENT_BYTES;
}
