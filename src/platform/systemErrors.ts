import { isNativeError } from 'node:util/types';

/**
 * Explanations and fixes for error codes of the operating system and of TLS.
 * https://nodejs.org/api/errors.html#common-system-errors, https://nodejs.org/api/tls.html#x509-certificate-error-codes
 */

const NETWORK: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there; check the address, and that the server runs',
  ECONNRESET: 'the connection was closed by the other end; check the address, and what is in between',
  EPIPE: 'the connection was closed by the other end; check the address, and what is in between',
  ECONNABORTED: 'no answer in time; check the server, and the network to it',
  ETIMEDOUT: 'no answer in time; check the server, and the network or firewall to it',
  ENOTFOUND: 'there is no such host; check the address, and DNS',
  EAI_AGAIN: 'DNS does not answer; check the network of this machine',
  EHOSTUNREACH: 'there is no way to the host; check the network or firewall',
  ENETUNREACH: 'there is no way to the network; check the network of this machine',
  EPROTO: 'it does not speak TLS as expected; check https:// or http://, and the port',
  CERT_HAS_EXPIRED: 'its certificate has expired; renew it there',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host; check the address',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed; trust it by NODE_EXTRA_CA_CERTS',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not trusted; trust its issuer by NODE_EXTRA_CA_CERTS',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not trusted; trust its issuer by NODE_EXTRA_CA_CERTS',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'its certificate is not trusted; trust its issuer by NODE_EXTRA_CA_CERTS',
};

const FILES: Record<string, string> = {
  EACCES: 'this user has no right to it; change its owner or mode, or choose another place',
  EPERM: 'the system does not allow it; change its owner or mode, or choose another place',
  EROFS: 'it is on a read-only file system; choose another place',
  ENOSPC: 'the disk is full; make room on it',
  EDQUOT: 'the quota of this user is used up; make room',
  EFBIG: 'the file is larger than is allowed; check ulimit -f',
  ENOENT: 'it is not there; check the path',
  ENOTDIR: 'a part of its path is no folder; check the path',
  EISDIR: 'it is a folder; expected a file',
  EEXIST: 'it is there already; choose another name',
  ENAMETOOLONG: 'its path is too long; choose a shorter one',
  ENOTEMPTY: 'the folder is not empty; choose another one',
  EMFILE: 'too many files are open; raise ulimit -n',
  ENFILE: 'too many files are open on this machine; raise fs.file-max',
  EIO: 'the disk does not read or write; check the disk',
};

const PORTS: Record<string, string> = {
  EADDRINUSE: 'another process listens there; stop it, or choose another port',
  EADDRNOTAVAIL: 'this machine has no such address; check the host',
  EACCES: 'ports below 1024 need more rights; choose another port',
  EPERM: 'the system does not allow it; choose another port',
  ENOTFOUND: 'there is no such host; check the host',
};

const PROGRAMS: Record<string, string> = {
  ENOENT: 'there is no such program; install it, or check PATH',
  EACCES: 'it may not be run; check its mode',
};

interface SystemError extends Error {
  code: string;
  syscall?: string;
  path?: string;
  address?: string;
  /** The host name, for a DNS error. */
  hostname?: string;
  port?: number;
}

/** `127.0.0.1:8081 cannot be reached (ECONNREFUSED): nothing listens there; check …`. @param url of the server */
export function unreachable(url: string, code: string): string {
  const { hostname, port, protocol } = new URL(url);
  const place = `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`;
  const words = NETWORK[code];
  return `${place} cannot be reached (${code})${words === undefined ? '; check the address and the network' : `: ${words}`}`;
}

/** `127.0.0.1:9464 (EADDRINUSE): another process listens there; …` */
export function cannotListen(host: string, port: number, error: unknown): string {
  const code = codeOf(error) ?? 'unknown error';
  const words = PORTS[code];
  return `cannot listen on ${host}:${port} (${code})${words === undefined ? '' : `: ${words}`}`;
}

/** An error of the operating system as one line with a fix; null for any other error. */
export function systemFault(error: unknown): string | null {
  if (!isSystemError(error)) return null;
  const { code, syscall = '', path, hostname, address = hostname, port } = error;
  if (syscall === 'listen' || syscall === 'bind')
    return cannotListen(address ?? path ?? '', port ?? 0, error);
  if (syscall.startsWith('spawn') && path !== undefined)
    return `${path} cannot be started (${code})${words(PROGRAMS[code])}`;
  if (path !== undefined && code in FILES) return `${path} (${syscall}, ${code})${words(FILES[code])}`;
  if (code in NETWORK) {
    const place = address === undefined ? '' : `${address}${port === undefined ? '' : `:${port}`} `;
    return `${place}cannot be reached (${code})${words(NETWORK[code])}`;
  }
  return code in FILES ? `${syscall || 'a file'} (${code})${words(FILES[code])}` : null;
}

/** `cannot be read (ENOENT): it is not there; check the path` */
export function cannotRead(error: unknown): string {
  const code = codeOf(error) ?? 'unknown error';
  return `cannot be read (${code})${words(FILES[code])}`;
}

/** Whether a disk, or a user's part of it, is full. */
export function isDiskFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(codeOf(error) ?? '');
}

function words(text: string | undefined): string {
  return text === undefined ? '' : `: ${text}`;
}

function codeOf(error: unknown): string | null {
  return isSystemError(error) ? error.code : null;
}

function isSystemError(error: unknown): error is SystemError {
  // Not `instanceof`, because Node's own errors may come from another realm.
  return isNativeError(error) && 'code' in error && typeof error.code === 'string';
}
