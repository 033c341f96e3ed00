import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { NAME_LIMIT } from '../../sync/resolution';

/** The user of the console, stored in a signed cookie. The server stores nothing, so any console process accepts it. */
export interface Session {
  user: string;
  /** How the user was identified: by the token, or by a proxy's header, which each request must then have. */
  by: 'token' | 'proxy';
  /** Distinguishes sessions of the same user. */
  nonce: string;
  /** Milliseconds since 1970. */
  since: number;
}

export const SESSION_MS = 12 * 60 * 60_000;

const schema = z.object({
  user: z.string().min(1).max(NAME_LIMIT),
  by: z.enum(['token', 'proxy']),
  nonce: z.string().min(1),
  since: z.number(),
});

export class Sessions {
  private readonly key: Buffer;

  /** @param secret signs sessions; sessions signed with another secret are invalid */
  constructor(
    secret: string | Buffer,
    private readonly now: () => number = Date.now,
  ) {
    this.key = createHmac('sha256', secret).update('console sessions').digest();
  }

  begin(user: string, by: Session['by']): Session {
    return { user, by, nonce: randomBytes(16).toString('base64url'), since: this.now() };
  }

  /** The cookie's value. */
  seal(session: Session): string {
    const text = Buffer.from(JSON.stringify(session)).toString('base64url');
    return `${text}.${this.mark('session', text)}`;
  }

  /** @returns null for a value that was not sealed here, or is too old */
  open(value: string): Session | null {
    const [text = '', mark = ''] = value.split('.');
    if (!sameSecret(mark, this.mark('session', text))) return null;
    // An earlier version may have sealed it.
    const session = schema.safeParse(parseJson(Buffer.from(text, 'base64url').toString('utf8')));
    if (!session.success) return null;
    return this.now() - session.data.since < SESSION_MS ? session.data : null;
  }

  /** A token in each form of this session, which no other site can know. */
  formToken({ user, by, nonce }: Session): string {
    return this.mark('form', JSON.stringify([user, by, nonce]));
  }

  private mark(purpose: string, text: string): string {
    return createHmac('sha256', this.key).update(`${purpose} ${text}`).digest('base64url');
  }
}

/** Compares in constant time, also for different lengths. */
export function sameSecret(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
