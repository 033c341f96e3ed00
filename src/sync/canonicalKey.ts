import {
  ENTITY_TYPES,
  SIDES,
  type EntityType,
  type Json,
  type RecordRef,
  type RefKey,
  type Side,
} from './record';

/** Names a pair by the record that it began with: `TicketToProject/zendesk:ticket:123`. Also its workflow id. */
export type CanonicalKey = string;

const REF = /^(zendesk|pms):([a-z_]+):([^\s:/]+)$/;

export function refKey(ref: RecordRef): RefKey {
  return `${ref.side}:${ref.kind}:${ref.id}`;
}

/** @returns null if the text is no reference of ours, e.g. another application's external id */
export function tryParseRef(text: string | null | undefined): RecordRef | null {
  const match = REF.exec(text ?? '');
  const [, side, kind, id] = match ?? [];
  if (!side || !kind || !id || !(SIDES as readonly string[]).includes(side)) return null;
  return { side: side as Side, kind, id };
}

/** Only for texts that this code wrote. @throws Error if the text is not `side:kind:id` */
export function parseRef(text: RefKey): RecordRef {
  const ref = tryParseRef(text);
  if (!ref) throw new Error(`"${text}" is not a record reference: expected side:kind:id`);
  return ref;
}

export function canonicalKey(entity: EntityType, origin: RecordRef): CanonicalKey {
  return `${entity}/${refKey(origin)}`;
}

/** @throws Error with the text, if it is not `Entity/side:kind:id` */
export function parseCanonicalKey(key: CanonicalKey): { entity: EntityType; origin: RecordRef } {
  const slash = key.indexOf('/');
  const entity = key.slice(0, slash);
  const origin = tryParseRef(key.slice(slash + 1));
  if (!(ENTITY_TYPES as readonly string[]).includes(entity) || !origin) {
    throw new Error(`"${key}" is not a canonical key: expected e.g. TicketToProject/zendesk:ticket:123`);
  }
  return { entity: entity as EntityType, origin };
}

/**
 * The form in which match rules compare a value: without differences in case, blanks, and Unicode normalization
 * (https://unicode.org/reports/tr15/).
 */
export function matchKey(value: Json): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return collapsed(text.normalize('NFC')).toLowerCase();
}

/** The spellings of a value to search for, because the search of a system may treat them as different values. */
export function spellings(value: Json): Json[] {
  if (typeof value !== 'string') return [value];
  const plain = collapsed(value);
  return [...new Set([value, plain.normalize('NFC'), plain.normalize('NFD')])];
}

function collapsed(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
