import { lookup, type LookupAddress } from 'node:dns';
import http, { type IncomingMessage, type RequestOptions } from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

/**
 * Fetches URLs that came in data. The author of the data may be malicious, so each URL and each redirect is checked before
 * a request is sent, and the connection itself refuses host names that resolve to private IP addresses.
 */

/** The URL may not be fetched. The message names its origin, but not its path, which may be a secret. */
export class EgressRefused extends Error {
  override readonly name = 'EgressRefused';
}

export interface Signer {
  headers(): Promise<Record<string, string>>;
  /** Called after a 401. @returns whether the request may be sent once more */
  refused(sent: Readonly<Record<string, string>>): boolean;
}

export interface EgressOptions {
  /** The system's own origin, e.g. `https://acme.zendesk.com`: always allowed, as it was configured. */
  own: string;
  /** Signs only requests to the own origin; called once per request. */
  credential: Signer;
  /**
   * Other allowed hosts. `files.example.com` or `*.example.com`: by https, at public IP addresses. A full origin such as
   * `http://10.0.0.7:8080`: exactly this origin, at any IP address.
   */
  hosts: readonly string[];
  /** How long the connection may be idle. */
  timeoutMs: number;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const HOPS_AT_MOST = 5;

export class Egress {
  private readonly own: string;
  private readonly origins: ReadonlySet<string>;
  private readonly names: readonly string[];

  constructor(private readonly options: EgressOptions) {
    this.own = new URL(options.own).origin;
    const origins = options.hosts.filter((host) => host.includes('://')).map((host) => new URL(host).origin);
    this.origins = new Set([this.own, ...origins]);
    this.names = options.hosts.filter((host) => !host.includes('://')).map((host) => host.toLowerCase());
  }

  /**
   * GETs a URL and follows redirects.
   * @returns the answer with its body unread; the caller reads or destroys it
   * @throws EgressRefused; other errors come from the network
   */
  async open(address: string): Promise<IncomingMessage> {
    let url = parse(address, null);
    for (let hop = 0; hop <= HOPS_AT_MOST; hop += 1) {
      const isTrusted = this.check(url);
      const answer = await this.signedGet(url, isTrusted);
      if (!REDIRECTS.has(answer.statusCode ?? 0) || answer.headers.location === undefined) return answer;
      answer.destroy();
      url = parse(answer.headers.location, url);
    }
    throw new EgressRefused(`${url.origin}: more than ${HOPS_AT_MOST} redirects`);
  }

  /** @returns whether the full origin was configured, and so may have any IP address @throws EgressRefused */
  private check(url: URL): boolean {
    if (url.username !== '' || url.password !== '')
      throw new EgressRefused(`${url.origin}: the address holds a credential`);
    if (this.origins.has(url.origin)) return true;
    if (
      url.protocol !== 'https:' ||
      url.port !== '' ||
      !this.names.some((name) => matches(name, url.hostname))
    )
      throw new EgressRefused(`${url.origin} is not among the hosts that attachments may come from`);
    const literal = url.hostname.replace(/^\[|\]$/g, '');
    if (isIP(literal) !== 0) refusePrivate(url.hostname, literal);
    return false;
  }

  private async signedGet(url: URL, isTrusted: boolean): Promise<IncomingMessage> {
    if (url.origin !== this.own) return this.get(url, isTrusted, {});
    const { credential } = this.options;
    const sent = await credential.headers();
    const answer = await this.get(url, isTrusted, sent);
    if (answer.statusCode !== 401 || !credential.refused(sent)) return answer;
    answer.destroy();
    return this.get(url, isTrusted, await credential.headers());
  }

  private get(url: URL, isTrusted: boolean, credentials: Record<string, string>): Promise<IncomingMessage> {
    const { timeoutMs } = this.options;
    const options: RequestOptions = {
      agent: false,
      timeout: timeoutMs,
      headers: {
        // No compression, so that the bytes on the network are the bytes of the file.
        'accept-encoding': 'identity',
        ...credentials,
      },
      ...(!isTrusted && { lookup: publicLookup }),
    };
    return new Promise((resolve, reject) => {
      const request = (url.protocol === 'https:' ? https : http).get(url, options, resolve);
      request.on('timeout', () => request.destroy(new Error(`nothing came for ${timeoutMs} ms`)));
      request.on('error', reject);
    });
  }
}

/** Checks the look-up of the connection itself: a separate look-up could return another IP address (DNS rebinding). */
export const publicLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
    if (error) return callback(error, '');
    try {
      for (const { address } of addresses) refusePrivate(hostname, address);
    } catch (refused) {
      return callback(refused as Error, '');
    }
    const [first] = addresses;
    if (options.all === true) return callback(null, addresses);
    return callback(null, first?.address ?? '', first?.family);
  });
};

function parse(address: string, base: URL | null): URL {
  try {
    return new URL(address, base ?? undefined);
  } catch {
    throw new EgressRefused('found something that is not an address');
  }
}

function matches(pattern: string, hostname: string): boolean {
  return pattern.startsWith('*.') ? hostname.endsWith(pattern.slice(1)) : hostname === pattern;
}

/** Refuses all ranges but the public internet: loopback, private, link-local, shared, reserved, multicast. */
function refusePrivate(hostname: string, address: string): void {
  const range = ipaddr.process(address).range();
  if (range !== 'unicast')
    throw new EgressRefused(`${hostname} leads to an address that is not public (${range})`);
}
