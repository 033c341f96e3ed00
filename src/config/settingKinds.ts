import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { parseEncryptionKeys, type EncryptionKey } from '../platform/encryption/encryptionKeys';

/** Types of settings that several settings share: addresses, secrets, hosts, networks, numbers. */

const HTTP = /^https?:\/\//;

/** The address of a web server, which may have a path. @param example for messages */
export function address(example: string) {
  return z.string({ error: `expected an address such as ${example}` }).superRefine((text, context) => {
    const fault = addressFault(text, example);
    if (fault !== null) context.addIssue(fault);
  });
}

function addressFault(text: string, example: string): string | null {
  if (!HTTP.test(text) || !URL.canParse(text))
    return `expected an address such as ${example}${HTTP.test(text) ? '' : ', with https:// or http:// before it'}`;
  const { username, password, search, hash } = new URL(text);
  if (username !== '' || password !== '')
    return `expected an address without user and password, such as ${example}; credentials have settings of their own`;
  return search === '' && hash === '' ? null : `expected an address without "?" and "#", such as ${example}`;
}

const PUBLIC = 'https://sync.example.com';
/** A public address: it must use https, because it transports contents of records. */
export const publicAddress = address(PUBLIC).refine(
  // A text that is no address has its own message already.
  (text) => !URL.canParse(text) || new URL(text).protocol !== 'http:' || isThisMachine(text),
  {
    error: 'expected https://; http:// is for this machine only, e.g. http://127.0.0.1:8080',
  },
);

function isThisMachine(address: string): boolean {
  const host = new URL(address).hostname.replace(/^\[|\]$/g, '');
  return host === 'localhost' || (ipaddr.isValid(host) && ipaddr.process(host).range() === 'loopback');
}

const HOST_AND_PORT = /^(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d+))?$/i;
const LAST_PORT = 65_535;
/** The address of a gRPC server. */
export const hostAndPort = z.string().refine(
  (text) => {
    const [whole, digits = '1'] = HOST_AND_PORT.exec(text) ?? [];
    return whole !== undefined && Number(digits) > 0 && Number(digits) <= LAST_PORT;
  },
  { error: 'expected host and port such as temporal.example.com:7233, without "http://" or a path' },
);

export const port = z.coerce
  .number({ error: `expected a port from 0 to ${LAST_PORT}` })
  .int()
  .min(0)
  .max(LAST_PORT);

const QUOTED = /^(["'“”]).*["'“”]$/s;
/** Matches a part of the header that the sync adds itself. */
const SCHEME = /^(bearer|basic|token)\s/i;
/**
 * A secret. A text with quotes or a header name around it is a fault, because the server would refuse it without a
 * reason.
 */
export function secret(expected: string, least = 1) {
  return z
    .string()
    .min(least, expected)
    .superRefine((text, context) => {
      const fault = secretFault(text);
      if (fault !== null) context.addIssue(`${expected} ${fault}`);
    });
}

function secretFault(text: string): string | null {
  if (QUOTED.test(text)) return 'without quotes around it';
  if (SCHEME.test(text)) return `without "${SCHEME.exec(text)?.[1] ?? ''}" before it`;
  if (text !== text.trim()) return 'without blanks around it';
  return /[\r\n]/.test(text) ? 'on one line' : null;
}

/** A time in seconds. More than a week is a fault: milliseconds, or a digit too many. */
const LONGEST_WAIT = 7 * 24 * 60 * 60;
export const seconds = z.coerce
  .number({ error: 'expected a number of seconds' })
  .positive()
  .max(LONGEST_WAIT, `expected a number of seconds, up to ${LONGEST_WAIT}`);
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

/** The current secret and, while it is being replaced, the previous one: a list, or a text with a comma. */
export const secrets = z
  .union([z.string(), z.array(z.string())])
  .transform((given) =>
    (typeof given === 'string' ? given.split(/[,\s]+/) : given).filter((secret) => secret !== ''),
  )
  .refine((list) => list.length > 0 && list.length <= 2 && list.every((secret) => secret.length >= 8), {
    error: 'expected one or two secrets (current, previous) of at least 8 characters each',
  });
const HOST = /^(https?:\/\/[^/\s]+|(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+)$/i;
/** Host names or origins: a list, or a text with commas. */
export const hosts = z
  .union([z.string(), z.array(z.string())])
  .transform((given) =>
    (typeof given === 'string' ? given.split(/[,\s]+/) : given).filter((host) => host !== ''),
  )
  .refine((list) => list.every((host) => HOST.test(host)), {
    error:
      'expected hosts such as *.zdusercontent.com, or whole origins such as https://files.example.com:8443',
  });

/** Addresses or networks: a list, or a text with commas. */
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
