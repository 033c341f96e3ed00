import { tryParseRef } from '../../sync/canonicalKey';
import type { RefKey, Values } from '../../sync/record';
import { textOf } from '../../sync/values';

/**
 * A block at the end of a text property. It holds the back-reference, if a record has no field for it, and other
 * properties without a field.
 */
export class Marker {
  /** The properties that the marker holds. */
  readonly names: readonly string[];
  /** Fixed words at even indexes, names at odd ones. */
  private readonly parts: readonly string[];

  constructor(
    /** The property that holds the text. */
    readonly property: string,
    as: string,
  ) {
    this.parts = as.split(NAME);
    this.names = markerNames(as).filter((name) => name !== BACK_REF);
  }

  /** @returns the values with the marker appended to their text; values without the text are returned unchanged */
  added(values: Values, backRef: RefKey): Values {
    const text = values[this.property];
    if (text === undefined) return values;
    const marker = this.parts.map((part, n) => {
      if (n % 2 === 0) return part;
      return part === BACK_REF ? backRef : textOf(values[part] ?? '').replace(/\s+/g, ' ');
    });
    return {
      ...values,
      [this.property]: `${text === null ? '' : `${textOf(text)}\n\n`}${marker.join('')}`,
    };
  }

  /** @returns the marker's values, and the text without the marker; null if the text has no marker of the sync */
  taken(text: string): { backRef: string; values: Values } | null {
    const found = this.found(text.trimEnd());
    const { [BACK_REF]: backRef = '', ...rest } = found?.values ?? {};
    if (!found || tryParseRef(backRef) === null) return null;
    return { backRef, values: { ...rest, [this.property]: text.slice(0, found.from).trimEnd() } };
  }

  /** Searches backwards from the end of the text, so that the time is linear in its length. */
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

  /** @returns the index of the marker's first words: at the start of the last line, else their last occurrence */
  private beginning(text: string, words: string, end: number): number {
    const line = text.lastIndexOf('\n', end - 1) + 1;
    return end > 0 && text.startsWith(words, line) ? line : text.lastIndexOf(words, end - words.length);
  }
}

const BACK_REF = 'backRef';
const NAME = /\{([A-Za-z]\w*)\}/;

/** The names in a marker, from its template in the profile. */
export function markerNames(as: string): string[] {
  return as.split(NAME).filter((_, n) => n % 2 === 1);
}
