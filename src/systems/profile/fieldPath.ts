import type { Json } from '../../sync/record';

/** Fields of fields, by the names on the way to them. */

/** Undefined where there is no such field; null inside of one that is null. */
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
