import type { RefKey } from '../../sync/record';
import { isRedactedFrom } from '../../sync/redaction';
import { unguarded } from './commentText';
import { MARKS } from './zendeskRecords';
import type { Audit } from './zendeskSchemas';

/** A follow-up is a comment that reports the new text of a description or another comment, edited in the PMS. */

/** The prefix of every follow-up. */
export const EDITED = 'Edited in the PMS:';

/**
 * Whether the latest follow-up of a PMS record has this body, also if parts of it were redacted since. Needed in addition
 * to the idempotency key, because a lost or restored link counts its revisions anew and so makes other keys.
 *
 * @param audits of the ticket, in any order
 * @param backRef names the PMS record
 */
export function saysAlready(audits: readonly Audit[], backRef: RefKey | null, body: string): boolean {
  if (backRef === null) return false;
  const latest = audits
    .filter(({ metadata }) => metadata?.custom?.[MARKS.followUp] === backRef)
    .sort((one, other) => other.id - one.id)
    .flatMap(({ events }) => events.map((event) => inOneLine(event.body ?? '')))
    .find((text) => text.startsWith(EDITED));
  return latest !== undefined && isRedactedFrom(inOneLine(body), latest);
}

/** Zendesk may change blanks and line breaks (zendesk-rules.md rule 41). */
function inOneLine(text: string): string {
  return unguarded(text).replace(/\s+/g, ' ').trim();
}
