import { ENTITY_TYPES, type EntityType, type Json, type Side } from './record';

/** The mapping: which properties correspond, in which direction they are synced, and which side wins. */

export const DATA_TYPES = [
  'string',
  'text',
  'integer',
  'decimal',
  'boolean',
  'date',
  'datetime',
  'enum',
  'string[]',
  'person',
  'reference',
] as const;
export type DataType = (typeof DATA_TYPES)[number];
export type Direction = 'both' | 'toPms' | 'toZendesk';
export type OnRedact = Direction | 'none';
export type Winner = 'zendesk' | 'pms' | 'latest' | 'manual';

export type Transform =
  | { kind: 'copy' }
  | { kind: 'tags' }
  | { kind: 'html' }
  | { kind: 'enum'; toPms: ReadonlyMap<string, string>; toZendesk: ReadonlyMap<string, string> }
  | { kind: 'person' }
  | { kind: 'reference'; entity: EntityType; required: boolean }
  | { kind: 'constant'; value: Json }
  | { kind: 'template'; template: string };

/** One line of the table: a Zendesk property and its PMS property. */
export interface PropertyRow {
  /** Stable name of the row within its entity; the key of the row's value in a snapshot. */
  id: string;
  zendesk: string | null;
  pms: string | null;
  type: DataType;
  direction: Direction;
  transform: Transform;
  winner: Winner;
  /** The value that is used instead of an empty one; undefined if an empty value stays empty. */
  default: Json | undefined;
  /** `create`: the value is set when the counterpart is created, and never compared. */
  write: 'always' | 'create';
  /** The side that cannot change the value after creation, and what happens to an edit on the other side. */
  fixed: {
    side: Side;
    onEdit: 'followUp' | 'overrule';
    /** Canonical values that the side accepts nevertheless: a comment can be made internal, but not public. */
    except: readonly Json[];
  } | null;
  /** The side whose list of fields no longer has the row's property, so that the row rests. Absent if both have it. */
  restsOn?: Side;
  /** The entry for the row's property in each side's list of fields. Absent for properties that every record has. */
  listed?: Partial<Record<Side, ListedField>>;
  /**
   * Of a set: elements that belong to other properties, in canonical form, as the lists of fields of both sides say; e.g. in
   * a row with Zendesk's tags, the options of drop-downs. See src/sync/rules/reserved.ts. Absent where there are none.
   */
  reserved?: readonly string[];
}

/** An entry of a side's list of fields. */
export interface ListedField {
  /** The values that the field accepts, in the side's own form; absent if it also accepts others. */
  options?: readonly string[];
}

/** A property of the mapping file, and the stable name that the side has for it. */
export interface BoundProperty {
  side: Side;
  /** The kind of record. */
  kind: string;
  /** Its name in the mapping file, e.g. a title. */
  property: string;
  name: string;
  /** The title of a custom field; absent for other properties. */
  title?: string;
  /** Where the side refuses a second record with the same value. */
  unique?: true;
}

/** A row, match rule or filter that rests for all pairs, because its property does not exist. */
export interface Resting extends BoundProperty {
  entity: EntityType;
  /** The part of the mapping: `row "severity ↔ severity"`, `match rule "…"`, `filter "…"`. */
  what: string;
}

export interface EntityMapping {
  entity: EntityType;
  kind: Record<Side, string>;
  onDelete: 'flag' | 'archive' | 'unlink';
  /** The sides on which the redaction of a record or file is repeated. On any other side, it counts as an end. */
  onRedact: OnRedact;
  /** Match rules: existing records of both sides are joined if the properties of one rule are equal. */
  match: { zendesk: string; pms: string }[];
  /** A record is in scope only if each named property has one of these values. */
  filter: Record<Side, Record<string, Json[]>>;
  rows: PropertyRow[];
}

export interface Mapping {
  /** Changes whenever the table does; stored on each link. */
  version: string;
  entities: Record<EntityType, EntityMapping>;
  commentMode: 'note' | 'project';
  /** The stable names of the file's properties; absent before the mapping was checked against both systems. */
  bound?: readonly BoundProperty[];
  /** The parts that rest; absent before the mapping was checked against both systems. */
  resting?: readonly Resting[];
  /** Warnings for a person: parts that do not fit the fields of both systems, although other values can be synced. */
  misfits?: readonly string[];
}

/** Whether a change on the other side is ever written to this side. */
export function writesTo(row: PropertyRow, side: Side): boolean {
  if (!row[side]) return false;
  return row.direction === 'both' || row.direction === (side === 'pms' ? 'toPms' : 'toZendesk');
}

/** Whether the records are comments: comments keep their order, and have files. */
export function isComment(mapping: EntityMapping): boolean {
  return mapping.entity === 'CommentToProject';
}

/** Whether a redaction on the other side is repeated on this one. */
export function redactionReaches({ onRedact }: EntityMapping, side: Side): boolean {
  return onRedact === 'both' || onRedact === (side === 'pms' ? 'toPms' : 'toZendesk');
}

/** The rows that are compared and kept equal after creation. */
export function comparedRows(mapping: EntityMapping): PropertyRow[] {
  return mapping.rows.filter((row) => row.write === 'always');
}

/** The entities whose records on a side are of this kind: a parent before its child. */
export function entitiesOfKind(mapping: Mapping, side: Side, kind: string): EntityType[] {
  return ENTITY_TYPES.filter((type) => mapping.entities[type].kind[side] === kind);
}

/** The entity that a kind of record belongs to; null if the mapping does not contain the kind. */
export function entityOf(
  mapping: Mapping,
  side: Side,
  kind: string,
  values: Record<string, Json>,
): EntityType | null {
  const owners = entitiesOfKind(mapping, side, kind);
  if (owners.length < 2) return owners[0] ?? null;
  // In comment mode `project` both tickets and comments are PMS projects; a comment's has a parent.
  const parentOf = (type: EntityType) =>
    mapping.entities[type].rows.find((row) => row.transform.kind === 'reference' && row.transform.required)?.[
      side
    ];
  const withParent = owners.find((type) => {
    const parent = parentOf(type);
    return parent != null && values[parent] != null;
  });
  return withParent ?? owners.find((type) => parentOf(type) == null) ?? null;
}
