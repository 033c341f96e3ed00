/** An AES-256 key, with the id by which a payload names the key that it needs. */
export interface EncryptionKey {
  id: string;
  key: Buffer;
}

const KEY_BYTES = 32;

/**
 * Reads `id:base64,id:base64`. The first key encrypts; all keys decrypt.
 * @throws Error that names the faulty entry, but no part of its key
 */
export function parseEncryptionKeys(text: string): [EncryptionKey, ...EncryptionKey[]] {
  const keys = text.split(',').map((entry, i) => {
    const [, id, encoded] = /^\s*([\w.-]+):([A-Za-z0-9+/]+=*)\s*$/.exec(entry) ?? [];
    if (id === undefined || encoded === undefined)
      throw new Error(`entry ${i + 1} is not id:base64, e.g. 2025-01:${'A'.repeat(6)}…=`);
    const key = Buffer.from(encoded, 'base64');
    if (key.length !== KEY_BYTES)
      throw new Error(`key "${id}" has ${key.length} bytes, expected ${KEY_BYTES} (openssl rand -base64 32)`);
    return { id, key };
  });
  const twice = keys.find(({ id }, i) => keys.findIndex((other) => other.id === id) !== i);
  if (twice) throw new Error(`key id "${twice.id}" is used twice`);
  return keys as [EncryptionKey, ...EncryptionKey[]];
}
