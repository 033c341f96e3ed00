import type { AccountSize } from './generate';

/**
 * The fewest calls that the two APIs allow for a backfill: pages of the largest size, a hundred writes per call, one
 * look at each job, one call for a hundred people, and one call for each person that the PMS has to create. The projects
 * name no requester, so the tickets belong to the sync's own user, who joins each new organization, a hundred with a job.
 */
export function boundOf(size: AccountSize): number {
  const pages = (records: number, of: number) => Math.ceil(records / of);
  const zendeskReads =
    pages(size.organizations, 100) +
    pages(size.tickets, 1_000) +
    pages(size.tickets + size.comments, 1_000) +
    pages(size.people, 100);
  const pmsReads = pages(size.customers, 200) + pages(size.projects, 200) + pages(size.notes, 200);
  const toPms =
    pages(size.organizations, 100) +
    pages(size.tickets, 100) +
    pages(size.comments, 100) +
    pages(size.people, 100) +
    size.people;
  // Create, look at the job, read the created records.
  const newPages = pages(size.customers - size.matched, 100);
  const toZendesk = 3 * (newPages + pages(size.projects, 100)) + 2 * newPages;
  // A note becomes a comment by an update of its ticket; before that, a read checks that the comment is missing.
  return zendeskReads + pmsReads + toPms + toZendesk + 3 * size.notes;
}
