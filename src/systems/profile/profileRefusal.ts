import type { Json } from '../../sync/record';
import { AlreadyExists, NeedsHuman, PreconditionFailed, RecordGone, ReferenceGone } from '../errors';
import { isTrue, type Expression } from './expression';
import type { Profile } from './profileSchema';

/** What a refusal means, by the profile's rules. */

const ALL_REFUSALS = Array.from({ length: 100 }, (_, n) => 400 + n);
/** Of any API: a credential that is refused, and a rate that is exceeded. */
const COMMON = new Set([401, 403, 429]);

type Rule = Profile['errors']['rules'][number];

export class Refusals {
  /** Statuses that are looked at here. */
  readonly statuses: readonly number[];

  constructor(private readonly errors: Profile['errors']) {
    const named = new Set(errors.rules.flatMap(({ status }) => status ?? []));
    this.statuses = ALL_REFUSALS.filter((status) => !COMMON.has(status) || named.has(status));
  }

  /**
   * Whether an answer is a refusal. Some APIs refuse with a status of success: a rule with `when`, and of that status or
   * of any, says how that looks.
   */
  refuses(status: number, body: Json): boolean {
    if (status >= 300) return true;
    return this.errors.rules.some((rule) => rule.when !== undefined && fits(rule, status, body));
  }

  /** @param call names it in the message @param body the answer's, or that of one result of many */
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

/** A refusal may have any shape: what cannot be asked of it is not so. */
function attempt(expression: Expression, body: Json): Json {
  try {
    return expression.of(body);
  } catch {
    return null;
  }
}
