import type { Fields, Json } from '../model';
import { invalid } from '../refusal';
import type { Rules } from '../rules/switches';
import type { Field } from './fieldRegistry';

type Values = { id: number; value: Json }[];

/** Marks a value that is dropped without an error. */
const DROPPED = Symbol('dropped');

const CHECKS: Record<string, (value: Json) => boolean> = {
  text: (value) => typeof value === 'string',
  textarea: (value) => typeof value === 'string',
  integer: (value) =>
    (typeof value === 'number' || typeof value === 'string') && /^-?\d+$/.test(String(value)),
  decimal: (value) =>
    (typeof value === 'number' || typeof value === 'string') && /^-?\d+(\.\d+)?$/.test(String(value)),
  date: (value) =>
    typeof value === 'string' && /^\d{4}-\d\d-\d\d/.test(value) && !Number.isNaN(Date.parse(value)),
  checkbox: (value) => typeof value === 'boolean',
  tagger: (value) => typeof value === 'string',
  dropdown: (value) => typeof value === 'string',
  multiselect: (value) => Array.isArray(value) && value.every((each) => typeof each === 'string'),
};

/**
 * Rule 15: a value that is no option is dropped, and the answer is 200 (zenpy#420, node-zendesk#132, zenpy#332). It is not
 * documented whether the old value remains; the switch `foreignOption` chooses it.
 * @throws Refusal 422 if the field does not accept the value
 */
function checkValue(field: Field, value: Json, named: string, rules: Rules): Json | typeof DROPPED {
  // An empty value clears any field.
  if (value === null || value === '') return field.type === 'checkbox' ? false : null;
  const refuse = () =>
    invalid(named, `${field.title}: ${JSON.stringify(value)} is not valid`, 'InvalidValue');
  if (!CHECKS[field.type]?.(value)) throw refuse();
  if (!['tagger', 'dropdown', 'multiselect'].includes(field.type)) return value;
  const given = Array.isArray(value) ? value : [value];
  const known = given.filter((each) => field.options.some((option) => option.value === each));
  if (known.length === given.length) return value;
  if (rules.foreignOption === 'refused') throw refuse();
  if (Array.isArray(value)) return known;
  return rules.foreignOption === 'keepsOld' ? DROPPED : null;
}

/** The ticket fields that a request sets; unknown and inactive fields are ignored. */
export function givenTicketFields(
  fields: readonly Field[],
  given: readonly { id: number; value: Json }[],
  rules: Rules,
): Values {
  return given.flatMap(({ id, value }) => {
    const field = fields.find((each) => each.id === id);
    if (!field) return [];
    const checked = checkValue(field, value, 'base', rules);
    return checked === DROPPED ? [] : [{ id, value: checked }];
  });
}

export const blankValue = ({ type }: Field): Json => (type === 'checkbox' ? false : null);

export function withValues(before: Values, given: Values): Values {
  const values = new Map(before.map(({ id, value }) => [id, value]));
  for (const { id, value } of given) values.set(id, value);
  return [...values].map(([id, value]) => ({ id, value }));
}

/** The fields of organizations and users are written by key; unknown and inactive ones are ignored. */
export function mergeKeyedFields(
  fields: readonly Field[],
  before: Fields,
  given: Record<string, Json>,
  rules: Rules,
): Fields {
  const known = Object.entries(given).flatMap(([key, value]) => {
    const field = fields.find((each) => each.key === key);
    if (!field) return [];
    const checked = checkValue(field, value, key, rules);
    return checked === DROPPED ? [] : [[key, checked] as const];
  });
  return { ...before, ...Object.fromEntries(known) };
}

/**
 * Rule 18: records do not show deactivated or deleted fields (H:4420210121114), nor the value of an option whose tag was
 * changed (H:4408886624410). Unknown fields of loaded records are shown unchanged.
 */
export function shownTicketFields(all: readonly Field[], values: Values): Values {
  const held = new Map(values.map(({ id, value }) => [id, value]));
  const own = all.filter(({ system }) => !system);
  const shown = own
    .filter(({ active }) => active)
    .map((field) => ({ id: field.id, value: shownValue(field, held.get(field.id) ?? blankValue(field)) }));
  const foreign = values.filter(({ id }) => !own.some((field) => field.id === id));
  return [...shown, ...foreign];
}

export function shownKeyedFields(all: readonly Field[], values: Fields): Fields {
  const shown = { ...values };
  for (const field of all) {
    const key = field.key ?? '';
    if (!field.active) delete shown[key];
    else shown[key] = shownValue(field, (values[key] as Json | undefined) ?? blankValue(field));
  }
  return shown;
}

function shownValue({ type, options }: Field, value: Json): Json {
  const isOption = (each: Json) => options.some((option) => option.value === each);
  if (type === 'tagger' || type === 'dropdown') return isOption(value) ? value : null;
  if (type === 'multiselect' && Array.isArray(value)) return value.filter(isOption);
  return value;
}
