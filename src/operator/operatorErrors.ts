/** An argument is wrong. The message says what was found and what was expected. Exit code 2. */
export class BadInput extends Error {
  override readonly name = 'BadInput';
}

/** A request cannot be carried out, or failed, for a reason that is no bug. Exit code 1. */
export class Problem extends Error {
  override readonly name = 'Problem';
}

/** A person stopped the command, or the reader of its output ended. Exit code 130. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
}
