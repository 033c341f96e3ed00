import { BSON, type Document } from 'mongodb';

/** A document that MongoDB would refuse. */
export class TooLarge extends Error {
  override readonly name = 'TooLarge';
}

/** Of a document; 16 MB, less what the command around it needs. https://www.mongodb.com/docs/manual/reference/limits/ */
export const DOCUMENT_BYTES = 16 * 1024 * 1024 - 64 * 1024;

/** @throws TooLarge before it is sent: in a bulk it would have the others refused as well */
export function expectFits(what: string, document: Document): void {
  const bytes = BSON.calculateObjectSize(document);
  if (bytes > DOCUMENT_BYTES)
    throw new TooLarge(`${what}: found ${bytes} bytes, expected ${DOCUMENT_BYTES} at most in the link store`);
}

export function fits(document: Document): boolean {
  return BSON.calculateObjectSize(document) <= DOCUMENT_BYTES;
}
