import { z } from 'zod';
import { mergeKeyedFields, shownKeyedFields } from './fields/fieldValues';
import { pick, type Fields, type Query, type User } from './model';
import { Refusal, invalid, notFound, parseRecord } from './refusal';
import { NAME_AT_MOST } from './rules/sizes';
import type { Store } from './store';
import { normaliseTags } from './text';
import { tellUserChanges } from './userNews';

const text = z.string().nullable().optional();
const body = z.looseObject({
  name: z
    .string()
    .min(1, 'is too short (minimum is 1 character)')
    .max(NAME_AT_MOST, `is too long (maximum is ${NAME_AT_MOST} characters)`)
    .optional(),
  email: z.email('is not properly formatted').nullable().optional(),
  external_id: text,
  role: z.enum(['end-user', 'agent', 'admin']).optional(),
  organization_id: z.number().nullable().optional(),
  phone: text,
  notes: text,
  details: text,
  alias: text,
  locale: z.string().optional(),
  time_zone: z.string().optional(),
  verified: z.boolean().optional(),
  suspended: z.boolean().optional(),
  tags: z.array(z.string()).nullish(),
  user_fields: z.record(z.string(), z.json()).nullish(),
});
type Body = z.output<typeof body>;
/** Properties that are copied unchanged. */
const PLAIN = [
  'name',
  'external_id',
  'role',
  'organization_id',
  'phone',
  'notes',
  'details',
  'alias',
  'locale',
  'time_zone',
  'verified',
  'suspended',
] as const;
/** What is null once a person is deleted for good [OAS]. */
const PERSONAL = ['email', 'phone', 'photo', 'alias', 'details', 'notes', 'signature', 'external_id'];
const MERGED_TICKETS = 10_000;

/** Rules 25 and 47. https://developer.zendesk.com/api-reference/ticketing/users/users/ */
export class Users {
  constructor(private readonly store: Store) {}

  /** The user as the API returns it, with the present custom fields. */
  shown(user: User): Fields {
    const fields = this.store.userFields.list();
    if (fields.length === 0) return user;
    return { ...user, user_fields: shownKeyedFields(fields, (user['user_fields'] ?? {}) as Fields) };
  }

  get(id: number): User {
    const user = this.store.users.get(id);
    if (!user) throw notFound();
    return user;
  }

  /** `role[]` may be repeated. https://developer.zendesk.com/api-reference/ticketing/users/users/#list-users */
  list({ role, 'role[]': roles, external_id: externalId }: Query): User[] {
    const wanted = [role, roles].flat().filter((each) => each !== undefined);
    const found = externalId === undefined ? [...this.store.users.values()] : this.byExternalId(externalId);
    return found.filter((user) => user.active && (wanted.length === 0 || wanted.includes(user.role)));
  }

  /** https://developer.zendesk.com/api-reference/ticketing/users/users/#autocomplete-users */
  autocomplete({ name = '' }: Query): User[] {
    const start = name.trim().toLowerCase();
    return this.list({}).filter((user) => user.name.toLowerCase().startsWith(start));
  }

  /** Deleted people, also those who were deleted for good. */
  deleted(): User[] {
    return [...this.store.users.values()].filter(({ active }) => !active);
  }

  /** @throws Refusal 404 for a person who is not deleted, or deleted for good */
  getDeleted(id: number): User {
    const user = this.get(id);
    if (user.active || user['permanently_deleted'] === true) throw notFound();
    return user;
  }

  byExternalId(externalId: string): User[] {
    const ids = this.store.externalIds.user.get(externalId.toLowerCase()) ?? new Set();
    return [...ids].flatMap((id) => this.store.users.get(id) ?? []);
  }

