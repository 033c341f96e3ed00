import { BoundedCache, chunks } from '../boundedCache';
import type { HttpClient } from '../http';
import { usersAnswer } from './zendeskSchemas';

const PEOPLE_CACHED = 20_000;
const IDS_PER_CALL = 100;

interface Person {
  id: number;
  email: string | null;
  name: string;
  agent: boolean;
}

/** People by id and by e-mail address, cached: they change far less often than tickets do. */
export class People {
  private readonly byId = new BoundedCache<number, Person>(PEOPLE_CACHED);
  private readonly byEmail = new BoundedCache<string, Person>(PEOPLE_CACHED);

  constructor(private readonly http: HttpClient) {}

  /** https://developer.zendesk.com/api-reference/ticketing/users/users/#show-many-users */
  async load(ids: Iterable<number | null | undefined>): Promise<void> {
    const unknown = [...new Set(ids)].filter(
      (id): id is number => typeof id === 'number' && id > 0 && this.byId.get(id) === undefined,
    );
    for (const some of chunks(unknown, IDS_PER_CALL)) {
      const { users } = await this.http.get(usersAnswer, '/api/v2/users/show_many', { ids: some.join(',') });
      for (const user of users) this.remember(user);
      // One that nobody knows is remembered as such, or each page would ask again.
      for (const id of some)
        if (this.byId.get(id) === undefined) this.byId.set(id, { id, email: null, name: '', agent: false });
    }
  }

  email(id: number | null | undefined): string | null {
    return (typeof id === 'number' ? this.byId.get(id)?.email : null) ?? null;
  }

  name(id: number | null | undefined): string | null {
    return (typeof id === 'number' ? this.byId.get(id)?.name : null) || null;
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
  }): void {
    const person = {
      id: user.id,
      email: user.email?.toLowerCase() ?? null,
      name: user.name,
      agent: user.role === 'agent' || user.role === 'admin',
    };
    this.byId.set(user.id, person);
    if (person.email !== null) this.byEmail.set(person.email, person);
  }
}
