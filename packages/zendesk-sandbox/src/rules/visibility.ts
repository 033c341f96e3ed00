import type { Comment } from '../model';
import type { Rules } from './switches';

/**
 * Rule 20 [D Z:ticket_comments][R CSA]: a comment without `public` gets the visibility of the ticket's first comment.
 */
export function visibilityOf(given: boolean | undefined, first: Comment | undefined, rules: Rules): boolean {
  if (given !== undefined || !rules.firstVisibility) return given ?? true;
  return first?.public ?? true;
}

/** A ticket's `is_public` is true if *any* of its comments is public. */
export const anyPublic = (comments: readonly Comment[]): boolean => comments.some((each) => each.public);