  /** `query=email:ann@example.com`, by any of the person's addresses; or text in name or address; or `external_id=`. */
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
      throw invalid('name', 'Name:  is too short (minimum is 1 character)', 'BlankValue');
    this.checkUnique(fields, null);
    const user = this.store.addUser({
      name: fields.name,
      email: fields.email ?? null,
      role: fields.role ?? 'end-user',
      ...pick(fields, PLAIN),
      ...this.lists(fields, {}),
    });
    this.tell('user.created', user);
    return user;
  }

  /** Matches by address or external id; the stored external id gets the case of the request. */
  createOrUpdate(input: unknown): { user: User; created: boolean } {
    const { email, external_id: externalId } = parseRecord(body, input);
    const byEmail = email ? this.store.userByEmail.get(email.toLowerCase()) : undefined;
    const known = byEmail ?? (externalId == null ? undefined : this.byExternalId(externalId)[0]);
    return known
      ? { user: this.update(known.id, input), created: false }
      : { user: this.create(input), created: true };
  }

  /**
   * `email` adds an address (rule 25): the primary one stays. `organization_id` replaces the default organization and
   * removes all other memberships.
   */
  update(id: number, input: unknown): User {
    const before = this.get(id);
    if (before['shared'] === true) throw forbidden('Users shared from another account cannot be changed');
    const fields = parseRecord(body, input);
    this.checkUnique(fields, id);
    const user: User = {
      ...before,
      ...pick(fields, PLAIN),
      ...this.lists(fields, before),
      email: before.email ?? fields.email ?? null,
      updated_at: this.store.now(),
    };
    if (fields.organization_id !== undefined) this.store.memberships.replace(id, fields.organization_id);
    const address = fields.email?.toLowerCase();
    if (address !== undefined && before.email !== null) this.addAddress(id, address);
    this.store.putUser(user, before);
    tellUserChanges(this.store, before, user);
    return user;
  }

  /** Deletes a user. The record remains, also on its tickets. */
  remove(id: number): User {
    const before = this.get(id);
    const user = { ...before, active: false, permanently_deleted: false, updated_at: this.store.now() };
    this.store.putUser(user, before);
    this.tell('user.deleted', user);
    this.tell('user.active_changed', user, { current: false, previous: true });
    return user;
  }

  /**
   * Personal data goes; the record stays, also on its tickets.
   * https://developer.zendesk.com/api-reference/ticketing/users/users/#permanently-delete-user
   */
  removeForGood(id: number): User {
    const before = this.getDeleted(id);
    for (const identity of this.store.identities.of(id)) this.store.identities.remove(id, identity.id);
    const gone = Object.fromEntries(PERSONAL.map((key) => [key, null]));
    const user: User = {
      ...before,
      ...gone,
      name: 'Permanently Deleted User',
      permanently_deleted: true,
      updated_at: this.store.now(),
    };
    this.store.putUser(user, before);
    return user;
  }

  /** Updates a user after an identity was added, removed or made primary. */
  readdress(id: number): User {
    const before = this.get(id);
    const primary = this.store.identities.of(id).find((each) => each.type === 'email' && each.primary);
    const user = { ...before, email: primary?.value ?? null, updated_at: this.store.now() };
    this.store.putUser(user, before);
    return user;
  }

  /** Updates a user after the default membership changed. */
  reorganize(id: number, organizationId: number | null): User {
    const before = this.get(id);
    const user = { ...before, organization_id: organizationId, updated_at: this.store.now() };
    this.store.putUser(user, before);
    return user;
  }

  /**
   * End users only, with 10,000 tickets at most [OAS]; tickets and identities move, the loser becomes inactive
   * (H:4408887695898).
   */
  merge(loserId: number, winnerId: number): User {
    const [loser, winner] = [this.get(loserId), this.get(winnerId)];
    if (loser.role !== 'end-user' || winner.role !== 'end-user' || loser['shared'] === true)
      throw forbidden('Only end users can be merged');
    const tickets = [...this.store.tickets.values()].filter((each) => each.requester_id === loserId);
    if (tickets.length > MERGED_TICKETS)
      throw invalid('base', `Merge: more than ${MERGED_TICKETS} tickets`, 'TooManyValues');
    const times = { updated_at: this.store.now(), generated_timestamp: this.store.seconds() };
    for (const ticket of tickets)
      this.store.putTicket({ ...ticket, requester_id: winnerId, ...times }, ticket);
    this.remove(loserId);
    this.store.identities.move(loserId, winnerId);
    this.tell('user.merged', loser, { user: { id: String(winnerId) } });
    return this.readdress(winnerId);
  }

  addAddress(id: number, email: string): void {
    const isTaken = (address: string) => this.isTaken(address, id);
    const known = this.store.identities.emailsOf(id).includes(email);
    if (!known) this.store.identities.add(id, { type: 'email', value: email }, isTaken);
  }

  isTaken(email: string, own: number): boolean {
    const holder = this.store.userByEmail.get(email.toLowerCase());
    return holder !== undefined && holder.id !== own;
  }

  private lists({ tags, user_fields: fields }: Body, before: Fields): Fields {
    const { userFields, rules } = this.store;
    const held = (before['user_fields'] ?? {}) as Fields;
    return {
      ...(tags && { tags: normaliseTags(tags) }),
      ...(fields && { user_fields: mergeKeyedFields(userFields.active(), held, fields, rules) }),
    };
  }

  private checkUnique({ email, external_id: externalId }: Body, own: number | null): void {
    if (email != null && this.isTaken(email, own ?? 0))
      throw invalid('email', `Email: ${email} is already being used by another user`, 'DuplicateValue');
    if (externalId != null && this.byExternalId(externalId).some((user) => user.id !== own))
      throw invalid('external_id', `External: ${externalId} has already been taken`, 'DuplicateValue');
  }

  private tell(type: string, record: User, change: Fields = {}): void {
    this.store.onEvent({ type, kind: 'user', record, actorId: null, change });
  }
}

const forbidden = (message: string) => new Refusal(403, { error: { title: 'Forbidden', message } });
