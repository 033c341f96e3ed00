import { elementOf } from './heldSets';
import { rowTitle } from './mappingFaults';
import { MappingError } from './mappingFile';
import type { BoundProperty, EntityMapping, ListedField, Mapping, PropertyRow, Resting } from './mapping';
import { ENTITY_TYPES, SIDES, type EntityType, type Side } from './record';

/** A property of one side. */
export interface OfferedProperty {
  name: string;
  aliases: readonly string[];
  /** Only for fields that the side lists. */
  custom?: { title?: string; options?: readonly string[] };
  /** Elements of a list that belong to other properties. */
  reserved?: readonly string[];
  unique?: true;
}

/** The properties of each side, by kind of record. A kind that is absent is not checked. */
export type OfferedProperties = Record<Side, ReadonlyMap<string, readonly OfferedProperty[]>>;

/**
 * The stable name that a property of the mapping file was last bound to, although it does not exist now.
 *
 * @returns undefined if it was never bound, which is a fault of the file
 */
export type FormerName = (property: Omit<BoundProperty, 'name'>) => string | undefined;

/**
 * Checks the table against the properties of each side, and resolves aliases to names. If a property existed before and
 * does not exist any more, this is no fault: its rows rest, and its match rules and filters have no effect.
 *
 * @throws MappingError if a property never existed
 */
export function bindProperties(
  mapping: Mapping,
  offered: OfferedProperties,
  file: string,
  formerName: FormerName = () => undefined,
): Mapping {
  const faults: string[] = [];
  const bound: BoundProperty[] = [];
  const resting: Resting[] = [];
  const entities = { ...mapping.entities };
  for (const type of ENTITY_TYPES) {
    const found = new TableBinder(mapping.entities[type], offered, file, formerName);
    entities[type] = found.bind();
    faults.push(...found.faults);
    bound.push(...found.bound);
    resting.push(...found.resting);
  }
  if (faults.length > 0) throw new MappingError(faults.join('\n'));
  return { ...mapping, entities, bound, resting };
}

interface Bound {
  name: string;
  isOffered: boolean;
  listed?: ListedField;
  reserved?: readonly string[];
}

class TableBinder {
  readonly faults: string[] = [];
  readonly bound: BoundProperty[] = [];
  readonly resting: Resting[] = [];
  private readonly entity: EntityType;

  constructor(
    private readonly table: EntityMapping,
    private readonly offered: OfferedProperties,
    private readonly file: string,
    private readonly formerName: FormerName,
  ) {
    this.entity = table.entity;
  }

  bind(): EntityMapping {
    const rows = this.table.rows.map((row) => this.row(row));
    const match = this.table.match.flatMap((rule) => {
      const what = `match rule "${rowTitle(rule)}"`;
      const both = {
        zendesk: this.side('zendesk', rule.zendesk, what),
        pms: this.side('pms', rule.pms, what),
      };
      if (!both.zendesk.isOffered || !both.pms.isOffered) return [];
      return [{ zendesk: both.zendesk.name, pms: both.pms.name }];
    });
    const filter = { zendesk: this.filter('zendesk'), pms: this.filter('pms') };
    return { ...this.table, rows, match, filter };
  }

  private row(row: PropertyRow): PropertyRow {
    const what = `row "${rowTitle(row)}"`;
    const next: PropertyRow = { ...row };
    delete next.restsOn;
    delete next.listed;
    delete next.reserved;
    const reserved = new Set<string>();
    for (const side of SIDES) {
      const property = row[side];
      if (property === null) continue;
      const { name, isOffered, listed, reserved: elements = [] } = this.side(side, property, what);
      next[side] = name;
      if (listed) next.listed = { ...(next.listed ?? {}), [side]: listed };
      if (!isOffered) next.restsOn = side;
      for (const each of elements) reserved.add(elementOf(row.transform.kind, each));
    }
    if (row.type === 'string[]' && reserved.size > 0) next.reserved = [...reserved].sort();
    return next;
  }

  /** A filter by a property that never existed would exclude every record without a trace, so it is a fault. */
  private filter(side: Side): EntityMapping['filter'][Side] {
    return Object.fromEntries(
      Object.entries(this.table.filter[side]).flatMap(([property, allowed]) => {
        const { name, isOffered } = this.side(side, property, `filter "${property}"`);
        return isOffered ? [[name, allowed]] : [];
      }),
    );
  }

  private side(side: Side, property: string, what: string): Bound {
    const kind = this.table.kind[side];
    const list = this.offered[side].get(kind);
    if (!list) return { name: property, isOffered: true };
    const found =
      list.find((info) => info.name === property) ?? list.find((info) => info.aliases.includes(property));
    if (found) {
      const { name, custom, reserved, unique } = found;
      const title = custom?.title;
      this.bound.push({
        ...{ side, kind, property, name },
        ...(title !== undefined && { title }),
        ...(unique && { unique }),
      });
      const listed = custom && { ...(custom.options && { options: custom.options }) };
      return { name, isOffered: true, ...(listed && { listed }), ...(reserved && { reserved }) };
    }
    const former = this.formerName({ side, kind, property });
    if (former !== undefined) {
      this.resting.push({ entity: this.entity, what, side, kind, property, name: former });
      return { name: former, isOffered: false };
    }
    const names = list.map((info) => info.name).join(', ');
    this.faults.push(
      `${this.file}: ${this.entity} ${what}: ${side} ${kind} has no property "${property}"; it has ${names}`,
    );
    return { name: property, isOffered: true };
  }
}
