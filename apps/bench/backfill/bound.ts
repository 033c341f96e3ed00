import type { AccountSize } from './generate';

/**
 * The fewest calls that the two APIs allow for it: pages as large as they come, a hundred writes a call, one look at each job, one
 * call for a hundred people, and one for each that the PMS has to be told of.
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
  // Create, look at the job, read what it made.
  const toZendesk = 3 * (pages(size.customers - size.matched, 100) + pages(size.projects, 100));
  // A note becomes a comment by an update of its ticket; that it is not there yet is looked up before.
  return zendeskReads + pmsReads + toPms + toZendesk + 3 * size.notes;
}
