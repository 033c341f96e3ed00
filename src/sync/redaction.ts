/** Redaction of text: what was removed on one side is removed wherever the other side says it. */

/** What Zendesk puts in the place of each redacted character. */
export const BLACK = '▇';

/** Whether nothing is left of a text. */
export function isAllBlack(text: string): boolean {
  return text.includes(BLACK) && /^[\s▇]*$/.test(text);
}

/**
 * @param before the text as it was
 * @param after the same text with black characters in the place of what was redacted
 * @param text another version of the text
 * @returns `text` without the redacted words; all of `after` where it cannot be told what the words were, or where nothing is left
 */
export function redactAlike(before: string, after: string, text: string): string {
  const words = redactedWords(before, after);
  if (words === null || isAllBlack(after)) return after;
  // Longest first, so that a word within another does not break it up.
  return [...words]
    .sort((a, b) => b.length - a.length)
    .reduce((rest, word) => rest.split(word).join(BLACK.repeat([...word].length)), text);
}

/** Whether `after` is the text `before`, whole or with black characters in the place of what was redacted. */
export function isRedactedFrom(before: string, after: string): boolean {
  return redactedWords(before, after) !== null;
}

/** Null where the two do not cover each other, character by character. */
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
