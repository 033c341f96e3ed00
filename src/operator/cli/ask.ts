import { input, password } from '@inquirer/prompts';

/** Asks a person at a terminal. */
export interface Questions {
  /** @param check returns the fault of an answer, or null */
  text(
    question: string,
    options?: { given?: string; check?: (answer: string) => string | null },
  ): Promise<string>;
  /**
   * Does not show the answer.
   * @param kept whether there is an earlier answer, which Enter alone repeats
   * @param check returns the fault of an answer, or null
   */
  secret(question: string, kept?: boolean, check?: (answer: string) => string | null): Promise<string>;
}

/** @param streams replace the terminal */
export function questions(streams?: {
  input: NodeJS.ReadableStream;
  output: NodeJS.WritableStream;
}): Questions {
  return {
    text: (message, { given, check = () => null } = {}) =>
      input(
        {
          message,
          ...(given !== undefined && { default: given }),
          validate: (answer) => check(answer) ?? true,
        },
        streams,
      ),
    secret: (message, kept = false, check = () => null) =>
      password(
        {
          message: kept ? `${message} (Enter: as before)` : message,
          mask: '•',
          validate: (answer) => check(answer) ?? (kept || answer !== '' || 'expected a value'),
        },
        streams,
      ),
  };
}

/** The answer that returns to the previous question. */
export const BACK = '<';

/** A person wants to return to the previous question. */
export class GoBack extends Error {
  override readonly name = 'GoBack';
}

const NAMED = /^(?:export\s+)?([A-Z][A-Z_]*)=/;

/** The fault of an answer that was copied with the name of another setting; null if there is none. */
export function otherSetting(answer: string, ...expected: string[]): string | null {
  const name = NAMED.exec(answer.trim())?.[1];
  return name === undefined || expected.includes(name)
    ? null
    : `found ${name}, expected ${expected.join(' or ')}`;
}

/**
 * The value of an answer that was copied with its variable's name, in quotes, or with blanks around it. @throws
 * GoBack
 */
export function pasted(answer: string): string {
  const text = answer.trim().replace(NAMED, '');
  const bare = /^(["'])(.*)\1$/.exec(text)?.[2] ?? text;
  if (bare === BACK) throw new GoBack();
  return bare.trim();
}
