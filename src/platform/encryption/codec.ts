import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import type { EncryptionKey } from './encryptionKeys';

const { Payload: PayloadMessage } = temporal.api.common.v1;

/** The names of Temporal's samples, so that tools recognize an encrypted payload. */
const ENCODING = 'binary/encrypted';
const KEY_ID = 'encryption-key-id';
const IV_BYTES = 12;
const TAG_BYTES = 16;
const CIPHER = 'aes-256-gcm';

/** No available key decrypts a payload. Temporal retries; the message names the key that a person must add. */
export class UndecryptablePayload extends Error {
  override readonly name = 'UndecryptablePayload';
}

/**
 * Encrypts all data that Temporal stores for this service except ids and search attributes: inputs, results, signals,
 * failures, summaries, memo. Each payload is encrypted with its metadata, and stored as IV, ciphertext and tag.
 */
export class EncryptionCodec implements PayloadCodec {
  private readonly byId: ReadonlyMap<string, Buffer>;
  private readonly current: EncryptionKey;

  /** @param keys the first key encrypts; all keys decrypt */
  constructor(keys: readonly [EncryptionKey, ...EncryptionKey[]]) {
    [this.current] = keys;
    this.byId = new Map(keys.map(({ id, key }) => [id, key]));
  }

  async encode(payloads: Payload[]): Promise<Payload[]> {
    const { id, key } = this.current;
    return payloads.map((payload) => {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(CIPHER, key, iv).setAAD(Buffer.from(id));
      const sealed = [cipher.update(PayloadMessage.encode(payload).finish()), cipher.final()];
      return {
        metadata: { encoding: Buffer.from(ENCODING), [KEY_ID]: Buffer.from(id) },
        data: Buffer.concat([iv, ...sealed, cipher.getAuthTag()]),
      };
    });
  }

  /** Payloads without encryption, e.g. from before it was switched on, are returned unchanged. */
  async decode(payloads: Payload[]): Promise<Payload[]> {
    return payloads.map((payload) => (text(payload, 'encoding') === ENCODING ? this.open(payload) : payload));
  }

  private open(payload: Payload): Payload {
    const id = text(payload, KEY_ID);
    const key = this.byId.get(id);
    if (!key)
      throw new UndecryptablePayload(
        `a payload needs the encryption key "${id}"; ENCRYPTION_KEYS holds ${[...this.byId.keys()].join(', ')}`,
      );
    const data = Buffer.from(payload.data ?? []);
    try {
      const decipher = createDecipheriv(CIPHER, key, data.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES })
        .setAAD(Buffer.from(id))
        .setAuthTag(data.subarray(-TAG_BYTES));
      const opened = [decipher.update(data.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()];
      return PayloadMessage.decode(Buffer.concat(opened));
    } catch {
      throw new UndecryptablePayload(
        `a payload does not open with the encryption key "${id}": it was changed, or another key has that id`,
      );
    }
  }
}

function text({ metadata }: Payload, name: string): string {
  return Buffer.from(metadata?.[name] ?? []).toString();
}
