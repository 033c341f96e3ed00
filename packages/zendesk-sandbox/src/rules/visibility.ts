import type { Comment } from '../model';
import type { Rules } from './switches';

/**
 * Rule 20 [D Z:ticket_comments][R CSA]: a comment without `public` takes the visibility that was set at the ticket's
 * creation, which is the first comment's own.
 */
export function visibilityOf(given: boolean | undefined, first: Comment | undefined, rules: Rules): boolean {
  if (given !== undefined || !rules.firstVisibility) return given ?? true;
  return first?.public ?? true;
}

/** `is_public` of a ticket says that *any* of its comments is public. */
export const anyPublic = (comments: readonly Comment[]): boolean => comments.some((each) => each.public);
