import { writesTo, type EntityMapping, type PropertyRow } from './mapping';
import { rowTitle } from './mappingFaults';
import { SIDES, otherSide, type Side } from './record';
import { meant } from './schemaWords';
import { placeholdersOf } from './values';

/** What of a mapping does not fit the fields of the two systems, though records without such values can be synced. */

/** What a system says of a property, as far as a row must fit it. */
export interface OfferedValues {
  name: string;
  writable: boolean;
  /** The values that a property of every record takes, where it takes no others. */
  options?: readonly string[];
  custom?: { options?: readonly string[] };
}

/** @returns one line each, for a person */
export function misfitsOf(
  table: EntityMapping,
  offered: Record<Side, readonly OfferedValues[] | undefined>,
): string[] {
  return table.rows.flatMap((row) =>
    SIDES.flatMap((side) => {
      const unknown = unknownNames(row, side, offered[side]);
      if (unknown.length > 0) return unknown.map((what) => `${table.entity} row "${rowTitle(row)}": ${what}`);
      const info = offered[side]?.find(({ name }) => name === row[side]);
      if (!info) return [];
      const at = `${table.entity} row "${rowTitle(row)}"`;
      return [...unwritable(row, side, info), ...unknownValues(row, side, info)].map(
        (what) => `${at}: ${what}`,
      );
    }),
  );
}

/** What a template names and its source does not have would be left out of the text. */
function unknownNames(row: PropertyRow, side: Side, offered: readonly OfferedValues[] | undefined): string[] {
  if (row.transform.kind !== 'template' || !offered || writesTo(row, side)) return [];
  const names = offered.map(({ name }) => name);
  return placeholdersOf(row.transform.template)
    .filter((name) => !names.includes(name))
    .map((name) => `the template names {${name}}, which ${side} does not have${meant(name, names)}`);
}

/** An edit on the other side would be refused each time. */
function unwritable(row: PropertyRow, side: Side, { name, writable }: OfferedValues): string[] {
  if (writable || !writesTo(row, side)) return [];
  const only = side === 'zendesk' ? 'toPms' : 'toZendesk';
  return [
    `${side} "${name}" can only be read, and direction ${row.direction} writes it; expected direction ${only}`,
  ];
}

/** Where the table of an enum and the values that the side takes differ. */
function unknownValues(row: PropertyRow, side: Side, info: OfferedValues): string[] {
  const options = info.custom?.options ?? info.options;
  if (row.transform.kind !== 'enum' || !options) return [];
  const { toPms, toZendesk } = row.transform;
  const named = [...(side === 'zendesk' ? toPms : toZendesk).keys()];
  const unknown = named.filter((value) => !options.includes(value));
  const missing = options.filter((value) => !named.includes(value));
  const problems: string[] = [];
  if (unknown.length > 0)
    problems.push(
      `the table names ${unknown.join(', ')}, which ${side} does not have; it has ${options.join(', ')}`,
    );
  if (missing.length > 0 && writesTo(row, otherSide(side)))
    problems.push(
      `${side} also has ${missing.join(', ')}, which the table does not name; a record with it would be quarantined`,
    );
  return problems;
}
