import type { PropertyRow, Transform } from './mapping';
import type { Json, Side, SyncRecord } from './record';

/** Sets as the sides hold them. It imports types alone, because workflows carry it along. */

export function elementsOf(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}

/** The elements of a value of a set. People also write a set as text. @returns null for what is no set */
export function itemsOf(value: Json | undefined): (string | number | boolean | null)[] | null {
  if (value === undefined || value === null) return [];
  const list = typeof value === 'string' ? value.split(/[\s,]+/) : value;
  if (!Array.isArray(list)) return null;
  const items = list.filter((item) => item === null || typeof item !== 'object');
  return items.length === list.length ? items : null;
}

const NONE: ReadonlySet<string> = new Set<string>();
const reservedOf = new WeakMap<readonly string[], ReadonlySet<string>>();

/** `reserved` of a row, as a set. */
export function reservedElements({ reserved }: Pick<PropertyRow, 'reserved'>): ReadonlySet<string> {
  if (!reserved) return NONE;
  const found = reservedOf.get(reserved) ?? new Set(reserved);
  reservedOf.set(reserved, found);
  return found;
}

/** One element of a set in canonical form. Unicode has several forms of one letter, and people type blanks. */
export function elementOf(transform: Transform['kind'], element: string): string {
  const trimmed = element.normalize('NFC').trim();
  return transform === 'tags' ? trimmed.toLowerCase().replace(/\s+/g, '_') : trimmed;
}

/** How a side holds a set, in its own spelling, beside the canonical form. */
export interface HeldSet {
  /** Elements whose spelling is not canonical. */
  spelled?: string[];
  /** Elements that belong to another property of the record, e.g. the tag of a drop-down's option. */
  owned?: string[];
}

/**
 * By row id and side: elements of a set that the side shows and that belong to another property of either side, in
 * canonical form. See src/sync/rules/reserved.ts.
 */
export type Reserved = Record<string, Partial<Record<Side, string[]>>>;

type Holder = Pick<SyncRecord, 'values' | 'owned'>;

/** The parts of a record's set that its canonical form lacks; empty if it lacks none. */
export function heldSet({ values, owned }: Holder, property: string): HeldSet {
  const spelled = elementsOf(values[property]).filter((each) => each !== elementOf('tags', each));
  const belonging = owned?.[property] ?? [];
  return {
    ...(spelled.length > 0 && { spelled }),
    ...(belonging.length > 0 && { owned: belonging }),
  };
}

/** The sets of a record, by property, that are more than their canonical form says. */
export function heldSets(record: Holder): Record<string, HeldSet> {
  const held: Record<string, HeldSet> = {};
  for (const [property, value] of Object.entries(record.values)) {
    const set = Array.isArray(value) ? heldSet(record, property) : {};
    if (Object.keys(set).length > 0) held[property] = set;
  }
  return held;
}
