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

  constructor(
    /** The property that holds the text. */
    readonly property: string,
    as: string,
  ) {
    this.parts = as.split(NAME);
    this.names = markerNames(as).filter((name) => name !== BACK_REF);
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
    const found = this.found(text.trimEnd());
    const { [BACK_REF]: backRef = '', ...rest } = found?.values ?? {};
    if (!found || tryParseRef(backRef) === null) return null;
    return { backRef, values: { ...rest, [this.property]: text.slice(0, found.from).trimEnd() } };
  }

  /** Looks from the end of a text, so that it takes no more than one look at each character. */
  private found(text: string): { from: number; values: Record<string, string> } | null {
    const last = (this.parts.at(-1) ?? '').trimEnd();
    if (!text.endsWith(last)) return null;
    const values: Record<string, string> = {};
    let end = text.length - last.length;
    for (let n = this.parts.length - 2; n > 0; n -= 2) {
      const words = this.parts[n - 1] ?? '';
      const from = n === 1 ? this.beginning(text, words, end) : text.lastIndexOf(words, end - words.length);
      if (from < 0 || from + words.length > end) return null;
      const value = text.slice(from + words.length, end);
      if (/\n/.test(value)) return null;
      values[this.parts[n] ?? ''] = value;
      end = from;
    }
    return { from: end, values };
  }

  /** Where its first words stand: at the beginning of a line, where it was put; else as near to the end as they are. */
  private beginning(text: string, words: string, end: number): number {
    const line = text.lastIndexOf('\n', end - 1) + 1;
    return end > 0 && text.startsWith(words, line) ? line : text.lastIndexOf(words, end - words.length);
  }
}

const BACK_REF = 'backRef';
const NAME = /\{([A-Za-z]\w*)\}/;

/** The names in a marker as a profile writes it. */
export function markerNames(as: string): string[] {
  return as.split(NAME).filter((_, n) => n % 2 === 1);
}
