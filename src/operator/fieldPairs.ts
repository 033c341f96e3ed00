import type { EntityMapping, PropertyRow } from '../sync/mapping';
import { SIDES, type Side } from '../sync/record';
import type { PropertyInfo } from '../systems/port';

/** A row that `init` suggests for the mapping file. */
export interface SuggestedRow {
  zendesk: string;
  pms: string;
  type: NonNullable<PropertyRow['type']>;
  direction: 'both';
  transform?: 'enum' | 'tags';
  winner: 'latest';
  default?: boolean;
  table?: Record<string, string>;
  /** The title of the field, for a comment in the file. */
  title: string;
}

/** A custom field that no row names, and why no row is suggested for it. */
export interface UnmappedField {
  side: Side;
  name: string;
  title: string;
  why: string;
}

/**
 * Finds the custom fields that the mapping does not name. Two fields with the same title or key become a suggested
 * row, if their types are compatible.
 * @param table checked against the live fields, so that it names properties as the sides do
 */
export function pairCustomFields(
  table: EntityMapping,
  offered: Record<Side, readonly PropertyInfo[]>,
): { rows: SuggestedRow[]; unmapped: UnmappedField[] } {
  const mapped = { zendesk: new Set<string>(), pms: new Set<string>() };
  for (const row of table.rows) for (const side of SIDES) if (row[side]) mapped[side].add(row[side]);
  const free = (side: Side) => offered[side].filter((info) => info.custom && !mapped[side].has(info.name));
  const rows: SuggestedRow[] = [];
  const unmapped: UnmappedField[] = [];
  const leave = (side: Side, info: PropertyInfo, why: string) =>
    unmapped.push({ side, name: info.name, title: info.custom?.title ?? info.name, why });
  const pmsFields = free('pms');
  const taken = new Set<PropertyInfo>();
  for (const zendesk of free('zendesk')) {
    const pms = pmsFields.find((info) => !taken.has(info) && sameName(info, zendesk));
    if (!pms) {
      leave('zendesk', zendesk, 'no field of the PMS has its title or key');
      continue;
    }
    taken.add(pms);
    const row = rowOf(zendesk, pms);
    if (typeof row === 'string') for (const side of SIDES) leave(side, { zendesk, pms }[side], row);
    else rows.push(row);
  }
  for (const pms of pmsFields)
    if (!taken.has(pms)) leave('pms', pms, 'no field of Zendesk has its title or key');
  return { rows, unmapped };
}

/** @returns the row, or the reason why there can be none */
function rowOf(zendesk: PropertyInfo, pms: PropertyInfo): SuggestedRow | string {
  const [from, to] = [zendesk.custom, pms.custom];
  if (!from?.type || !to?.type) return 'its type cannot be mapped';
  const texts = ['string', 'text'];
  if (from.type !== to.type && !(texts.includes(from.type) && texts.includes(to.type)))
    return `the types differ: ${from.type} in Zendesk, ${to.type} in the PMS`;
  const row: SuggestedRow = {
    zendesk: zendesk.name,
    pms: pms.name,
    type: to.type,
    direction: 'both',
    winner: 'latest',
    title: from.title,
  };
  // An empty checkbox counts as a checkbox that is off.
  if (to.type === 'boolean') return { ...row, default: false };
  if (to.type !== 'enum') return row;
  const common = (from.options ?? []).filter((option) => to.options?.includes(option));
  if (common.length === 0 || common.length < Math.max(from.options?.length ?? 0, to.options?.length ?? 0))
    return `the values differ: ${(from.options ?? []).join(', ')} in Zendesk, ${(to.options ?? []).join(', ')} in the PMS; write the table by hand`;
  return { ...row, transform: 'enum', table: Object.fromEntries(common.map((option) => [option, option])) };
}

function sameName(a: PropertyInfo, b: PropertyInfo): boolean {
  const names = namesOf(b);
  return namesOf(a).some((name) => names.includes(name));
}

/** Title and key in a form for comparison: `contractEnd`, `contract_end` and `Contract end` are equal. */
function namesOf({ name, custom }: PropertyInfo): string[] {
  return [name.slice(name.indexOf('.') + 1), custom?.title ?? ''].map((text) =>
    text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, ''),
  );
}
