import type { EntityMapping } from '../sync/mapping';
import { statedVisibility, visibilityRow } from '../sync/rules/visibility';
import type { PropertyInfo } from '../systems/port';

/** Describes what a mapping says about who sees a record in the PMS. */

/** Likely names of the property in a PMS. */
const LIKELY = /^(visibility|is_?private|is_?public|private|public|internal|confidential)$/i;
const ASKED: readonly EntityMapping['entity'][] = ['TicketToProject', 'CommentToProject'];

/** @returns one line; null for an entity whose records are never internal */
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

/** The row that the mapping lacks; null if it says who sees the records. */
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

/** One line if a mapping does not say who sees the records; null if it does. */
export function unstatedIn(tables: readonly EntityMapping[]): string | null {
  const lines = tables.flatMap((table) => unstatedVisibility(table, []) ?? []);
  return lines.length === 0 ? null : lines.map((line) => line.split(';')[0]).join('; ');
}
