/**
 * A short name for a text, to tell texts apart: two runs of FNV-1a over its UTF-16 units, as 16 hexadecimal digits. Not for
 * secrets. Workflows load this room, so it needs no library.
 */
export function textDigest(text: string): string {
  return fnv(text, 0x811c9dc5) + fnv(text, 0x9747b28c);
}

function fnv(text: string, start: number): string {
  let hash = start;
  for (let n = 0; n < text.length; n += 1) hash = Math.imul(hash ^ text.charCodeAt(n), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}
