/** Credentials of API calls. A credential may change while a client is in use, so each call asks for it. */

export interface Credential {
  /**
   * Headers for the next call.
   * @throws RetryLater, NeedsHuman if no token can be obtained
   */
  headers(): Promise<Record<string, string>>;
  /** Query parameters for the next call, which are never logged; absent if there are none. */
  query?(): Promise<Record<string, string>>;
  /**
   * Reports that the system refused a call (401) because of the token in these headers.
   * @returns whether the call may be sent once more, with new {@link headers}
   */
  refused(sent: Readonly<Record<string, string>>): boolean;
}

/** A credential that never changes. If the system refuses it, a person must correct it. */
export function fixedCredential(headers: Record<string, string>): Credential {
  return { headers: async () => headers, refused: () => false };
}

export function basicHeader(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

/** An answer that may refuse the credential of its call. */
export interface RefusedAnswer {
  status: number;
  /** Parsed JSON; null for an empty body, undefined for anything that is not JSON. */
  body: unknown;
  header: (name: string) => string | null;
}

/**
 * Whether a 401 refuses the token, and nothing else: it says `invalid_token`, in its body or in `WWW-Authenticate`, or it
 * names no error, as in many systems.
 * https://www.rfc-editor.org/rfc/rfc6750#section-3.1
 */
export function refusesToken({ status, body, header }: RefusedAnswer): boolean {
  if (status !== 401) return false;
  const challenge = header('www-authenticate') ?? '';
  const named = errorOf(body) ?? /\berror="?([^",\s]+)/.exec(challenge)?.[1] ?? null;
  return named === null || named === 'invalid_token' || /\berror="?invalid_token\b/.test(challenge);
}

/** The `error` of an OAuth answer (RFC 6749, 5.2; RFC 6750, 3), or null. */
export function errorOf(body: unknown): string | null {
  if (body === null || typeof body !== 'object') return null;
  const { error } = body as Record<string, unknown>;
  return typeof error === 'string' ? error : null;
}
