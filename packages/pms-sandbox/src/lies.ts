import { z } from 'zod';
import type { Fields } from './model';

/** Ways in which the server breaks its contract, to test `conform`, which must detect them. */
export const liesSchema = z.strictObject({
  ignoreIfMatch: z.boolean().default(false),
  forgetIdempotencyKeys: z.boolean().default(false),
  /** Two records may have the same `externalRef`. */
  allowDuplicateReferences: z.boolean().default(false),
  /** Does not keep `externalRef`. */
  dropReferences: z.boolean().default(false),
  /** A list by `externalRef` is empty. */
  missReferences: z.boolean().default(false),
  /** A list by `externalRef` is a list of everything. */
  ignoreReferenceFilter: z.boolean().default(false),
  /** The same for a list by name, title or domain. */
  ignoreFilters: z.boolean().default(false),
  /** The next page of a list leaves out as many records as were made since the last. */
  skipAfterInserts: z.boolean().default(false),
  /** Leaves every fifth change out of the feed and the webhooks. */
  dropFeedEntries: z.boolean().default(false),
  /** Inserts every fifth change before the latest, which readers have passed already. */
  backdateFeedEntries: z.boolean().default(false),
  /** A page of the feed begins with its latest entry. */
  reverseFeed: z.boolean().default(false),
  /** An update leaves the revision as it was. */
  keepRevision: z.boolean().default(false),
  /** An update empties the text that it does not name. */
  wipeUnnamed: z.boolean().default(false),
  /** Archives nothing, but reports success. */
  ignoreArchive: z.boolean().default(false),
  /** Keeps redacted text, and reports that it was removed. */
  ignoreRedaction: z.boolean().default(false),
  /** Every note is public. */
  publishNotes: z.boolean().default(false),
  /** Leaves out characters beyond the Basic Multilingual Plane. */
  stripEmoji: z.boolean().default(false),
  lowercaseText: z.boolean().default(false),
  /** Keeps text as HTML. */
  escapeMarkup: z.boolean().default(false),
  /** Cuts text to its first 1,000 characters. */
  truncateText: z.boolean().default(false),
  /** Changes one byte of each file. */
  spoilFiles: z.boolean().default(false),
  /** Removes no file, but reports success. */
  keepFiles: z.boolean().default(false),
});
export type Lies = z.output<typeof liesSchema>;

const TEXTS = ['name', 'title', 'description', 'notes', 'body'];
const KEPT_CHARACTERS = 1_000;

/** The fields as the server stores them. */
export function kept(lies: Lies, fields: Fields): Fields {
  const found: Fields = { ...fields };
  for (const name of TEXTS) {
    const value = found[name];
    if (typeof value === 'string') found[name] = keptText(lies, value);
  }
  if (lies.publishNotes && 'body' in found) found['visibility'] = 'public';
  if (lies.dropReferences && 'externalRef' in found) found['externalRef'] = null;
  return found;
}

function keptText(lies: Lies, text: string): string {
  let found = text;
  if (lies.stripEmoji) found = found.replace(/[\u{10000}-\u{10FFFF}]/gu, '');
  if (lies.lowercaseText) found = found.toLowerCase();
  if (lies.escapeMarkup) found = found.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
  if (lies.truncateText) found = found.slice(0, KEPT_CHARACTERS);
  return found;
}

/** Whether a list ignores a filter parameter. */
export function ignoresFilter(lies: Lies, field: string): boolean {
  return field === 'externalRef'
    ? lies.ignoreReferenceFilter
    : lies.ignoreFilters && ['name', 'title', 'domains'].includes(field);
}

/** The fields of an update, which also empties the text that it does not name. */
export function wiped(lies: Lies, given: Fields): Fields {
  if (!lies.wipeUnnamed || 'description' in given || Object.keys(given).length === 0) return given;
  return { ...given, description: null };
}

export function spoiled(lies: Lies, content: Buffer): Buffer {
  if (!lies.spoilFiles || content.length === 0) return content;
  const found = Buffer.from(content);
  found[0] = (found[0] ?? 0) ^ 1;
  return found;
}
