import { writesTo, type EntityMapping, type PropertyRow } from './mapping';
import { rowTitle } from './mappingFaults';
import { SIDES, otherSide, type Side } from './record';
import { meant } from './schemaWords';
import { placeholdersOf } from './values';

/** Finds parts of a mapping that do not fit the fields of both systems, although other values can be synced. */

/** The description of a property that a row must fit. */
export interface OfferedValues {
  name: string;
  writable: boolean;
  /** The values that the property accepts, if it accepts no others. */
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

/** Properties that a template names and its source lacks: they would be missing in the text. */
function unknownNames(row: PropertyRow, side: Side, offered: readonly OfferedValues[] | undefined): string[] {
  if (row.transform.kind !== 'template' || !offered || writesTo(row, side)) return [];
  const names = offered.map(({ name }) => name);
  return placeholdersOf(row.transform.template)
    .filter((name) => !names.includes(name))
    .map((name) => `the template names {${name}}, which ${side} does not have${meant(name, names)}`);
}

/** Properties that cannot be written: an edit on the other side would always be refused. */
function unwritable(row: PropertyRow, side: Side, { name, writable }: OfferedValues): string[] {
  if (writable || !writesTo(row, side)) return [];
  const only = side === 'zendesk' ? 'toPms' : 'toZendesk';
  return [
    `${side} "${name}" can only be read, and direction ${row.direction} writes it; expected direction ${only}`,
  ];
}

/** Differences between the table of an enum and the values that the side accepts. */
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
