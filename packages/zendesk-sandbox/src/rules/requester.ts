import type { User } from '../model';
import { invalid } from '../refusal';
import type { Store } from '../store';
import type { TicketBody } from '../tickets/ticketBody';
import { NAME_AT_MOST } from './sizes';

export interface Requester {
  /** Null if the person is created later, by {@link make}. */
  id: number | null;
  user?: User;
  make?: () => number;
}

/**
 * The requester of a ticket (rules 11 and 40). An unknown `requester` is created, and needs a name
 * (zenpy#287, alphagov/support-api#985); the name of a known person is not changed.
 * @throws Refusal 422
 */
export function requesterOf(store: Store, fields: TicketBody, created: boolean): Requester | null {
  if (fields.requester) return byAddress(store, fields.requester, created);
  if (fields.requester_id == null) return null;
  const user = store.users.get(fields.requester_id);
  if (!user) throw invalid('requester', 'Requester: is not valid', 'InvalidValue');
  if (created) checkSuspended(store, user);
  return { id: user.id, user };
}

function byAddress(
  store: Store,
  { email, name }: { email: string; name?: string | undefined },
  created: boolean,
): Requester {
  const known = store.userByEmail.get(email.toLowerCase());
  if (known) {
    if (created) checkSuspended(store, known);
    return { id: known.id, user: known };
  }
  const given = name?.trim() ?? '';
  const refuse = (bound: string) => invalid('requester', `Requester: Name:  is too ${bound}`, 'InvalidValue');
  if (given === '' && store.rules.namelessRequester === 'refused')
    throw refuse('short (minimum is 1 character)');
  if (given.length > NAME_AT_MOST) throw refuse(`long (maximum is ${NAME_AT_MOST} characters)`);
  return { id: null, make: () => store.personOf(email, given === '' ? undefined : given).id };
}

/** The text is from a log of 2012. */
function checkSuspended(store: Store, user: User): void {
  if (user['suspended'] === true && store.rules.suspendedRequester)
    throw invalid('requester', 'Requester is suspended.', 'InvalidValue');
}
