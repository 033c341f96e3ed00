import { z } from 'zod';
import type { Fields } from './model';
import { invalid, notFound, parseRecord } from './refusal';

const identityBody = z.looseObject({
  type: z.enum(['email', 'phone_number', 'google', 'facebook', 'twitter', 'agent_forwarding']),
  value: z.string().min(1),
  verified: z.boolean().default(false),
  primary: z.boolean().default(false),
});

const changeBody = z.looseObject({
  value: z.string().min(1).nullish(),
  verified: z
    .union([z.boolean(), z.stringbool()])
    .nullish()
    .transform((given) => given ?? undefined),
  verification_method: z.enum(['low', 'sso', 'email', 'none']).optional(),
});

export interface Identity extends Fields {
  id: number;
  user_id: number;
  type: string;
  value: string;
  primary: boolean;
  verified: boolean;
}

/**
 * Rule 25 [D Z:users]: a person has several addresses, of which `email` shows the primary one.
 * https://developer.zendesk.com/api-reference/ticketing/users/user_identities/
 */
export class Identities {
  private readonly all = new Map<number, Identity>();
  private readonly ofUser = new Map<number, Identity[]>();

  constructor(private readonly options: { now: () => string; newId: () => number; baseUrl: () => string }) {}

  of(userId: number): Identity[] {
    return this.ofUser.get(userId) ?? [];
  }

  emailsOf(userId: number): string[] {
    return this.of(userId).flatMap(({ type, value }) => (type === 'email' ? [value] : []));
  }

  /** @throws Refusal 404 */
  get(userId: number, id: number): Identity {
    const found = this.all.get(id);
    if (found?.user_id !== userId) throw notFound();
    return found;
  }

  /** @param isTaken whether another person has an address. @throws Refusal 422 */
  add(userId: number, input: unknown, isTaken: (email: string) => boolean): Identity {
    const { type, value, verified, primary } = parseRecord(identityBody, input);
    const kept = type === 'email' ? value.toLowerCase() : value;
    if (type === 'email' && isTaken(kept))
      throw invalid('value', `Email: ${kept} is already being used by another user`, 'DuplicateValue');
    const isFirst = !this.of(userId).some((each) => each.type === type && each.primary);
    const identity = this.make(userId, type, kept, { verified, primary: isFirst });
    return primary ? this.makePrimary(userId, identity.id) : identity;
  }

  make(
    userId: number,
    type: string,
    value: string,
    { verified, primary }: { verified: boolean; primary: boolean },
  ): Identity {
    const id = this.options.newId();
    const now = this.options.now();
    const identity: Identity = {
      url: `${this.options.baseUrl()}/users/${userId}/identities/${id}.json`,
      id,
      user_id: userId,
      type,
      value,
      verified,
      primary,
      created_at: now,
      updated_at: now,
      ...(type === 'email' && { undeliverable_count: 0, deliverable_state: 'deliverable' }),
    };
    this.all.set(id, identity);
    this.ofUser.set(userId, [...this.of(userId), identity]);
    return identity;
  }

  makePrimary(userId: number, id: number): Identity {
    const { type } = this.get(userId, id);
    for (const each of this.of(userId)) if (each.type === type) each.primary = each.id === id;
    return this.get(userId, id);
  }

  verify(userId: number, id: number): Identity {
    const identity = this.get(userId, id);
    identity.verified = true;
    return identity;
  }

  /**
   * `verified` or `verification_method` verifies or unverifies; `value` replaces the address. `primary` cannot be changed
   * this way. https://developer.zendesk.com/api-reference/ticketing/users/user_identities/#update-user-identity
   * @throws Refusal 422
   */
  change(userId: number, id: number, input: unknown, isTaken: (email: string) => boolean): Identity {
    const identity = this.get(userId, id);
    const { value, verified, verification_method: method } = parseRecord(changeBody, input);
    const kept = (identity.type === 'email' ? value?.toLowerCase() : value) ?? undefined;
    if (kept !== undefined && identity.type === 'email' && isTaken(kept))
      throw invalid('value', `Email: ${kept} is already being used by another user`, 'DuplicateValue');
    if (kept !== undefined) identity.value = kept;
    if (verified !== undefined) identity.verified = verified;
    if (method !== undefined) identity.verified = method !== 'none';
    identity['updated_at'] = this.options.now();
    return identity;
  }

  remove(userId: number, id: number): void {
    this.get(userId, id);
    this.all.delete(id);
    this.ofUser.set(
      userId,
      this.of(userId).filter((each) => each.id !== id),
    );
  }

  /** Moves all identities of the loser to the winner, as non-primary ones. */
  move(loserId: number, winnerId: number): void {
    for (const each of this.of(loserId)) Object.assign(each, { user_id: winnerId, primary: false });
    this.ofUser.set(winnerId, [...this.of(winnerId), ...this.of(loserId)]);
    this.ofUser.delete(loserId);
  }
}
