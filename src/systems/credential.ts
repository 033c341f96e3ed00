/** How calls are signed. A credential may change while a client lives, so it is asked for once a call. */

export interface Credential {
  /**
   * Headers for the next call.
   * @throws RetryLater, NeedsHuman where a token cannot be had
   */
  headers(): Promise<Record<string, string>>;
  /** Parameters for the next call's query, which nothing logs; absent where there are none. */
  query?(): Promise<Record<string, string>>;
  /**
   * Told that the system refused (401) a call sent with these headers because of its token.
   * @returns whether the call may be sent once more, with what {@link headers} gives then
   */
  refused(sent: Readonly<Record<string, string>>): boolean;
}

/** A credential that never changes: a refusal of it is for a person to mend. */
export function fixedCredential(headers: Record<string, string>): Credential {
  return { headers: async () => headers, refused: () => false };
}

export function basicHeader(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

/** What an answer says of the credential that the call was sent with. */
export interface RefusedAnswer {
  status: number;
  /** Parsed JSON; null for an empty body, undefined for anything that is not JSON. */
  body: unknown;
  header: (name: string) => string | null;
}

/**
 * Whether a 401 is about the token rather than about something else: it says `invalid_token`, in its body or in
 * `WWW-Authenticate`, or it names no error at all, as many systems do.
 * https://www.rfc-editor.org/rfc/rfc6750#section-3.1
 */
export function refusesToken({ status, body, header }: RefusedAnswer): boolean {
  if (status !== 401) return false;
  const challenge = header('www-authenticate') ?? '';
  const named = errorOf(body) ?? /\berror="?([^",\s]+)/.exec(challenge)?.[1] ?? null;
  return named === null || named === 'invalid_token' || /\berror="?invalid_token\b/.test(challenge);
}

/** The `error` of an OAuth answer (RFC 6749, 5.2; RFC 6750, 3), where the answer has one. */
export function errorOf(body: unknown): string | null {
  if (body === null || typeof body !== 'object') return null;
  const { error } = body as Record<string, unknown>;
  return typeof error === 'string' ? error : null;
}
