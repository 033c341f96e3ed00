import { tryParseRef } from '../../sync/canonicalKey';
import type { RefKey, Values } from '../../sync/record';
import { textOf } from '../../sync/values';

/**
 * What stands at the end of a text, below what was said: the back-reference, where a record has no field for it, and
 * properties that have no field either.
 */
export class Marker {
  /** Properties in it. */
  readonly names: readonly string[];
  /** Words, and names at every second place. */
  private readonly parts: readonly string[];
  private readonly pattern: RegExp;

  constructor(
    /** The property that holds the text. */
    readonly property: string,
    as: string,
  ) {
    this.parts = as.split(NAME);
    this.names = markerNames(as).filter((name) => name !== BACK_REF);
    const pattern = this.parts.map((part, n) => {
      if (n % 2 === 0) return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
      return part === BACK_REF ? `(?<${part}>\\S+?)` : `(?<${part}>[^\\n]*?)`;
    });
    this.pattern = new RegExp(`\\s*${pattern.join('')}\\s*$`);
  }

  /** The values with it at the end of their text; without a text, as they are. */
  added(values: Values, backRef: RefKey): Values {
    const said = values[this.property];
    if (said === undefined) return values;
    const marker = this.parts.map((part, n) => {
      if (n % 2 === 0) return part;
      return part === BACK_REF ? backRef : textOf(values[part] ?? '').replace(/\s+/g, ' ');
    });
    return {
      ...values,
      [this.property]: `${said === null ? '' : `${textOf(said)}\n\n`}${marker.join('')}`,
    };
  }

  /** @returns what it says, and the text without it; null where none of ours is there */
  taken(text: string): { backRef: string; values: Values } | null {
    const found = this.pattern.exec(text);
    const { [BACK_REF]: backRef = '', ...rest } = found?.groups ?? {};
    if (!found || tryParseRef(backRef) === null) return null;
    return { backRef, values: { ...rest, [this.property]: text.slice(0, found.index) } };
  }
}

const BACK_REF = 'backRef';
const NAME = /\{([A-Za-z]\w*)\}/;

/** The names in a marker as a profile writes it. */
export function markerNames(as: string): string[] {
  return as.split(NAME).filter((_, n) => n % 2 === 1);
}
