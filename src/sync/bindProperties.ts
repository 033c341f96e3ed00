import { rowTitle } from './mappingFaults';
import { MappingError } from './mappingFile';
import type { Mapping } from './mapping';
import { ENTITY_TYPES, type Side } from './record';

/** Checks the table against the properties that each side really offers, resolving aliases to names. */
export function bindProperties(
  mapping: Mapping,
  offered: Record<Side, ReadonlyMap<string, readonly { name: string; aliases: readonly string[] }[]>>,
  file: string,
): Mapping {
  const faults: string[] = [];
  const bind = (side: Side, kind: string, property: string, at: string): string => {
    const list = offered[side].get(kind);
    if (!list) return property;
    const found =
      list.find((info) => info.name === property) ?? list.find((info) => info.aliases.includes(property));
    if (found) return found.name;
    faults.push(
      `${file}: ${at}: ${side} ${kind} has no property "${property}"; it has ${list.map((info) => info.name).join(', ')}`,
    );
    return property;
  };
  const entities = { ...mapping.entities };
  for (const type of ENTITY_TYPES) {
    const table = mapping.entities[type];
    const both = (names: { zendesk: string; pms: string }, at: string) => ({
      zendesk: bind('zendesk', table.kind.zendesk, names.zendesk, at),
      pms: bind('pms', table.kind.pms, names.pms, at),
    });
    const rows = table.rows.map((row) => {
      const at = `${type} row "${rowTitle(row)}"`;
      return {
        ...row,
        zendesk: row.zendesk && bind('zendesk', table.kind.zendesk, row.zendesk, at),
        pms: row.pms && bind('pms', table.kind.pms, row.pms, at),
      };
    });
    const match = table.match.map((rule) => both(rule, `${type} match rule "${rowTitle(rule)}"`));
    // A filter by a property that nobody has would keep every record out, without a word.
    const filterOf = (side: Side) =>
      Object.fromEntries(
        Object.entries(table.filter[side]).map(([property, allowed]) => [
          bind(side, table.kind[side], property, `${type} filter "${property}"`),
          allowed,
        ]),
      );
    const filter = { zendesk: filterOf('zendesk'), pms: filterOf('pms') };
    entities[type] = { ...table, rows, match, filter };
  }
  if (faults.length > 0) throw new MappingError(faults.join('\n'));
  return { ...mapping, entities };
}
