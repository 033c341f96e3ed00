import { randomBytes } from 'node:crypto';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import fc from 'fast-check';
import { EncryptionCodec, UndecryptablePayload } from '../../src/platform/encryption/codec';
import { parseEncryptionKeys } from '../../src/platform/encryption/encryptionKeys';

const keyText = (id: string) => `${id}:${randomBytes(32).toString('base64')}`;
const codecOf = (...entries: string[]) => new EncryptionCodec(parseEncryptionKeys(entries.join(',')));
const bytes = ({ metadata, data }: Payload) => ({
  metadata: Object.fromEntries(
    Object.entries(metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString('hex')]),
  ),
  data: Buffer.from(data ?? []).toString('hex'),
});

describe('payload encryption', () => {
  const a = keyText('a');
  const b = keyText('b');

  test('any payload is decrypted unchanged, and encrypted differently each time', async () => {
    const codec = codecOf(a);
    const payload = fc.record({
      metadata: fc.dictionary(fc.string({ minLength: 1 }), fc.uint8Array()),
      data: fc.uint8Array(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(payload), async (payloads) => {
        const sealed = await codec.encode(payloads);
        expect((await codec.decode(sealed)).map(bytes)).toEqual(payloads.map(bytes));
        const again = await codec.encode(payloads);
        for (const [i, { data }] of sealed.entries()) expect(data).not.toEqual(again[i]?.data);
      }),
    );
  });

  test('no part of a payload is readable', async () => {
    const payload = defaultPayloadConverter.toPayload({ words: 'the-customer-wrote-this' });
    const [sealed] = await codecOf(a).encode([payload]);
    expect(Buffer.from(sealed?.data ?? []).includes('customer')).toBe(false);
    expect(Object.keys(sealed?.metadata ?? {})).toEqual(['encoding', 'encryption-key-id']);
  });

  test('after a rotation the first key encrypts, and the old key still decrypts', async () => {
    const old = await codecOf(a).encode([defaultPayloadConverter.toPayload('old')]);
    const rotated = codecOf(b, a);
    expect((await rotated.decode(old)).map((it) => defaultPayloadConverter.fromPayload(it))).toEqual(['old']);
    const fresh = await rotated.encode([defaultPayloadConverter.toPayload('new')]);
    expect(Buffer.from(fresh[0]?.metadata?.['encryption-key-id'] ?? []).toString()).toBe('b');
    await expect(codecOf(a).decode(fresh)).rejects.toThrow(
      new UndecryptablePayload('a payload needs the encryption key "b"; ENCRYPTION_KEYS holds a'),
    );
  });

  test('payloads from before encryption are passed through', async () => {
    const payload = defaultPayloadConverter.toPayload('plain');
    expect(await codecOf(a).decode([payload])).toEqual([payload]);
  });

  test('one changed bit anywhere is detected', async () => {
    const [sealed] = await codecOf(a).encode([defaultPayloadConverter.toPayload('x')]);
    const data = Buffer.from(sealed?.data ?? []);
    for (let i = 0; i < data.length; i += 1) {
      const changed = Buffer.from(data);
      changed[i] = (changed[i] ?? 0) ^ 1;
      await expect(codecOf(a).decode([{ ...sealed, data: changed }])).rejects.toThrow(UndecryptablePayload);
    }
    await expect(codecOf(a).decode([{ ...sealed, data: data.subarray(0, 3) }])).rejects.toThrow(
      UndecryptablePayload,
    );
  });

  test.each<[string, string, string]>([
    ['a missing id', randomBytes(32).toString('base64'), 'entry 1 is not id:base64'],
    ['a key that is not base64', `${a},b:???`, 'entry 2 is not id:base64'],
    ['a short key', `a:${randomBytes(16).toString('base64')}`, 'key "a" has 16 bytes, expected 32'],
    ['a repeated id', `${a},${keyText('a')}`, 'key id "a" is used twice'],
  ])('%s gets one line that shows no key', (_, text, expected) => {
    let message = '';
    try {
      parseEncryptionKeys(text);
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toContain(expected);
    for (const entry of text.split(',')) expect(message).not.toContain(entry.slice(-12));
  });
});
