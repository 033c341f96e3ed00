/** Redaction of texts: words that were redacted on one side are also removed from the other side's text. */

/** The character with which Zendesk replaces each redacted character. */
export const BLACK = '▇';

/** Whether nothing is left of a text. */
export function isAllBlack(text: string): boolean {
  return text.includes(BLACK) && /^[\s▇]*$/.test(text);
}

/**
 * @param before the text as it was
 * @param after the same text, with black characters instead of the redacted ones
 * @param text another version of the text
 * @returns `text` without the redacted words; `after` if the words cannot be determined, or if nothing is left of the
 * text
 */
export function redactAlike(before: string, after: string, text: string): string {
  const words = redactedWords(before, after);
  if (words === null || isAllBlack(after)) return after;
  // Longest first, so that a word within another does not break it up.
  return [...words]
    .sort((a, b) => b.length - a.length)
    .reduce((rest, word) => rest.split(word).join(BLACK.repeat([...word].length)), text);
}

/** Whether `after` is the text `before`, unchanged or with black characters instead of redacted ones. */
export function isRedactedFrom(before: string, after: string): boolean {
  return redactedWords(before, after) !== null;
}

/** The redacted words; null if the texts differ in other characters. */
function redactedWords(before: string, after: string): Set<string> | null {
  const old = [...before];
  const now = [...after];
  if (old.length !== now.length) return null;
  const words = new Set<string>();
  let word = '';
  for (const [place, character] of now.entries()) {
    const was = old[place] ?? '';
    if (character === BLACK && was !== BLACK) {
      word += was;
      continue;
    }
    if (character !== was) return null;
    if (word.trim() !== '') words.add(word.trim());
    word = '';
  }
  if (word.trim() !== '') words.add(word.trim());
  return words;
}
