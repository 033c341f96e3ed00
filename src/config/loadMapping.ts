import { createHash } from 'node:crypto';
import { MappingError, parseMapping } from '../sync/mappingFile';
import { bindProperties, type FormerName } from '../sync/bindProperties';
import type { EntityMapping, Mapping } from '../sync/mapping';
import { misfitsOf } from '../sync/misfits';
import { ENTITY_TYPES, SIDES, type Side } from '../sync/record';
import type { PropertyInfo, SystemPort } from '../systems/port';
import { readYamlFile, refuseOther } from './readYaml';

/** Loads the mapping file. @throws MappingError, ConfigError with file and row of every fault */
export function loadMapping(file: string): Mapping {
  const { input, lineOf } = readYamlFile(file);
  refuseOther(file, input, 'a mapping');
  const versionOf = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 12);
  return parseMapping(input, file, versionOf, lineOf);
}

/** The present properties of each system, by kind. */
export type Offered = Record<Side, ReadonlyMap<string, PropertyInfo[]>>;

/** Reads the properties of all kinds of a mapping from both systems. */
export async function offeredBy(mapping: Mapping, systems: Record<Side, SystemPort>): Promise<Offered> {
  const offered = { zendesk: new Map<string, PropertyInfo[]>(), pms: new Map<string, PropertyInfo[]>() };
  for (const side of SIDES) {
    for (const kind of new Set(ENTITY_TYPES.map((type) => mapping.entities[type].kind[side]))) {
      offered[side].set(kind, await systems[side].properties(kind));
    }
  }
  return offered;
}

/**
 * Checks a mapping against the properties of both systems.
 *
 * @param formerName from the link store: finds properties that do not exist any more; see `bindProperties`
 * @throws MappingError
 */
export async function checkMapping(
  mapping: Mapping,
  systems: Record<Side, SystemPort>,
  file: string,
  formerName?: FormerName,
): Promise<Mapping> {
  return bindMapping(mapping, systems, await offeredBy(mapping, systems), file, formerName);
}

/** The same, with properties that were read before. @throws MappingError */
export function bindMapping(
  mapping: Mapping,
  systems: Record<Side, SystemPort>,
  offered: Offered,
  file: string,
  formerName?: FormerName,
): Mapping {
  const bound = bindProperties(mapping, offered, file, formerName);
  const faults = ENTITY_TYPES.flatMap((type) => matchFaults(bound.entities[type], systems));
  if (faults.length > 0) throw new MappingError(faults.map((fault) => `${file}: ${fault}`).join('\n'));
  const misfits = ENTITY_TYPES.flatMap((type) => {
    const table = bound.entities[type];
    const fields = (side: Side) => offered[side].get(table.kind[side]);
    return misfitsOf(table, { zendesk: fields('zendesk'), pms: fields('pms') });
  });
  return { ...bound, misfits };
}

/**
 * Checks that the systems can look up the properties of match rules, so that a fault is reported before the first
 * record is looked up.
 */
function matchFaults({ entity, kind, match }: EntityMapping, systems: Record<Side, SystemPort>): string[] {
  return match.flatMap((rule) =>
    SIDES.filter((side) => !systems[side].canFind(kind[side], rule[side])).map(
      (side) =>
        `${entity} match rule "${rule.zendesk} ↔ ${rule.pms}": ${side} cannot look for a ${kind[side]} by "${rule[side]}"`,
    ),
  );
}
