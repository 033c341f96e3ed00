/**
 * A digest that distinguishes texts: two runs of FNV-1a over the UTF-16 units, as 16 hexadecimal digits. Not for
 * secrets. Workflows load this room, so it uses no library.
 */
export function textDigest(text: string): string {
  return [fnv1a(text), fnv1a(text, 0x9747b28c)].map((hash) => hash.toString(16).padStart(8, '0')).join('');
}

/** FNV-1a over a text's UTF-16 units. @param start its offset basis @returns an unsigned number of 32 bits */
export function fnv1a(text: string, start = 0x811c9dc5): number {
  let hash = start;
  for (let n = 0; n < text.length; n += 1) hash = Math.imul(hash ^ text.charCodeAt(n), 0x01000193);
  return hash >>> 0;
}
