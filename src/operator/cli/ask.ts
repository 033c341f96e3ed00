import { input, password } from '@inquirer/prompts';

/** Questions to a person at a terminal. */
export interface Questions {
  /** @param check returns what is wrong with an answer, or null */
  text(
    question: string,
    options?: { given?: string; check?: (answer: string) => string | null },
  ): Promise<string>;
  /**
   * The answer is not shown.
   * @param kept Enter alone is an answer, too: what was given before counts again
   * @param check returns what is wrong with an answer, or null
   */
  secret(question: string, kept?: boolean, check?: (answer: string) => string | null): Promise<string>;
}

/** @param streams in place of the terminal */
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

/** The answer that asks for the question before. */
export const BACK = '<';

/** A person wants to answer an earlier question anew. */
export class GoBack extends Error {
  override readonly name = 'GoBack';
}

const NAMED = /^(?:export\s+)?([A-Z][A-Z_]*)=/;

/** What is wrong with an answer that was copied with the name of another setting; null where nothing is. */
export function otherSetting(answer: string, ...expected: string[]): string | null {
  const name = NAMED.exec(answer.trim())?.[1];
  return name === undefined || expected.includes(name)
    ? null
    : `found ${name}, expected ${expected.join(' or ')}`;
}

/** An answer as it was meant: copied with its variable's name, in quotes, or with blanks around. @throws GoBack */
export function pasted(answer: string): string {
  const text = answer.trim().replace(NAMED, '');
  const bare = /^(["'])(.*)\1$/.exec(text)?.[2] ?? text;
  if (bare === BACK) throw new GoBack();
  return bare.trim();
}
