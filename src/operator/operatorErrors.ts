/** What a person typed makes no sense; the message says what was found and what was expected. Exit code 2. */
export class BadInput extends Error {
  override readonly name = 'BadInput';
}

/** What was asked for cannot be done, or did not work out, for a reason that is no bug. Exit code 1. */
export class Problem extends Error {
  override readonly name = 'Problem';
}

/** A person stopped the command, or reads no further. Exit code 130. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
}
