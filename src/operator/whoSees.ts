import type { EntityMapping } from '../sync/mapping';
import { statedVisibility, visibilityRow } from '../sync/rules/visibility';
import type { PropertyInfo } from '../systems/port';

/** What a mapping says of who sees a record in the PMS, for a person. */

/** How a PMS may call it. */
const LIKELY = /^(visibility|is_?private|is_?public|private|public|internal|confidential)$/i;
const ASKED: readonly EntityMapping['entity'][] = ['TicketToProject', 'CommentToProject'];

/** @returns a line; null for an entity of which nothing is internal */
export function whoSees(table: EntityMapping): string | null {
  if (!ASKED.includes(table.entity)) return null;
  switch (statedVisibility(table)) {
    case 'row': {
      const row = visibilityRow(table);
      return `who sees it: row "${row?.zendesk} ↔ ${row?.pms}"`;
    }
    case 'internal':
      return 'who sees it in the PMS: no customer, as the constant of "public" says';
    case 'public':
      return 'who sees it in the PMS: customers, as the constant of "public" says; what is internal is left out';
    case 'unstated':
      return null;
  }
}

/** What is to be added to a mapping that does not say it; null where it does. */
export function unstatedVisibility(table: EntityMapping, pms: readonly PropertyInfo[]): string | null {
  const { entity, kind } = table;
  if (!ASKED.includes(entity) || statedVisibility(table) !== 'unstated') return null;
  const known = pms.find(({ name }) => LIKELY.test(name));
  const consequence = `an internal ${kind.zendesk} gets no ${kind.pms}, and a ${kind.pms} becomes an internal ${kind.zendesk}`;
  const cure = known
    ? `add the row of docs/mapping.md for "public" and the PMS property "${known.name}"`
    : 'add a row with "zendesk: public", transform constant and value false (no customer sees the PMS) or true (customers do)';
  return `${entity}: no row says who sees a ${kind.pms} in the PMS, so ${consequence}; ${cure}`;
}

/** Where a mapping does not say it, in one line; null where it does. */
export function unstatedIn(tables: readonly EntityMapping[]): string | null {
  const lines = tables.flatMap((table) => unstatedVisibility(table, []) ?? []);
  return lines.length === 0 ? null : lines.map((line) => line.split(';')[0]).join('; ');
}
