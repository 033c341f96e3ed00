import type { Inbox, PairSummary } from '../activities/types';
import type { CanonicalKey } from '../sync/canonicalKey';
import { keepInSync } from './pair';

/**
 * All workflows, under the names that operators see. The three entities differ in their mapping only, so the workflows
 * of their pairs do the same.
 */

/** A Zendesk organization ↔ a PMS customer. */
export function OrgToCustomer(key: CanonicalKey, carried?: Inbox[]): Promise<PairSummary> {
  return keepInSync(key, carried);
}

/** A Zendesk ticket ↔ a PMS project. */
export function TicketToProject(key: CanonicalKey, carried?: Inbox[]): Promise<PairSummary> {
  return keepInSync(key, carried);
}

/** A Zendesk ticket comment ↔ a note or a subproject of a PMS project. */
export function CommentToProject(key: CanonicalKey, carried?: Inbox[]): Promise<PairSummary> {
  return keepInSync(key, carried);
}

export { pollChanges } from './pollChanges';
export { readHints } from './readHints';
export { remap } from './remap';
export { reconcile } from './reconcile';
export { linkHygiene } from './linkHygiene';
export { resyncMany, syncControl } from './control';
export { backfill } from './backfill';
export { undo } from './undo';
export { endHold } from './endHold';
