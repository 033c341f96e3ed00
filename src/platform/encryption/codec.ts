import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import type { EncryptionKey } from './encryptionKeys';

const { Payload: PayloadMessage } = temporal.api.common.v1;

/** The names that Temporal's own samples use, so that tools know an encrypted payload when they see one. */
const ENCODING = 'binary/encrypted';
const KEY_ID = 'encryption-key-id';
const IV_BYTES = 12;
const TAG_BYTES = 16;
const CIPHER = 'aes-256-gcm';

/** No available key decrypts this payload. Temporal tries again; the message names the key that a person must add. */
export class UndecryptablePayload extends Error {
  override readonly name = 'UndecryptablePayload';
}

/**
 * Encrypts everything that Temporal stores of us except ids and search attributes: inputs, results, signals, failures,
 * summaries, memo. Each payload is sealed whole, its metadata included, as IV, ciphertext and tag.
 */
export class EncryptionCodec implements PayloadCodec {
  private readonly byId: ReadonlyMap<string, Buffer>;
  private readonly current: EncryptionKey;

  /** @param keys the first encrypts, all decrypt */
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

  /** Payloads that are not encrypted, e.g. from before encryption was switched on, pass as they are. */
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
