import type { Link } from '../link';
import type { EntityMapping } from '../mapping';
import type { Side } from '../record';

/**
 * Rule: what is added to a comment (a follow-up, a file) is shown to those who may see the comment, as both sides last
 * agreed. Where no row says so, nobody but agents sees it.
 */
export function shownToCustomers(table: EntityMapping, side: Side, link: Link): boolean {
  const row = table.rows.find((each) => each[side] === 'public');
  return row !== undefined && link.snapshot?.[row.id] === 'public';
}
