import type { RefKey } from '../../sync/record';
import { isRedactedFrom } from '../../sync/redaction';
import { unguarded } from './commentText';
import { MARKS } from './zendeskRecords';
import type { Audit } from './zendeskSchemas';

/** A follow-up is a comment with the new text that another comment, or the description, has in the PMS. */

/** What every follow-up begins with. */
export const EDITED = 'Edited in the PMS:';

/**
 * Whether the last follow-up of a PMS record has this body. A link that was lost or restored from a backup counts its
 * revisions anew, so that the idempotency key alone does not find a follow-up of before. What was redacted in it, or
 * hidden, is not said again either.
 *
 * @param audits of the ticket, in any order
 * @param backRef names the PMS record
 */
export function saysAlready(audits: readonly Audit[], backRef: RefKey | null, body: string): boolean {
  if (backRef === null) return false;
  const said = audits
    .filter(({ metadata }) => metadata?.custom?.[MARKS.followUp] === backRef)
    .sort((one, other) => other.id - one.id)
    .flatMap(({ events }) => events.map((event) => inOneLine(event.body ?? '')))
    .find((text) => text.startsWith(EDITED));
  return said !== undefined && isRedactedFrom(inOneLine(body), said);
}

/** Zendesk may change blanks and line breaks (zendesk-rules.md rule 41). */
function inOneLine(text: string): string {
  return unguarded(text).replace(/\s+/g, ' ').trim();
}
