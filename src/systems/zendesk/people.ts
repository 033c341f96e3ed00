import { LRUCache } from 'lru-cache';
import type { Names } from '../../sync/record';
import { chunks } from '../chunks';
import type { HttpClient } from '../http';
import { identitiesAnswer, usersAnswer } from './zendeskSchemas';

/** How long a look-up is cached: the address or role of a person may change. */
const CACHED = { max: 20_000, ttl: 5 * 60_000 };
const IDS_PER_CALL = 100;
/** If a search finds people with another primary address, the identities of at most this many are read. */
const ASKED_AT_MOST = 5;

export interface Person {
  id: number;
  email: string | null;
  name: string;
  agent: boolean;
}

/** The people of some records, for as long as the records are read; the cache may have dropped them by then. */
export class KnownPeople {
  constructor(private readonly byId: ReadonlyMap<number, Person>) {}

  email(id: number | null | undefined): string | null {
    return (typeof id === 'number' ? this.byId.get(id)?.email : null) ?? null;
  }

  name(id: number | null | undefined): string | null {
    return (typeof id === 'number' ? this.byId.get(id)?.name : null) || null;
  }

  /** The names of the people with an address. @returns {} if there are none */
  names(ids: readonly (number | null | undefined)[]): { names?: Names } {
    const named = ids.flatMap((id) => {
      const [email, name] = [this.email(id), this.name(id)];
      return email === null || name === null ? [] : [[email, name] as const];
    });
    return named.length > 0 ? { names: Object.fromEntries(named) } : {};
  }
}

/** People by id and by e-mail address, cached: they change far less often than tickets do. */
export class People {
  private readonly byId = new LRUCache<number, Person>(CACHED);
  private readonly byEmail = new LRUCache<string, Person>(CACHED);

  constructor(private readonly http: HttpClient) {}

  /** https://developer.zendesk.com/api-reference/ticketing/users/users/#show-many-users */
  async load(ids: Iterable<number | null | undefined>): Promise<KnownPeople> {
    const known = new Map<number, Person>();
    const unknown: number[] = [];
    for (const id of new Set(ids)) {
      if (typeof id !== 'number' || id <= 0) continue;
      const person = this.byId.get(id);
      if (person) known.set(id, person);
      else unknown.push(id);
    }
    for (const some of chunks(unknown, IDS_PER_CALL)) {
      const { users } = await this.http.get(usersAnswer, '/api/v2/users/show_many', { ids: some.join(',') });
      for (const user of users) known.set(user.id, this.remember(user));
      for (const id of some) {
        if (known.has(id)) continue;
        // An id that Zendesk does not know is remembered as such, or each page would ask again.
        const nobody = { id, email: null, name: '', agent: false };
        known.set(id, nobody);
        this.byId.set(id, nobody);
      }
    }
    return new KnownPeople(known);
  }

  /** Whether the next {@link find} of an address is answered from the cache, and so may be some minutes old. */
  isCached(email: string): boolean {
    return this.byEmail.has(email);
  }

  /**
   * https://developer.zendesk.com/api-reference/ticketing/users/users/#search-users
   *
   * @param again bypasses the cache, before a value is left out because of this person
   */
  async find(email: string, { again = false } = {}): Promise<Person | null> {
    const known = again ? undefined : this.byEmail.get(email);
    if (known) return known;
    this.byEmail.delete(email);
    const query = `email:"${email.replaceAll('"', '')}"`;
    const { users } = await this.http.get(usersAnswer, '/api/v2/users/search', { query });
    const found = users.map((user) => this.remember(user));
    const person = this.byEmail.get(email) ?? (await this.withAddress(found, email));
    if (person) this.byEmail.set(email, person);
    return person;
  }

  /**
   * The search finds by any of a person's addresses, and the answer shows the primary one (zendesk-rules.md rule 25).
   * https://developer.zendesk.com/api-reference/ticketing/users/user_identities/
   */
  private async withAddress(found: readonly Person[], email: string): Promise<Person | null> {
    for (const person of found.slice(0, ASKED_AT_MOST)) {
      const path = `/api/v2/users/${person.id}/identities`;
      const { identities } = await this.http.get(identitiesAnswer, path);
      if (identities.some(({ type, value }) => type === 'email' && value?.toLowerCase() === email))
        return person;
    }
    return null;
  }

  private remember(user: {
    id: number;
    name: string;
    email?: string | null | undefined;
    role?: string | null | undefined;
  }): Person {
    const person = {
      id: user.id,
      email: user.email?.toLowerCase() ?? null,
      name: user.name,
      agent: user.role === 'agent' || user.role === 'admin',
    };
    this.byId.set(user.id, person);
    if (person.email !== null) this.byEmail.set(person.email, person);
    return person;
  }
}
