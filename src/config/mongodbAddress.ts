import { MongoClient } from 'mongodb';
import { z } from 'zod';

/** Checks the settings of MongoDB before any connection. */

const EXAMPLE = 'mongodb://user:password@127.0.0.1:27017';
const ESCAPED = /^mongodb(\+srv)?:\/\/([^/?@]*@)?[^@/]*(\/[^@]*)?$/;

export const mongodbUri = z.string().superRefine((text, context) => {
  const fault = faultOf(text);
  if (fault !== null) context.addIssue(fault);
});

/** https://www.mongodb.com/docs/manual/reference/limits/#naming-restrictions */
const LONGEST_NAME = 63;
export const mongodbDatabase = z
  .string()
  .refine((name) => !/[/\\. "$*<>:|?]/.test(name) && Buffer.byteLength(name) <= LONGEST_NAME, {
    error: `expected a name of at most ${LONGEST_NAME} bytes, without blanks and / \\ . " $ * < > : | ?`,
  });

/** The driver's message may contain a part of the password. It is shown only if it is about an option. */
function faultOf(text: string): string | null {
  if (!/^mongodb(\+srv)?:\/\//.test(text)) return 'expected an address such as mongodb://127.0.0.1:27017';
  try {
    // This does not connect.
    new MongoClient(text);
    return null;
  } catch (error) {
    if (!ESCAPED.test(text))
      return `expected an address such as ${EXAMPLE}, with %40 for "@", %3A for ":" and %2F for "/" in user and password`;
    const words = error instanceof Error ? error.message : '';
    const option = /^options? ([\w, ]+) (?:is|are) not supported$/.exec(words)?.[1];
    return option === undefined
      ? `expected an address such as ${EXAMPLE}, with a port up to 65535`
      : `expected options of MongoDB’s connection string after "?", and "${option}" is none`;
  }
}
