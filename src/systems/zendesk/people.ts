import { LRUCache } from 'lru-cache';
import { chunks } from '../chunks';
import type { HttpClient } from '../http';
import { usersAnswer } from './zendeskSchemas';

/** Somebody's address or role may change: who was looked up is looked up again after a few minutes. */
const CACHED = { max: 20_000, ttl: 5 * 60_000 };
const IDS_PER_CALL = 100;

interface Person {
  id: number;
  email: string | null;
  name: string;
  agent: boolean;
}

/** Those who were loaded, for as long as whoever loaded them reads records; a cache may have let them go by then. */
export class KnownPeople {
  constructor(private readonly byId: ReadonlyMap<number, Person>) {}

  email(id: number | null | undefined): string | null {
    return (typeof id === 'number' ? this.byId.get(id)?.email : null) ?? null;
  }

  name(id: number | null | undefined): string | null {
    return (typeof id === 'number' ? this.byId.get(id)?.name : null) || null;
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
        // One that nobody knows is remembered as such, or each page would ask again.
        const nobody = { id, email: null, name: '', agent: false };
        known.set(id, nobody);
        this.byId.set(id, nobody);
      }
    }
    return new KnownPeople(known);
  }

  /** https://developer.zendesk.com/api-reference/ticketing/users/users/#search-users */
  async find(email: string): Promise<Person | null> {
    const known = this.byEmail.get(email);
    if (known) return known;
    const { users } = await this.http.get(usersAnswer, '/api/v2/users/search', { query: `email:"${email}"` });
    for (const user of users) this.remember(user);
    const [only, ...others] = users;
    // The search finds by any of a person's addresses, and the answer shows the primary one (zendesk-rules.md rule 25).
    const found =
      this.byEmail.get(email) ?? (only && others.length === 0 ? this.byId.get(only.id) : undefined);
    if (found) this.byEmail.set(email, found);
    return found ?? null;
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
