import type { Json } from '../../sync/record';
import { AlreadyExists, NeedsHuman, PreconditionFailed, RecordGone, ReferenceGone } from '../errors';
import { isTrue, type Expression } from './expression';
import type { Profile } from './profileSchema';

/** Maps refused calls to errors, by the profile's rules. */

const ALL_REFUSALS = Array.from({ length: 100 }, (_, n) => 400 + n);
/** Statuses that mean the same in any API: a refused credential, and a rate limit that is reached. */
const COMMON = new Set([401, 403, 429]);

type Rule = Profile['errors']['rules'][number];

export class Refusals {
  /** Statuses that the rules handle; the HTTP client handles all others. */
  readonly statuses: readonly number[];

  constructor(private readonly errors: Profile['errors']) {
    const named = new Set(errors.rules.flatMap(({ status }) => status ?? []));
    this.statuses = ALL_REFUSALS.filter((status) => !COMMON.has(status) || named.has(status));
  }

  /**
   * Whether an answer is a refusal. Some APIs refuse with a status below 300; a rule with `when` recognizes such an
   * answer by its body.
   */
  refuses(status: number, body: Json): boolean {
    if (status >= 300) return true;
    return this.errors.rules.some((rule) => rule.when !== undefined && fits(rule, status, body));
  }

  /** @param call the call's name, for the message @param body the body of the answer, or of one result of a bulk call */
  error(call: string, status: number, body: Json): Error {
    const rule = this.errors.rules.find((each) => fits(each, status, body));
    const message = textOr(this.errors.message, body, `answered ${status}`);
    const what = `${call}: ${message}`;
    const field = textOr(rule?.field ?? this.errors.field, body, null);
    switch (rule?.means) {
      case 'moved':
        return new PreconditionFailed(what);
      case 'gone':
        return new RecordGone(what);
      case 'exists':
        return new AlreadyExists(what, field ?? 'back-reference');
      case 'referenceGone':
        return new ReferenceGone(what, field ?? 'reference');
      case 'refused':
      case undefined:
        return new NeedsHuman('invalid_field', what, field);
    }
  }
}

function fits({ status, when }: Rule, found: number, body: Json): boolean {
  if (status !== undefined && ![status].flat().includes(found)) return false;
  return when === undefined || isTrue(attempt(when, body));
}

function textOr<T>(expression: Expression | undefined, body: Json, otherwise: T): string | T {
  const value = expression ? attempt(expression, body) : null;
  return typeof value === 'string' && value !== '' ? value : otherwise;
}

/** The body of a refusal may have any shape, so an expression that fails on it counts as "no match". */
function attempt(expression: Expression, body: Json): Json {
  try {
    return expression.of(body);
  } catch {
    return null;
  }
}
