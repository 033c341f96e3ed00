import { z } from 'zod';
import type { Query, User } from './model';
import { invalid, notFound, parseRecord } from './refusal';
import type { Store } from './store';

const body = z.looseObject({
  name: z.string().min(1).optional(),
  email: z.email('is not properly formatted').nullable().optional(),
  external_id: z.string().nullable().optional(),
  role: z.enum(['end-user', 'agent', 'admin']).optional(),
  organization_id: z.number().nullable().optional(),
  phone: z.string().nullable().optional(),
  notes: z.string().nullable().optional(),
  details: z.string().nullable().optional(),
  suspended: z.boolean().optional(),
});
/** Copied as they are. */
const PLAIN = [
  'name',
  'external_id',
  'role',
  'organization_id',
  'phone',
  'notes',
  'details',
  'suspended',
] as const;

/** https://developer.zendesk.com/api-reference/ticketing/users/users/ */
export class Users {
  constructor(private readonly store: Store) {}

  get(id: number): User {
    const user = this.store.users.get(id);
    if (!user) throw notFound();
    return user;
  }

  list({ role, 'role[]': roles }: Query): User[] {
    const wanted = role ?? roles;
    return [...this.store.users.values()].filter(
      (user) => user.active && (wanted === undefined || user.role === wanted),
    );
  }

  byExternalId(externalId: string): User[] {
    const ids = this.store.externalIds.user.get(externalId.toLowerCase()) ?? new Set();
    return [...ids].flatMap((id) => this.store.users.get(id) ?? []);
  }

  /** `query=email:ann@example.com`, or text that name or address contains; or `external_id=`. */
  search({ query = '', external_id: externalId }: Query): User[] {
    if (externalId !== undefined) return this.byExternalId(externalId);
    const email = /^email:"?([^"\s]+)"?$/.exec(query.trim())?.[1];
    if (email !== undefined) {
      const user = this.store.userByEmail.get(email.toLowerCase());
      return user ? [user] : [];
    }
    const words = query.trim().replace(/^"|"$/g, '').toLowerCase();
    return this.list({}).filter((user) => `${user.name} ${user.email ?? ''}`.toLowerCase().includes(words));
  }

  create(input: unknown): User {
    const fields = parseRecord(body, input);
    if (fields.name === undefined)
      throw invalid('name', 'Name: is too short (minimum one character)', 'BlankValue');
    this.checkUnique(fields.email, fields.external_id, null);
    const user = this.store.addUser({
      name: fields.name,
      email: fields.email ?? null,
      role: fields.role ?? 'end-user',
      external_id: fields.external_id ?? null,
      organization_id: fields.organization_id ?? null,
      ...pick(fields, ['phone', 'notes', 'details']),
    });
    this.store.onEvent({ type: 'user.created', kind: 'user', record: user, actorId: null, change: {} });
    return user;
  }

  createOrUpdate(input: unknown): { user: User; created: boolean } {
    const { email, external_id: externalId } = parseRecord(body, input);
    const byEmail = email ? this.store.userByEmail.get(email.toLowerCase()) : undefined;
    const known = byEmail ?? (externalId == null ? undefined : this.byExternalId(externalId)[0]);
    return known
      ? { user: this.update(known.id, input), created: false }
      : { user: this.create(input), created: true };
  }

  update(id: number, input: unknown): User {
    const before = this.get(id);
    const fields = parseRecord(body, input);
    this.checkUnique(fields.email, fields.external_id, id);
    const user: User = {
      ...before,
      ...pick(fields, PLAIN),
      // A further address becomes a second identity; the first one stays the person's own.
      email: before.email ?? fields.email ?? null,
      updated_at: this.store.now(),
    };
    this.store.putUser(user, before);
    return user;
  }

  remove(id: number): User {
    const before = this.get(id);
    const user = { ...before, active: false, updated_at: this.store.now() };
    this.store.putUser(user, before);
    this.store.onEvent({ type: 'user.deleted', kind: 'user', record: user, actorId: null, change: {} });
    return user;
  }

  private checkUnique(
    email: string | null | undefined,
    externalId: string | null | undefined,
    own: number | null,
  ) {
    const holder = email == null ? undefined : this.store.userByEmail.get(email.toLowerCase());
    if (holder && holder.id !== own)
      throw invalid('email', `Email: ${email} is already being used by another user`, 'DuplicateValue');
    if (externalId != null && this.byExternalId(externalId).some((user) => user.id !== own))
      throw invalid('external_id', `External: ${externalId} has already been taken`, 'DuplicateValue');
  }
}

function pick<T extends object, K extends keyof T>(
  from: T,
  keys: readonly K[],
): { [P in K]?: Exclude<T[P], undefined> } {
  return Object.fromEntries(keys.flatMap((key) => (from[key] === undefined ? [] : [[key, from[key]]]))) as {
    [P in K]?: Exclude<T[P], undefined>;
  };
}
