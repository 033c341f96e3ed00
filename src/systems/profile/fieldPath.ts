import type { Json } from '../../sync/record';

/** Nested fields, addressed by the list of names that leads to them. */

/** @returns undefined if the field does not exist; null if an outer field is null */
export function fieldOf(raw: Json, path: readonly string[]): Json | undefined {
  let value: Json | undefined = raw;
  for (const step of path) {
    if (value === null) return null;
    if (typeof value !== 'object' || Array.isArray(value)) return undefined;
    value = value[step];
    if (value === undefined) return undefined;
  }
  return value;
}

export function setAt(fields: Record<string, Json>, path: readonly string[], value: Json): void {
  const [first = '', ...rest] = path;
  if (rest.length === 0) fields[first] = value;
  else setAt((fields[first] ??= {}) as Record<string, Json>, rest, value);
}
