import { input, password } from '@inquirer/prompts';

/** Questions to a person at a terminal. */
export interface Questions {
  /** @param check returns what is wrong with an answer, or null */
  text(
    question: string,
    options?: { given?: string; check?: (answer: string) => string | null },
  ): Promise<string>;
  /** The answer is not shown. */
  secret(question: string): Promise<string>;
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
    secret: (message) =>
      password({ message, mask: '•', validate: (answer) => answer !== '' || 'expected a value' }, streams),
  };
}
