import type { Json } from '../../sync/record';
import type { Entry } from './directory';
import type { Kind, Property } from './kindSchema';
import type { Times } from './times';

/** Properties of custom fields, and places of their values, begin with it. */
export const CUSTOM = 'customFields.';
const ENTRIES = 'entries';

/** How one property is read, made ready once: it is done for every record. */
export class ReadProperty {
  readonly name: string;
  readonly field: string;
  private readonly path: readonly string[];
  private readonly custom: string | null;
  private readonly asksEntries: boolean;
  private readonly names: ReadonlyMap<Json, string> | null;

  constructor(
    private readonly property: Property & { name: string },
    kind: Kind,
  ) {
    const { name, at = name, read, values } = property;
    this.name = name;
    this.field = read?.text ?? at;
    this.path = at.split('.');
    this.custom = at.startsWith(CUSTOM) && kind.customFields ? at.slice(CUSTOM.length) : null;
    this.asksEntries = read?.names.has(ENTRIES) ?? false;
    this.names = values ? new Map(Object.entries(values).map(([ours, theirs]) => [theirs, ours])) : null;
  }

  /** Undefined where a record lacks what it must have. */
  of(
    raw: { [key: string]: Json },
    entries: Record<string, Entry>,
    custom: ReadonlyMap<string, Json>,
    times: Times,
  ): Json | undefined {
    const { in: directory, read, as, optional } = this.property;
    if (directory !== undefined && !read) return entries[this.name]?.key ?? null;
    let found: Json | undefined;
    if (read) found = read.of(this.asksEntries ? withEntries(raw, entries) : raw);
    else if (this.custom !== null) found = custom.get(this.custom) ?? null;
    else found = fieldOf(raw, this.path);
    if (found === undefined) return optional ? null : undefined;
    if (found === null) return null;
    if (as) return as === 'day' ? times.day(found) : times.instant(found);
    return this.names ? (this.names.get(found) ?? found) : found;
  }
}

function withEntries(raw: { [key: string]: Json }, entries: Record<string, Entry>): Json {
  return {
    ...raw,
    [ENTRIES]: Object.fromEntries(Object.entries(entries).map(([name, each]) => [name, each.raw])),
  };
}

/** Undefined where there is no such field. */
export function fieldOf(raw: Json, path: readonly string[]): Json | undefined {
  let value: Json | undefined = raw;
  for (const step of path) {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return undefined;
    value = value[step];
    if (value === undefined) return undefined;
  }
  return value;
}
