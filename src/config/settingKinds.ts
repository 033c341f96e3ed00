import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { parseEncryptionKeys, type EncryptionKey } from '../platform/encryption/encryptionKeys';

/** Kinds of settings that several settings are of: addresses, secrets, hosts, networks, numbers. */

export const url = z.url({
  protocol: /^https?$/,
  error: 'expected an address such as https://example.zendesk.com',
});
/** An address that is reached from elsewhere: contents of records must not travel in the clear. */
export const publicAddress = url.refine(
  // What is no address at all has been told as such.
  (text) => !URL.canParse(text) || new URL(text).protocol === 'https:' || isThisMachine(text),
  {
    error: 'expected https://; http:// is for this machine only, e.g. http://127.0.0.1:8080',
  },
);

function isThisMachine(address: string): boolean {
  const host = new URL(address).hostname.replace(/^\[|\]$/g, '');
  return host === 'localhost' || (ipaddr.isValid(host) && ipaddr.process(host).range() === 'loopback');
}

export const seconds = z.coerce.number({ error: 'expected a number of seconds' }).positive();
export const flag = z.union([z.boolean(), z.stringbool()], { error: 'expected true or false' });
export const perMinute = z.coerce.number({ error: 'expected a number of calls per minute' }).int().positive();
export const encryptionKeys = z.string().transform((text, context): [EncryptionKey, ...EncryptionKey[]] => {
  try {
    return parseEncryptionKeys(text);
  } catch (error) {
    context.addIssue((error as Error).message);
    return z.NEVER;
  }
});

/** Current secret, then the previous one while it is being replaced: a list, or text with a comma between. */
export const secrets = z
  .union([z.string(), z.array(z.string())])
  .transform((given) =>
    (typeof given === 'string' ? given.split(/[,\s]+/) : given).filter((secret) => secret !== ''),
  )
  .refine((list) => list.length > 0 && list.length <= 2 && list.every((secret) => secret.length >= 8), {
    error: 'expected one or two secrets (current, previous) of at least 8 characters each',
  });
const HOST = /^(https?:\/\/[^/\s]+|(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+)$/i;
/** Names, or whole origins: a list, or text with commas between. */
export const hosts = z
  .union([z.string(), z.array(z.string())])
  .transform((given) =>
    (typeof given === 'string' ? given.split(/[,\s]+/) : given).filter((host) => host !== ''),
  )
  .refine((list) => list.every((host) => HOST.test(host)), {
    error:
      'expected hosts such as *.zdusercontent.com, or whole origins such as https://files.example.com:8443',
  });

/** Addresses or networks: a list, or text with commas between. */
export const networks = z
  .union([z.string(), z.array(z.string())])
  .transform((given) =>
    (typeof given === 'string' ? given.split(/[,\s]+/) : given).filter((network) => network !== ''),
  )
  .refine((list) => list.every((network) => ipaddr.isValid(network) || ipaddr.isValidCIDR(network)), {
    error: 'expected addresses such as 10.0.0.5, or networks such as 10.0.0.0/24',
  });
export const recordUrl = z
  .string()
  .regex(/^https?:\/\/\S*\{id\}\S*$/, 'expected e.g. https://pms.acme.example/{kind}s/{id}');
