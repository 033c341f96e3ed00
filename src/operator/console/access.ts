import type { IncomingHttpHeaders } from 'node:http';
import ipaddr from 'ipaddr.js';
import { NAME_LIMIT } from '../../sync/resolution';
import { sameSecret, type Session, type Sessions } from './sessions';

/** Who may use the console. */
export interface AccessRules {
  /** The token that the log-in form asks for; null without such a form. */
  token: string | null;
  /** The header in which a trusted proxy names its user, in lower case; null if no header is trusted. */
  userHeader: string | null;
  /** Addresses and networks of the trusted proxies. */
  trustedProxies: readonly string[];
}

/** The parts of a request that decide about access. */
export interface Visit {
  headers: IncomingHttpHeaders;
  /** The IP address at the other end of the connection, which cannot be forged. */
  peer: string;
  /** The host that the browser asked for. */
  host: string;
}

export const COOKIE = 'zps-console';

/** @returns the session, and whether its cookie must still be set; null without a session */
export function sessionOf(
  rules: AccessRules,
  sessions: Sessions,
  visit: Visit,
): { session: Session; isNew: boolean } | null {
  const session = sessions.open(cookieOf(visit.headers.cookie ?? ''));
  const user = proxyUser(rules, visit);
  if (user !== null) {
    return session?.by === 'proxy' && session.user === user
      ? { session, isNew: false }
      : { session: sessions.begin(user, 'proxy'), isNew: true };
  }
  // The cookie of a session that a proxy's header began is not enough: each request must have the header.
  return session?.by === 'token' && rules.token !== null ? { session, isNew: false } : null;
}

function proxyUser({ userHeader, trustedProxies }: AccessRules, { headers, peer }: Visit): string | null {
  const user = userHeader === null ? undefined : headers[userHeader];
  if (typeof user !== 'string' || user.trim() === '' || !isTrusted(trustedProxies, peer)) return null;
  return user.trim().slice(0, NAME_LIMIT);
}

export function isTrusted(proxies: readonly string[], address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const trusted = proxies.map((proxy): [ipaddr.IPv4 | ipaddr.IPv6, number] => {
    if (ipaddr.isValidCIDR(proxy)) return ipaddr.parseCIDR(proxy);
    const one = ipaddr.process(proxy);
    return [one, one.kind() === 'ipv4' ? 32 : 128];
  });
  return ipaddr.subnetMatch(ipaddr.process(address), { trusted }, 'none') === 'trusted';
}

export function tokenFits({ token }: AccessRules, given: string): boolean {
  return token !== null && sameSecret(given, token);
}

/**
 * Whether a browser sent a form from one of our pages. The browser itself sets these headers, and no page can forge
 * them: `Sec-Fetch-Site` if the console is reached by HTTPS or on this machine, `Origin` always.
 * https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site
 */
export function isOwnForm({ headers, host }: Visit): boolean {
  const site = headers['sec-fetch-site'];
  const { origin } = headers;
  if (site === undefined && origin === undefined) return false;
  if (site !== undefined && site !== 'same-origin') return false;
  return origin === undefined || hostOf(origin) === host.toLowerCase();
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}

function cookieOf(header: string): string {
  for (const part of header.split(';')) {
    const [name, value = ''] = part.trim().split('=', 2);
    if (name === COOKIE) return value;
  }
  return '';
}
